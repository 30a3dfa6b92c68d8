# SPDX-License-Identifier: BSD-3-Clause
"""Traced runs on the terminal: stages as bars, latency over time, the slowest requests, what differs."""
from ringside_report import stages, units
from ringside_results import terminal

_SHADES = " ░▒▓█"
_BAR = 40


def _bar(ns, most):
    return "█" * int(ns / most * _BAR + .5) if most else ""


def _stage_lines(cell, paint):
    most = max((ns for _, ns in cell.parts), default=0)
    rows = [["stage", "mean", "of all", ""]]
    rows += [[name, cell.show(ns), f"{ns / cell.total * 100:.1f} %" if cell.total else "", (_bar(ns, most), "blue")]
             for name, ns in cell.parts]
    rows.append([("all", "bold"), cell.show(cell.total), "", ""])
    return terminal.table(rows, (1, 2), paint)


def _heat_lines(cell):
    """A row for each class of latency, the slowest on top."""
    counts = cell.heat.get("counts") or []
    most = max((n for slice_ in counts for n in slice_), default=0)
    if not most:
        return []
    classes = max(map(len, counts))
    lines = [f"latency over time, {units.time(cell.heat['slice_ns'])} a column"]
    for k in reversed(range(classes)):
        row = [slice_[k] if k < len(slice_) else 0 for slice_ in counts]
        shades = "".join(_SHADES[max(1, round(n / most * (len(_SHADES) - 1)))] if n else " " for n in row)
        lines.append(f"{units.tick(cell.heat['least_ns'] * 2 ** k):>9} │{shades}│ {sum(row)}")
    return lines


def _outlier_lines(cell):
    lines = []
    for outlier, line in cell.timelines:
        steps = ", ".join(f"{name} {cell.show(ns)}" for _, name, _, ns in line)
        lines.append(f"{cell.show(outlier['latency_ns']):>12}  request {outlier['seq']} of queue "
                     f"{outlier['queue']}: {steps}")
    return ["the slowest requests", *lines] if lines else []


def _difference_lines(d, paint):
    rows = [["stage", d.old.label, d.new.label, "difference"]]
    for name, old, new, by in d.rows:
        colour = "red" if by > 0 else "green"
        rows.append([name, "–" if old is None else d.old.show(old), "–" if new is None else d.new.show(new),
                     (stages.signed(d.new, by), colour) if by else stages.signed(d.new, by)])
    rows.append([("all", "bold"), d.old.show(d.old.total), d.new.show(d.new.total),
                 stages.signed(d.new, d.total)])
    return terminal.table(rows, (1, 2, 3), paint)


def _cell_lines(cell, paint):
    trace = cell.trace
    lines = [paint(cell.label, "bold"), *_stage_lines(cell, paint)]
    said = [f"{trace.get('requests', 0)} requests"]
    if trace.get("cost_ratio"):
        said.append(f"the tracer's cost at the median {units.ratio(trace['cost_ratio'])}")
    if trace.get("clock_error_ns"):
        said.append(f"clocks apart by {units.time(trace['clock_error_ns'])} at most")
    if trace.get("discarded"):
        said.append(f"{trace['discarded']} events found no room")
    lines.append("; ".join(said))
    for more in (_heat_lines(cell), _outlier_lines(cell)):
        if more:
            lines += ["", *more]
    return lines


def blocks(results, paint):
    """Blocks of lines; none where nothing was traced."""
    found = stages.of(results)
    if not found:
        return []
    lines = [_cell_lines(cell, paint) for cell in found.cells]
    for _, cells in found.groups:
        for d in found.differences(cells):
            lines.append(_difference_lines(d, paint))
    return lines
