# SPDX-License-Identifier: BSD-3-Clause
"""Plots as inline SVG.

Colours and dashes come from the page's style sheet (classes s0 … s7), so that a plot follows the
theme and prints; a series never differs from another by its colour alone. Every text that goes into
a plot is escaped here.
"""
import math

from markupsafe import Markup, escape

from ringside_report import units

SERIES = 8  # styles in the style sheet; series beyond share them


def style(index):
    """The class of a series."""
    return f"s{index % SERIES}"


class Axis:
    """Values to pixels, logarithmic."""

    def __init__(self, low, high, first, last):
        self.low, self.high = math.log10(low), math.log10(high)
        self.first, self.last = first, last

    def __call__(self, value):
        at = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + min(max(at, 0), 1) * (self.last - self.first)

    def ticks(self, room=24):
        """Round values on the axis, `room` pixels apart or more, so that labels do not touch."""
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [s * 10.0 ** d for d in decades for s in steps
                     if self.low - 1e-9 <= math.log10(s * 10.0 ** d) <= self.high + 1e-9]
            if len(found) <= abs(self.last - self.first) / room:
                return found
        return found[::math.ceil(len(found) * room / abs(self.last - self.first))]


def log_range(values):
    """A range around positive values, with a little air, at least half a decade."""
    low, high = min(values), max(values)
    low, high = low / 1.12, high * 1.12
    if high / low < 3:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(3), middle * math.sqrt(3)
    return low, high


class Canvas:
    """Collects SVG elements."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = []

    def add(self, markup, *values):
        self.parts.append(Markup(markup).format(*values))

    def line(self, x1, y1, x2, y2, kind):
        self.add('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>',
                 kind, x1, y1, x2, y2)

    def text(self, x, y, text, anchor="middle", kind="t"):
        self.add('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>',
                 kind, x, y, anchor, text)

    def path(self, points, kind, closed=False):
        at = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add('<path class="{}" d="M{}{}"/>', kind, at, "Z" if closed else "")

    def rect(self, x, y, width, height, kind, tip=""):
        self.add('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                 '<title>{}</title></rect>', kind, x, y, width, height, tip)

    def svg(self):
        return Markup('<svg class="plot" role="img" aria-label="{}" viewBox="0 0 {} {}" '
                      'xmlns="http://www.w3.org/2000/svg">{}</svg>').format(
                          self.title, self.width, self.height, Markup("").join(self.parts))


def thin(points, distance=0.7):
    """Drop points that are closer to the one before than can be seen; keep the last."""
    kept = []
    for x, y in points:
        if not kept or abs(x - kept[-1][0]) >= distance or abs(y - kept[-1][1]) >= distance:
            kept.append((x, y))
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


WIDTH, HEIGHT = 440, 290
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 40


def _floors(canvas, axis, floors, horizontal):
    """Dashed lines where the machine's floors are."""
    for label, ns in floors:
        at = axis(ns)
        if horizontal:
            canvas.line(LEFT, at, WIDTH - RIGHT, at, "floor")
            # Above the line, unless it is at the very top.
            canvas.text(WIDTH - RIGHT - 3, at - 4 if at > TOP + 16 else at + 12, label, "end",
                        "t floor-label")
        else:
            canvas.line(at, TOP, at, HEIGHT - BOTTOM, "floor")
            near_end = at > WIDTH - RIGHT - 90
            canvas.text(at - 4 if near_end else at + 4, TOP + 10, label,
                        "end" if near_end else "start", "t floor-label")


def percentiles(title, series, floors):
    """Latency over percentile, both logarithmic: the tail gets as much room as the body.

    series: [(style index, label, [(share of requests at or below, ns), …], requests)]
    """
    c = Canvas(WIDTH, HEIGHT, title)
    values = [max(ns, 1) for _, _, points, _ in series for _, ns in points]
    y = Axis(*log_range(values + [ns for _, ns in floors]), HEIGHT - BOTTOM, TOP)
    nines = min(max(math.log10(max(n, 100)) for _, _, _, n in series), 6)

    def x(share):
        at = -math.log10(max(1 - share, 10 ** -nines))
        return LEFT + at / nines * (WIDTH - LEFT - RIGHT)

    for ns in y.ticks():
        c.line(LEFT, y(ns), WIDTH - RIGHT, y(ns), "grid")
        c.text(LEFT - 6, y(ns) + 4, units.tick(ns), "end")
    for share, label in ((0, "0"), (.5, "50"), (.9, "90"), (.99, "99"), (.999, "99.9"),
                         (.9999, "99.99"), (.99999, "99.999")):
        if -math.log10(max(1 - share, 1e-9)) > nines + .01:
            break
        c.line(x(share), TOP, x(share), HEIGHT - BOTTOM, "grid")
        c.text(x(share), HEIGHT - BOTTOM + 15, label)
    c.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "percentile", kind="t axis")
    _floors(c, y, floors, True)
    for index, label, points, _ in series:
        at = [(x(share), y(max(ns, 1))) for share, ns in points]
        c.parts.append(Markup("<g><title>{}</title>").format(label))
        c.path(thin(at), f"series {style(index)}")
        c.parts.append(Markup("</g>"))
    return c.svg()


def histogram(title, series, floors):
    """Share of requests over latency (logarithmic).

    series: [(style index, label, [(ns, requests), …])]
    """
    c = Canvas(WIDTH, HEIGHT, title)
    everything = [max(ns, 1) for _, _, buckets in series for ns, _ in buckets]
    # What is beyond the last per mille would squeeze the rest into a corner.
    ends = [_share_ends(buckets) for _, _, buckets in series]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    cut = max(everything) > high * 1.12
    floors = [(label, ns) for label, ns in floors if ns >= low / 20]
    x = Axis(*log_range([max(low, 1), max(high, 1)] + [ns for _, ns in floors]), LEFT,
             WIDTH - RIGHT)
    bins = 96
    shares = [(index, label, _bin(buckets, x, bins)) for index, label, buckets in series]
    top = max(max(s) for _, _, s in shares) * 1.08

    def y(share):
        return HEIGHT - BOTTOM - share / top * (HEIGHT - BOTTOM - TOP)

    for share in _linear_ticks(top):
        c.line(LEFT, y(share), WIDTH - RIGHT, y(share), "grid")
        c.text(LEFT - 6, y(share) + 4, f"{share * 100:g}\u202f%", "end")
    for ns in x.ticks(52):
        c.line(x(ns), TOP, x(ns), HEIGHT - BOTTOM, "grid")
        c.text(min(x(ns), WIDTH - 18), HEIGHT - BOTTOM + 15, units.tick(ns))
    c.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8,
           "latency (last 0.1 % beyond the edge)" if cut else "latency", kind="t axis")
    _floors(c, x, floors, False)
    width = (WIDTH - RIGHT - LEFT) / bins
    for index, label, share in shares:
        outline = []
        for i, s in enumerate(share):
            outline += [(LEFT + i * width, y(s)), (LEFT + (i + 1) * width, y(s))]
        c.parts.append(Markup("<g><title>{}</title>").format(label))
        c.path([(LEFT, y(0)), *outline, (WIDTH - RIGHT, y(0))], f"area {style(index)}", True)
        c.path(outline, f"series thin {style(index)}")
        c.parts.append(Markup("</g>"))
    return c.svg()


def _share_ends(buckets):
    """Smallest value, and the one that 99.9 % of the requests do not exceed."""
    total, seen = sum(n for _, n in buckets), 0
    for ns, n in buckets:
        seen += n
        if seen >= total * .999:
            return buckets[0][0], ns
    return buckets[0][0], buckets[-1][0]


def _bin(buckets, axis, bins):
    """Shares of the requests per bin of the axis; what lies outside is left out."""
    counts, total = [0] * bins, 0
    for ns, n in buckets:
        total += n
        at = (math.log10(max(ns, 1)) - axis.low) / (axis.high - axis.low) * bins
        if 0 <= at < bins:
            counts[int(at)] += n
    return [n / total for n in counts] if total else counts


def _linear_ticks(top):
    step = 10.0 ** math.floor(math.log10(top))
    for divider in (1, 2, 5, 10):
        if top / (step / divider) >= 3:
            step /= divider
            break
    return [i * step for i in range(1, int(top / step) + 1)]


def ranges(title, rows):
    """One line per run, from its median to its 99th percentile, beside the machine's floor.

    rows: [(heading, [(style index, label, p50, p99)], floor ns or None)]
    """
    heading_height, run_height = 20, 15
    height = TOP + BOTTOM + sum(heading_height + run_height * len(runs) + 6
                                for _, runs, _ in rows)
    c = Canvas(WIDTH, height, title)
    left, right = 10, 14
    values = [v for _, runs, floor in rows for run in runs for v in (run[2], run[3])]
    values += [floor for _, _, floor in rows if floor]
    x = Axis(*log_range([max(v, 1) for v in values]), left, WIDTH - right)
    for ns in x.ticks(52):
        c.line(x(ns), TOP, x(ns), height - BOTTOM, "grid")
        c.text(min(max(x(ns), 22), WIDTH - 22), height - BOTTOM + 15, units.tick(ns))
    c.text(WIDTH / 2, height - 8, "latency: dot = median, bar to the 99th percentile",
           kind="t axis")
    at = TOP
    for heading, runs, floor in rows:
        c.text(left, at + 13, heading, "start", "t strong halo")
        end = at + heading_height + run_height * len(runs)
        if floor:
            c.line(x(floor), at + heading_height - 2, x(floor), end, "floor")
        at += heading_height
        for index, label, p50, p99 in runs:
            middle = at + run_height / 2
            c.parts.append(Markup("<g><title>{}: median {}, p99 {}</title>").format(
                label, units.time(p50), units.time(p99)))
            c.line(x(max(p50, 1)), middle, x(max(p99, 1)), middle, f"range {style(index)}")
            c.add('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="4.5"/>', style(index),
                  x(max(p50, 1)), middle)
            c.parts.append(Markup("</g>"))
            at += run_height
        at += 6
    return c.svg()


def stages(title, bars):
    """Stacked bars of mean times: one per run, stages in the order a request goes through them.

    bars: [(label, [(stage class, name, ns)])]
    """
    row, gap = 22, 24
    height = TOP + len(bars) * (row + gap) + 26
    c = Canvas(WIDTH, height, title)
    longest = max(sum(ns for _, _, ns in parts) for _, parts in bars) or 1
    scale = (WIDTH - 20) / longest
    at = TOP
    for label, parts in bars:
        c.text(10, at + 11, label, "start", "t strong")
        c.text(WIDTH - 10, at + 11, units.time(sum(ns for _, _, ns in parts)), "end", "t")
        left = 10
        for kind, name, ns in parts:
            width = ns * scale
            c.rect(left, at + 17, max(width, .5), row, f"stage {kind}",
                   f"{name}: {units.time(ns)}")
            if width > 6.2 * len(name) + 6:
                c.text(left + width / 2, at + 17 + row / 2 + 4, name, kind=f"t in {kind}")
            left += width
        at += row + gap
    c.text(WIDTH / 2, height - 6, "mean time per request", kind="t axis")
    return c.svg()


def share_bar(title, parts):
    """A bar of counts: [(class, name, count)], widths in proportion."""
    c = Canvas(400, 14, title)
    total, left = sum(n for _, _, n in parts) or 1, 0.0
    for kind, name, n in parts:
        width = 400 * n / total
        if n:
            c.rect(left, 0, max(width - 1, 1), 14, f"v-{kind}", f"{n} {name}")
        left += width
    c.parts.insert(0, Markup(""))
    return Markup('<svg class="share" role="img" aria-label="{}" viewBox="0 0 400 14" '
                  'preserveAspectRatio="none" xmlns="http://www.w3.org/2000/svg">{}</svg>').format(
                      escape(title), Markup("").join(c.parts))
