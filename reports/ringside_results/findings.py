# SPDX-License-Identifier: BSD-3-Clause
"""What a comparison found."""
import dataclasses

from ringside_results import series

# In the order in which they are told. What moved is a time of single runs: noise is not ruled out.
WORSE, LOST, NOISY, BETTER, MOVED, NEW = "worse", "lost", "noisy", "better", "moved", "new"
ORDER = (WORSE, LOST, NOISY, BETTER, MOVED, NEW)


@dataclasses.dataclass
class Finding:
    kind: str
    tier: str  # verdict, exact, paired, trend
    title: str  # of the series
    subject: str  # a check's id, a metric's name
    old: str
    new: str
    change: str  # in words: "3.1 % slower", "fail, was pass"
    gates: bool = False
    because: str = ""  # what caused it, as far as that is known; or why it does not gate
    clause: str = ""
    evidence: tuple = ()  # lines


class Comparison:
    """All findings, and how much was looked at."""

    def __init__(self):
        self.findings = []
        self.compared = {"verdict": 0, "exact": 0, "paired": 0, "trend": 0}
        self.expected = 0  # known deviations, which stay quiet

    def add(self, finding):
        self.findings.append(finding)

    def sort(self):
        """What gates first, then what is worse, in the order in which it was found."""
        self.findings.sort(key=lambda f: (not f.gates, ORDER.index(f.kind)))

    @property
    def gating(self):
        return [f for f in self.findings if f.gates]

    @property
    def passed(self):
        return not self.gating

    def of(self, *kinds):
        return [f for f in self.findings if f.kind in kinds and not f.gates]


def by_series(results):
    """{series: [result, …]}, in the order of their first appearance."""
    found = {}
    for result in results:
        found.setdefault(series.key(result), []).append(result)
    return found
