# SPDX-License-Identifier: BSD-3-Clause
"""The paired tier: what `ringside ab` measured, judged.

A difference counts when two independent batches of rounds show it in the same direction, and it is larger
than what the policy calls none. How often that happens when there is none is at most alpha over all that a
run compares: each of its comparisons gets an equal part of it.
"""
import math

from ringside_results import stats
from ringside_results.findings import BETTER, NOISY, WORSE, Finding
from ringside_results.series import known_metrics, percent


def _share(log):
    return percent(abs(math.expm1(log)))


class Judged:
    """One metric of one cell."""

    def __init__(self, name, cell, alpha, smallest):
        self.metric = known_metrics()[name]
        self.level = stats.batch_level(alpha)
        self.smallest = math.log1p(smallest)
        self.batches = [stats.logs(b["rounds"], name) for b in cell["batches"]]
        self.p = [stats.permutation_p(d) if d else 1.0 for d in self.batches]
        pooled = [d for b in self.batches for d in b]
        self.rounds = len(pooled)
        self.effect = stats.effect(pooled) if pooled else 0.0
        self.floor = stats.floor(pooled, self.level)

    def _points(self, batch):
        return math.copysign(1, stats.effect(batch)) if batch else 0

    @property
    def significant(self):
        """Twice, in the same direction, and not small."""
        return (len(self.batches) >= 2 and all(p <= self.level for p in self.p[:2]) and
                self._points(self.batches[0]) == self._points(self.batches[1]) and
                abs(self.effect) >= self.smallest)

    @property
    def worse(self):
        return (self.effect > 0) == (self.metric.better == "lower")

    @property
    def change(self):
        return f"{_share(self.effect)} {self.metric.change(1.0, math.exp(self.effect))}"

    @property
    def evidence(self):
        floor = "unknown" if math.isinf(self.floor) else _share(self.floor)
        return (f"{self.rounds} rounds, p {', '.join(f'{p:.2g}' for p in self.p)} "
                f"(at most {self.level:.2g} each), noise floor {floor}",)


def compare(comparison, policy, result):
    """An ab result."""
    cells = result.data["cells"]
    asked = sum(len(c["metrics"]) for c in cells)
    for cell in cells:
        gates = policy.gates(cell["name"])
        for name in cell["metrics"]:
            comparison.compared["paired"] += 1
            judged = Judged(name, cell, policy.alpha / asked, policy.effect)
            old, new = (judged.metric.show(cell["medians"][side][name]) for side in ("a", "b"))
            if judged.significant:
                quiet = not cell["noisy"]
                comparison.add(Finding(
                    WORSE if judged.worse else BETTER, "paired", cell["name"], name, old, new,
                    judged.change, gates=gates and judged.worse and quiet,
                    because="" if quiet else f"the host is not quiet: {cell['noisy']}",
                    evidence=judged.evidence))
            elif cell["noisy"]:
                comparison.add(Finding(
                    NOISY, "paired", cell["name"], name, old, new, "cannot be told",
                    because=f"the host is not quiet: {cell['noisy']}", evidence=judged.evidence))
