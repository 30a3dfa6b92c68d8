# SPDX-License-Identifier: BSD-3-Clause
"""What became of a cell."""

# In the order in which they count: a run's exit status is that of its worst cell.
STATUSES = {
    "pass": (0, "as expected"),
    "skip": (0, "cannot be run here"),
    "fail": (1, "a verdict was not as expected"),
    "died": (3, "the target ended, or could not be reached"),
    "hung": (3, "no end within the time allowed"),
    "hypervisor": (4, "the hypervisor failed"),
    "error": (4, "this machine or a file refused what Ringside needs"),
    "interrupted": (130, "ended from outside"),
}
# What a resumed run need not do again.
FINAL = ("pass", "skip", "fail", "died", "hung")


class Outcome:
    """`status` is one of STATUSES, `reason` one line, `results` the result files in the cell's
    folder, `summary` a few words on what was found."""

    def __init__(self, status, reason="", results=(), summary=""):
        assert status in STATUSES
        self.status = status
        self.reason = reason
        self.results = list(results)
        self.summary = summary

    @property
    def good(self):
        return self.status == "pass"


class Failed(Exception):
    """Ends a cell with an outcome."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.outcome = Outcome(status, reason)


def worst(statuses):
    """The exit status of a run."""
    return max((STATUSES[s][0] for s in statuses), default=0)
