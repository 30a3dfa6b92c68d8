# SPDX-License-Identifier: BSD-3-Clause
"""Where requests spend their time: stages as bars, latency over time, the slowest requests, and what differs
between two runs. Of every result that carries a trace: bench, trace, and the traced run of a lab."""
import math

from ringside_report import names, units
from ringside_report.plot import Canvas

ORDER = ("submit", "notify", "exit", "wake", "fetch", "serve", "publish", "call", "inject", "handle", "reap")
# What a stage begins with, by its name, is the point of that place in this order.
POINTS = ("submit", "notify", "exit", "kick", "fetch", "serve_begin", "serve_end", "publish", "call", "inject",
          "handle", "reap")
STYLES = {"fetch": "st0", "serve": "st1", "publish": "st2", "call": "st3", "submit": "st4", "notify": "st5",
          "exit": "st6", "wake": "st7", "inject": "st8", "handle": "st9", "reap": "st10"}
WIDTH, LABEL, ROW = 860, 250, 26
HEAT_LEFT, HEAT_BOTTOM, HEAT_CELL = 62, 34, 18
LEVELS = 6  # shades of the heat map


def style(name):
    """The class of a stage, or of several that nobody saw apart."""
    return STYLES.get(name.split("+")[0], "st-rest")


def first(name):
    """Where in a request's life a stage begins, for sorting."""
    start = name.split("+")[0]
    return ORDER.index(start) if start in ORDER else len(ORDER)


def between(before, after):
    """The name of what lies between two points."""
    if before not in POINTS or after not in POINTS:
        return "?"
    return "+".join(ORDER[POINTS.index(before):POINTS.index(after)]) or "?"


def parts(rows, trace):
    """[(name, ns of the mean request)], in the order of a request's life; they add up to the whole's mean. A
    stage that not every request had counts for as much as it adds."""
    rows = [s for s in rows if s.get("count", 1)]
    most = trace.get("requests") or max((s.get("count", 1) for s in rows), default=1)
    found = [(s["name"], s["sum_ns"] / most if "sum_ns" in s
              else s.get("mean_ns", s.get("p50_ns", 0)) * s.get("count", most) / most) for s in rows]
    return sorted(found, key=lambda p: (first(p[0]), p[0].count("+")))


class Cell:
    """One traced run."""

    def __init__(self, label, rows, trace, counted):
        self.label = label
        self.rows = [s for s in rows if s.get("count", 1)]
        self.trace = trace
        self.counted = counted  # instructions, not time
        self.parts = parts(rows, trace)
        self.total = sum(ns for _, ns in self.parts)
        self.whole = trace.get("end_to_end") or {}
        self.heat = trace.get("heat") or {}
        self.outliers = [o for o in trace.get("outliers", []) if len(o["points"]) > 1]

    def show(self, ns):
        return f"{round(ns):,} instructions" if self.counted else units.time(ns)

    @property
    def staged(self):
        """[(style, stage)], for the table."""
        return [(style(s["name"]), s) for s in sorted(self.rows, key=lambda s: first(s["name"]))]

    @property
    def data(self):
        """For the chooser of differences: "name=ns;…"."""
        return ";".join(f"{name}={ns:.3f}" for name, ns in self.parts)

    @property
    def heat_plot(self):
        """Latency over time: as many requests as a field is dark; None where nothing was recorded."""
        counts = self.heat.get("counts") or []
        if not any(map(any, counts)):
            return None
        classes = max(map(len, counts))
        cell = min(HEAT_CELL, (WIDTH - HEAT_LEFT) / len(counts))
        height = classes * HEAT_CELL + HEAT_BOTTOM
        canvas = Canvas(WIDTH, height, f"Latency over time: {self.label}")
        most = max(max(slice_) for slice_ in counts if slice_)
        for i, slice_ in enumerate(counts):
            for k, n in enumerate(slice_):
                if not n:
                    continue
                shade = 1 + int(math.log(n) / math.log(most) * (LEVELS - 1) + .5) if most > 1 else LEVELS
                low = self.heat["least_ns"] * 2 ** k
                canvas.rect(HEAT_LEFT + i * cell, (classes - 1 - k) * HEAT_CELL, cell, HEAT_CELL,
                            f"heat h{shade}",
                            f"{units.time(i * self.heat['slice_ns'])}: {n} requests from {self.show(low)} to "
                            f"{self.show(2 * low)}")
        for k in range(classes):
            canvas.text(HEAT_LEFT - 6, (classes - 1 - k) * HEAT_CELL + 13,
                        units.tick(self.heat["least_ns"] * 2 ** k), "end")
        every = max(1, len(counts) // 8)
        for i in range(0, len(counts), every):
            canvas.text(HEAT_LEFT + i * cell, height - 18, units.tick(i * self.heat["slice_ns"]), "start")
        canvas.text(WIDTH / 2, height - 4, "time since the first request", kind="t axis")
        return canvas.svg()

    def _timeline(self, outlier):
        points = outlier["points"]
        return [(between(a["point"], b["point"]), b["ns"] - a["ns"]) for a, b in zip(points, points[1:])]

    @property
    def timelines(self):
        """[(outlier, [(style, stage, from ns, ns)])]"""
        found = []
        for o in self.outliers:
            at, line = 0, []
            for name, ns in self._timeline(o):
                line.append((style(name), name, at, ns))
                at += ns
            found.append((o, line))
        return found

    @property
    def outlier_plot(self):
        bars = [(f"request {o['seq']} of queue {o['queue']}", [(name, ns) for _, name, _, ns in line])
                for o, line in self.timelines]
        return stacked(f"The slowest requests: {self.label}", bars, self.show) if bars else None


def stacked(title, bars, show):
    """Bars beside their labels. bars: [(label, [(stage, ns)])]; show: ns in words."""
    canvas = Canvas(WIDTH, ROW * len(bars) + 8, title)
    longest = max(sum(ns for _, ns in line) for _, line in bars) or 1
    scale = (WIDTH - LABEL - 120) / longest
    for n, (label, line) in enumerate(bars):
        y, x = n * ROW + 4, float(LABEL)
        canvas.text(LABEL - 8, y + 15, label if len(label) < 40 else label[:38] + "…", "end")
        for name, ns in line:
            width = ns * scale
            if width > 0:
                canvas.rect(x, y, max(width, .5), ROW - 6, f"stage {style(name)}", f"{name}: {show(ns)}")
            if width > 6.2 * len(name) + 6:
                canvas.text(x + width / 2, y + 14, name, kind="t in")
            x += width
        canvas.text(x + 6, y + 15, show(sum(ns for _, ns in line)), "start")
    return canvas.svg()


class Difference:
    """What another run takes more, or less, stage by stage."""

    def __init__(self, old, new):
        self.old, self.new = old, new
        mine, theirs = dict(new.parts), dict(old.parts)
        every = sorted({*mine, *theirs}, key=lambda n: (first(n), n))
        self.rows = [(name, theirs.get(name), mine.get(name), mine.get(name, 0) - theirs.get(name, 0))
                     for name in every]
        self.total = new.total - old.total


def signed(cell, ns):
    return ("+" if ns > 0 else "−" if ns < 0 else "±") + cell.show(abs(ns))


class Stages:
    def __init__(self, results):
        self.cells = []
        for r in results:
            found = _of(r)
            if found:
                label, rows, trace, counted = found
                label = names.unique([c.label for c in self.cells] + [label])[-1]
                self.cells.append(Cell(label, rows, trace, counted))

    @property
    def groups(self):
        """[(what is counted, cells)]: times and instructions are not drawn side by side."""
        return [(what, cells) for what, cells in (
            ("time", [c for c in self.cells if not c.counted]),
            ("instructions", [c for c in self.cells if c.counted])) if cells]

    @staticmethod
    def plot(cells):
        return stacked("Stages of the mean request",
                       [(c.label, c.parts) for c in cells], cells[0].show)

    @staticmethod
    def differences(cells):
        """Of each to the first."""
        return [Difference(cells[0], c) for c in cells[1:]]


def _of(result):
    """(label, stage rows, trace, counted), or None."""
    d = result.data
    if result.kind == "exact":
        traced = d.get("traced")
        return (f"{d['target']['approach']} {d['target']['device']}", traced["stages"], traced["trace"],
                True) if traced and traced["stages"] else None
    if not d.get("stages"):
        return None
    trace = d.get("trace") or {}
    if result.kind == "trace":
        return (trace.get("dir", result.file), d["stages"], trace, False)
    w = d["workload"]
    return (f"{names.target_name(d['target'])}: {w['op']} depth {w['queue_depth']} {w['wait']}", d["stages"],
            trace, False)


def of(results):
    found = Stages(results)
    return found if found.cells else None
