# SPDX-License-Identifier: BSD-3-Clause
"""Hypervisors and approaches beside each other: what a request costs under each, what was found, and how fast.

Costs are those of the exact tier, in a lab. What was found and how fast it was is known of cells of `ringside run`,
whose folder says what they combined.
"""
from ringside_report import exact
from ringside_report.latency import Load

HYPERVISORS = {"kvm": "KVM", "xen": "Xen"}
NONE = "no hypervisor"
VERDICTS = ("pass", "fail", "warn", "hazard", "error")


def _split(approach):
    """(hypervisor, how the device is connected) of "xen-vhost-user"."""
    first, _, rest = approach.partition("-")
    return (HYPERVISORS[first], rest) if first in HYPERVISORS and rest else (NONE, approach)


class Costs:
    """One device under one load: approaches by hypervisors, in instructions."""

    def __init__(self, group):
        self.title = group.title
        self.hypervisors, self.rows = [], {}
        # What two labs count without a hypervisor differs by their kernels.
        several = len({row.lab for row in group.rows if _split(row.approach)[0] == NONE}) > 1
        for row in group.rows:
            hypervisor, how = _split(row.approach)
            if hypervisor == NONE and several:
                hypervisor = f"{NONE} ({row.lab})"
            if hypervisor not in self.hypervisors:
                self.hypervisors.append(hypervisor)
            label = ", ".join([how, *row.label.split(", ")[1:]])
            self.rows.setdefault(label, {})[hypervisor] = row
        self.hypervisors.sort(key=lambda h: (not h.startswith(NONE), h))

    @staticmethod
    def ratio(row):
        """To the least that the same lab counted."""
        least = row.total - row.added_in_lab
        return row.total / least if least else None


class Way:
    """One combination of a run: how the device was reached, and what was seen."""

    def __init__(self, axes):
        self.hypervisor = axes.get("hypervisor", "none")
        self.device = axes.get("device", "")
        self.backend = axes.get("backend", "")
        parts = [axes.get("connect", "usual"), axes.get("transport", ""), axes.get("arch", ""),
                 axes.get("driver", "")]
        self.how = ", ".join(p for p in parts if p and p != "usual")
        self.ring = axes.get("ring", "split")
        self.summary = {}
        self.unexpected = 0
        self.times = {}  # {load's title: p50 in ns}

    @property
    def text(self):
        return " ".join((self.hypervisor, self.device, self.backend, self.how, self.ring)).lower()


def _key(axes):
    return tuple(sorted((k, v) for k, v in axes.items() if k != "wait"))


class Comparison:
    verdicts = VERDICTS

    def __init__(self, results):
        self.costs = [Costs(g) for g in exact.groups([r for r in results if r.kind == "exact"])]
        found = {}
        for r in results:
            if r.axes and r.kind in ("conform", "bench"):
                self._take(found.setdefault(_key(r.axes), Way(r.axes)), r)
        self.ways = sorted(found.values(), key=lambda w: (w.device, w.hypervisor != "none", w.hypervisor,
                                                          w.backend, w.how, w.ring))
        self.hypervisors = list(dict.fromkeys(w.hypervisor for w in self.ways))
        self.loads = list(dict.fromkeys(title for w in self.ways for title in w.times))

    @staticmethod
    def _take(way, result):
        if result.kind == "bench":
            untraced = (result.data.get("trace") or {}).get("untraced")
            way.times[Load(result.data["workload"], "").title] = (untraced or result.data["latency_ns"])["p50"]
            return
        for verdict, n in result.data["summary"].items():
            way.summary[verdict] = way.summary.get(verdict, 0) + n
        way.unexpected += result.data.get("unexpected", 0)

    @property
    def is_any(self):
        return bool(self.costs) or len(self.ways) > 1
