# SPDX-License-Identifier: BSD-3-Clause
"""Bench results: runs of the same load beside each other, their figures and plots."""
from ringside_report import names, plot, units
from ringside_report.stages import parts, style

SAME_LOAD = ("device", "op", "block_size", "queue_depth", "rate", "wait", "ring", "pattern")
COLUMNS = [("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"),
           ("mean", "mean")]


def stage_styles(stages):
    """[(style, stage), …]"""
    return [(style(s["name"]), s) for s in stages]


class Run:
    """One bench result."""

    def __init__(self, result, label, style):
        d = result.data
        self.file = result.file
        self.label = label
        self.style = style
        self.data = d
        self.floor = d.get("floor") or None
        self.trace = d.get("trace") or None
        self.warnings = d.get("warnings", [])
        self.latency = d["latency_ns"]
        # The tracer's cost has no place in a comparison: there the untraced run counts.
        self.untraced = (self.trace or {}).get("untraced")
        self.shown = self.untraced or self.latency
        self.stages = [s for s in d.get("stages", []) if s.get("count", 1)]
        # Of the untraced run where it is known, as the figures are.
        buckets = (self.untraced or {}).get("histogram")
        self.plotted_traced = bool(self.untraced) and not buckets
        # A histogram is ascending by its schema's words only: make sure.
        self.histogram = sorted((ns, n) for ns, n in buckets or d.get("histogram", []) if n > 0)
        self.reference = None  # the run that ratios refer to

    @property
    def requests_per_s(self):
        return self.untraced.get("requests_per_s") if self.untraced else self.data["requests_per_s"]

    @property
    def floor_ratio(self):
        return self.shown["p50"] / self.floor["ns"] if self.floor and self.floor["ns"] else None

    def ratio(self, column):
        """This run's figure over the first target's."""
        if not self.reference:
            return None
        mine, other = self.shown.get(column), self.reference.shown.get(column)
        return mine / other if mine is not None and other else None

    @property
    def curve(self):
        """[(share of requests at or below, ns), …]: the histogram's, else what percentiles say."""
        total = sum(n for _, n in self.histogram)
        if not total:
            known = [(.5, "p50"), (.9, "p90"), (.99, "p99"), (.999, "p999")]
            return [(share, self.shown[key]) for share, key in known if key in self.shown]
        seen, points = 0, [(0.0, self.histogram[0][0])]
        for ns, n in self.histogram:
            points.append((seen / total, ns))
            seen += n
        points.append((1.0, self.histogram[-1][0]))
        return points

    @property
    def requests(self):
        return sum(n for _, n in self.histogram) or self.data["requests"]

    @property
    def staged(self):
        """[(style, stage), …], for the table beside the plot."""
        return stage_styles(self.stages)

    @property
    def stage_parts(self):
        """Means that add up to the request's mean: the stages, then what is outside them.

        A stage that not every request had counts as much as it adds to the mean request.
        """
        found = [(style(name), name, ns) for name, ns in parts(self.stages, self.trace or {})]
        # Of the traced run, which the stages are of.
        mean = self.latency.get("mean", self.latency["p50"])
        rest = mean - sum(ns for _, _, ns in found)
        if found and rest > 0:
            found.append(("st-rest", "outside", rest))
        return found


class Load:
    """Runs of the same load."""

    def __init__(self, workload, anchor):
        self.workload = workload
        self.anchor = anchor
        self.runs = []

    @property
    def title(self):
        w = self.workload
        words = [w["op"]]
        if w.get("block_size") and w["op"] != "flush":
            words.append(units.size(w["block_size"]))
        words.append(f"depth {w['queue_depth']}")
        if w.get("rate"):
            words.append(f"{units.rate(w['rate'])}/s")
        words.append(w["wait"])
        return ", ".join([" ".join(words[:2]), *words[2:]])

    @property
    def detail(self):
        w = self.workload
        loop = "open loop: latency counts from the intended start" if w.get("rate") \
            else "closed loop"
        parts = [w["device"], w.get("pattern"), w.get("ring") and f"{w['ring']} ring", loop]
        return ", ".join(p for p in parts if p)

    @property
    def floors(self):
        """[(label, ns)]: one if the runs agree within a tenth, else each run's."""
        known = [(r.floor["kind"], r.floor["ns"], r.label) for r in self.runs
                 if r.floor and r.floor["ns"] > 0]
        if not known:
            return []
        low, high = min(k[1] for k in known), max(k[1] for k in known)
        if high <= low * 1.1:
            return [(f"floor ({known[0][0]})", low)]
        # More would cover the curves; the table has them all.
        return [(f"floor ({kind}), lowest", ns) for kind, ns, _ in known if ns == low][:1]

    def run_of(self, label):
        """The run of a target, or None."""
        return next((r for r in self.runs if r.label == label), None)

    def finish(self, reference):
        for run in self.runs:
            run.reference = self.run_of(reference) or self.runs[0]

    @property
    def is_compared(self):
        return len(self.runs) > 1

    @property
    def percentile_plot(self):
        return plot.percentiles(
            f"Latency over percentile: {self.title}",
            [(r.style, r.label, r.curve, r.requests) for r in self.runs], self.floors)

    @property
    def histogram_plot(self):
        runs = [r for r in self.runs if r.histogram]
        if not runs:
            return None
        return plot.histogram(f"Distribution of latency: {self.title}",
                              [(r.style, r.label, r.histogram) for r in runs], self.floors)

    @property
    def staged(self):
        return [r for r in self.runs if r.stages]

    @property
    def stage_plot(self):
        return plot.stages(f"Stages: {self.title}", [(r.label, r.stage_parts) for r in self.staged])


class Latency:
    def __init__(self, results):
        self.columns = COLUMNS
        anchor = names.Anchors("load-")
        plain = [names.target_name(r.data["target"]) for r in results]
        styles = {}
        loads = {}
        for result, name in zip(results, plain):
            workload = result.data["workload"]
            key = tuple(workload.get(k) or None for k in SAME_LOAD)
            if key not in loads:
                loads[key] = Load(workload, anchor(" ".join(str(k) for k in key if k)))
            load = loads[key]
            # A second run of the same target under the same load.
            label = names.unique([r.label for r in load.runs] + [name])[-1]
            style = styles.setdefault(label, len(styles))
            load.runs.append(Run(result, label, style))
        self.loads = list(loads.values())
        self.labels = list(styles.items())
        for load in self.loads:
            load.finish(self.labels[0][0])
        hosts = {tuple(sorted((k, str(v)) for k, v in r.data.get("host", {}).items()))
                 for r in results}
        self.several_hosts = len(hosts) > 1

    @property
    def overview(self):
        rows = [(load.title, [(r.style, r.label, r.shown["p50"], r.shown["p99"])
                              for r in load.runs],
                 min((ns for _, ns in load.floors), default=None)) for load in self.loads]
        return plot.ranges("Median and 99th percentile of every load", rows)

    @property
    def traced(self):
        return any(load.staged for load in self.loads)
