# SPDX-License-Identifier: BSD-3-Clause
"""Entries of a store of results: each figure over time, and where its level changes."""
import statistics

from ringside_report import names
from ringside_report.plot import Canvas
from ringside_results import series

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 170, 64, 12, 12, 34


def _points(values):
    """Where levels change; None where it cannot be found out here."""
    try:
        from ringside_results.changes import change_points  # pylint: disable=import-outside-toplevel
    except ImportError:
        return None
    return change_points(values)


class Change:
    """A new level from one entry on."""

    def __init__(self, metric, entries, edges, n):
        self.created, self.revision, _ = entries[edges[n]]
        values = [v for _, _, v in entries]
        old = statistics.median(values[edges[n - 1]:edges[n]])
        new = statistics.median(values[edges[n]:edges[n + 1]])
        self.old, self.new = metric.show(old), metric.show(new)
        self.worse = metric.worse(old, new)


class Line:
    """One metric of one series."""

    def __init__(self, name, title, entries, anchor):
        self.metric, self.title, self.entries, self.anchor = name, title, entries, anchor
        self.values = [v for _, _, v in entries]
        self.points = _points(self.values)
        edges = [0, *(self.points or []), len(self.values)]
        known = series.kept_metric(name)
        self.show = known.show
        self.changes = [Change(known, entries, edges, n) for n in range(1, len(edges) - 1)]
        self.better = f"{known.better} is better"

    @property
    def last(self):
        return self.show(self.values[-1])

    @property
    def text(self):
        return f"{self.metric} {self.title}".lower()

    def plot(self):
        c = Canvas(WIDTH, HEIGHT, f"{self.metric} over time: {self.title}")
        low, high = min(self.values), max(self.values)
        if high == low:
            low, high = low - 1, high + 1
        air = (high - low) * .08
        low, high = low - air, high + air

        def y(value):
            return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

        def x(n):
            return LEFT + n * (WIDTH - LEFT - RIGHT) / max(len(self.values) - 1, 1)
        for value in (min(self.values), statistics.median(self.values), max(self.values)):
            c.line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid")
        for value in sorted({min(self.values), max(self.values)}):
            c.text(LEFT - 6, y(value) + 4, self.show(value), "end")
        for at in self.points or ():
            c.line(x(at - .5), TOP, x(at - .5), HEIGHT - BOTTOM, "floor")
        c.path([(x(n), y(v)) for n, v in enumerate(self.values)], "series s0")
        for n, (created, revision, value) in enumerate(self.entries):
            c.add('<g><title>{}</title><circle class="dot s0" cx="{:.1f}" cy="{:.1f}" r="3"/></g>',
                  f"{self.show(value)}, {revision or created}", x(n), y(value))
        c.text(LEFT, HEIGHT - 12, self.entries[0][0][:10], "start")
        c.text(WIDTH - RIGHT, HEIGHT - 12, self.entries[-1][0][:10], "end")
        return c.svg()


class History:
    def __init__(self, results):
        self.entries = sorted((r.data for r in results), key=lambda e: e["created"])
        anchor = names.Anchors("line-")
        found = {}
        for e in self.entries:
            for title, figures in e["figures"].items():
                for metric, value in figures.items():
                    found.setdefault((metric, title), []).append((e["created"], e["revision"], value))
        self.lines = [Line(metric, title, entries, anchor(f"{metric} {title}"))
                      for (metric, title), entries in sorted(found.items())]
        self.metrics = list(dict.fromkeys(line.metric for line in self.lines))
        self.changed = [line for line in self.lines if line.changes]
        self.unknown = any(line.points is None for line in self.lines)
