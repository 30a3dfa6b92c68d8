# SPDX-License-Identifier: BSD-3-Clause
"""What `ringside gate` found."""

# What was compared, as a reader calls it.
TIERS = {"verdict": "Verdicts", "exact": "Exact counts", "paired": "Measured in turns", "trend": "Single runs"}
HEADS = (
    ("worse", "Worse"),
    ("lost", "Not covered any more"),
    ("noisy", "Could not be told"),
    ("better", "Better"),
    ("moved", "Times of single runs that moved; noise is not ruled out"),
    ("new", "New"),
)


class Gate:
    def __init__(self, result):
        d = result.data
        self.file = result.file
        self.created = d["created"]
        self.passed = d["passed"]
        self.headline = d["headline"]
        self.compared = [(TIERS.get(tier, tier), n) for tier, n in d["compared"].items() if n]
        self.expected = d["expected"]
        self.findings = d["findings"]
        self.gating = [f for f in self.findings if f["gates"]]
        self.rest = [(head, [f for f in self.findings if f["kind"] == kind and not f["gates"]])
                     for kind, head in HEADS]
        self.rest = [(head, found) for head, found in self.rest if found]
