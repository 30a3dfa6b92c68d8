# SPDX-License-Identifier: BSD-3-Clause
"""What `ringside prove` found, and which clauses that covers."""


class Proof:
    def __init__(self, result, catalogue):
        d = result.data
        self.file = result.file
        self.created = d.get("created")
        self.duration_s = d.get("duration_s")
        self.summary = d["summary"]
        self.checks = d["checks"]
        self.faults = d["faults"]
        self.unproven = [c for c in self.checks if not c["proven"]]
        self.uncaught = [f for f in self.faults if not f.get("caught_by")]
        self.accused = [f for f in self.faults if f.get("accused_wrongly")]
        self.coverage = catalogue.coverage(result.path)

    @property
    def good(self):
        return not (self.unproven or self.uncaught or self.accused)

    def of_check(self, name):
        """The record of one check, or None."""
        return next((c for c in self.checks if c["id"] == name), None)
