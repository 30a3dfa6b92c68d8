# SPDX-License-Identifier: BSD-3-Clause
"""The terminal: colours where one is, tables, sparklines."""
import os
import shutil
import sys
import unicodedata

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "grey": 90, "bold": 1}
_BARS = "▁▂▃▄▅▆▇█"


def wants_colour(stream=None):
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and \
        os.environ.get("TERM", "dumb") != "dumb"


def columns():
    return shutil.get_terminal_size((100, 24)).columns


class Paint:
    def __init__(self, on):
        self.on = on

    def __call__(self, text, *names):
        if not self.on or not names:
            return text
        codes = ";".join(str(_COLOURS[n]) for n in names)
        return f"\x1b[{codes}m{text}\x1b[0m"


def width(text):
    """Columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def sparkline(values):
    """Bars from the smallest to the largest."""
    low, high = min(values, default=0), max(values, default=0)
    if high <= low:
        return _BARS[0] * len(values)
    return "".join(_BARS[int((v - low) / (high - low) * (len(_BARS) - 1) + .5)] for v in values)


def table(rows, right=(), paint=None):
    """Lines of a table; cells are texts, or (text, colour, …). Columns in `right` end flush."""
    plain = [[c if isinstance(c, str) else c[0] for c in row] for row in rows]
    wide = [max(width(row[i]) for row in plain) for i in range(max(map(len, plain), default=0))]
    lines = []
    for row, texts in zip(rows, plain):
        cells = []
        for i, (cell, text) in enumerate(zip(row, texts)):
            gap = " " * (wide[i] - width(text))
            shown = text if isinstance(cell, str) or paint is None else paint(*cell)
            cells.append(gap + shown if i in right else shown + gap)
        lines.append("  ".join(cells).rstrip())
    return lines
