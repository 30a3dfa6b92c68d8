# SPDX-License-Identifier: BSD-3-Clause
"""ringside show: any result, on the terminal."""
import math
import sys

from ringside_report import gather, units
from ringside_results import cli, findings, implementations, paired, policy, series, terminal, traced

EPILOG = """\
RESULT is a file that ringside wrote, a set, or a folder of them. Colour is used on a terminal,
unless NO_COLOR is set.

Exit status: 0, 2 usage or a file that is not a result.
"""

VERDICTS = (("pass", "green"), ("fail", "red"), ("warn", "yellow"), ("hazard", "yellow"),
            ("info", "blue"), ("skip", "grey"), ("error", "red"))
_COLOUR = dict(VERDICTS)
_SPARKS = 24
_PERCENTILES = ("p50", "p90", "p99", "p999", "max")


def parse(argv):
    p = cli.Parser("show", "Show results on the terminal.", EPILOG)
    p.add_argument("results", metavar="RESULT", nargs="*")
    p.add_argument("--all", action="store_true", help="list checks that passed or were skipped, too")
    p.add_argument("--stages", action="store_true",
                   help="of traced runs: where the time goes, over time, the slowest requests, differences")
    p.add_argument("--matrix", action="store_true",
                   help="of conformance results, as Markdown: a row for each clause, a column for each target")
    options = p.parse_args(argv)
    if not options.results:
        p.error("which results? no RESULT is given")
    return options


def verdict_table(results):
    rows = [["verdicts", *(v for v, _ in VERDICTS), "unexpected"]]
    for r in results:
        summary = r.data["summary"]
        cells = [(str(summary[v]), colour) if summary[v] else ("·", "grey")
                 for v, colour in VERDICTS]
        unexpected = r.data.get("unexpected", 0)
        rows.append([series.title(series.key(r)), *cells,
                     (str(unexpected), "red") if unexpected else ("·", "grey")])
    return rows


def checks_table(result, everything):
    rows = []
    for c in result.data["checks"]:
        if not everything and c["verdict"] in ("pass", "skip"):
            continue
        known = f" (known: {c['expected_because']})" if c.get("expected_because") else ""
        rows.append([(c["verdict"], _COLOUR[c["verdict"]]), c["id"], c.get("clause", ""),
                     c.get("reason", "") + known])
    return rows


def spark(histogram):
    """The distribution between its first and its 99.9th percentile, on a logarithmic axis."""
    total = sum(n for _, n in histogram)
    points, seen = [], 0
    for ns, n in sorted(histogram):
        seen += n
        points.append((ns, n))
        if seen >= total * .999:
            break
    points = [(math.log(max(ns, 1)), n) for ns, n in points]
    if not points:
        return ""
    low, high = points[0][0], points[-1][0]
    bars = [0] * _SPARKS
    for at, n in points:
        bars[int((at - low) / ((high - low) or 1) * (_SPARKS - 1))] += n
    return terminal.sparkline(bars)


def bench_table(results):
    rows = [["latency", *_PERCENTILES, "requests/s", "", "over the floor"]]
    for r in results:
        d = r.data
        traced = (d.get("trace") or {}).get("untraced")
        shown = traced or d["latency_ns"]
        floor = d.get("floor") or {}
        ratio = shown["p50"] / floor["ns"] if floor.get("ns") else None
        histogram = (traced or {}).get("histogram") or d.get("histogram") or []
        rows.append([series.title(series.key(r)),
                     *(units.time(shown.get(p)) for p in _PERCENTILES),
                     units.rate(shown.get("requests_per_s", d["requests_per_s"])),
                     (spark(histogram), "blue"), units.ratio(ratio)])
    return rows


def exact_rows(results):
    """Instructions of one request, and how many exits to user space would cost as much."""
    rows = []
    for r in results:
        d = r.data
        unit = (d.get("calibration") or {}).get("mmio-exit")
        cost = d["instructions"]["median"]
        rows.append([series.title(series.key(r)), f"{cost:,}",
                     units.ratio(cost / unit["median"]) if unit and unit["median"] else "–",
                     ("repeats", "green") if d["identical"] else ("differs", "red")])
    return [["cost", "instructions", "MMIO exits", ""], *rows] if rows else []


def stage_rows(results):
    rows = []
    for r in results:
        found = series.stages(r)
        total = sum(found.values())
        for name, value in found.items():
            bar = "█" * int(value / total * 30 + .5) if total else ""
            shown = f"{value:,}" if r.kind == "exact" else units.time(value)
            rows.append([series.title(series.key(r)), name, shown, (bar, "blue")])
    return [["stages", "", "mean", ""], *rows] if rows else []


def proof_rows(results):
    rows = []
    for r in results:
        s = r.data["summary"]
        done = s["proven"] == s["checks"] and s["caught"] == s["faults"]
        rows.append([r.file, (f"{s['proven']} of {s['checks']} checks", "green" if done else "red"),
                     f"{s['caught']} of {s['faults']} faults caught",
                     f"{s.get('accused_wrongly', 0)} wrong accusations"])
    return [["proof", "", "", ""], *rows] if rows else []


def ab_rows(results):
    """Both sides' medians, and what 'ringside gate' would say of them with its defaults."""
    rows = []
    for r in results:
        comparison = findings.Comparison()
        paired.compare(comparison, policy.Policy(), r)
        said = {(f.title, f.subject): f for f in comparison.findings}
        for cell in r.data["cells"]:
            for name in cell["metrics"]:
                metric, f = series.known_metrics()[name], said.get((cell["name"], name))
                medians = [metric.show(cell["medians"][side][name]) for side in ("a", "b")]
                colour = {"worse": "red", "better": "green"}.get(f.kind, "yellow") if f else "grey"
                rows.append([cell["name"], name, *medians, (f.change if f else "no difference", colour)])
    return [["in turns", "", "a", "b", ""], *rows] if rows else []


def gate_rows(results):
    rows = []
    for r in results:
        passed = r.data["passed"]
        rows.append([(f"gate {'passed' if passed else 'failed'}", "green" if passed else "red"), r.data["headline"],
                     "", ""])
        rows += [[(f["kind"], "red" if f["gates"] else "yellow"), f["subject"] or "all", f["series"], f["change"]]
                 for f in r.data["findings"] if f["gates"]]
    return rows


def outlier_rows(results):
    """The slowest requests of a recording, and how long after its begin each came to which point."""
    rows = [[f"request {o['seq']}", f"queue {o['queue']}", units.time(o["latency_ns"]),
             ", ".join(f"{p['point']} {units.time(p['ns'])}" for p in o["points"])]
            for r in results for o in r.data["outliers"]]
    return [["slowest", "", "", ""], *rows] if rows else []


def entry_rows(results):
    rows = [[r.data["created"], r.data["revision"], title, ", ".join(
        f"{name} {value:,.10g}" for name, value in values.items())]
            for r in results for title, values in r.data["figures"].items()]
    return [["kept", "revision", "", ""], *rows] if rows else []


def main(argv):
    options = parse(argv)
    results = gather.gather(options.results)
    paint = terminal.Paint(terminal.wants_colour())
    blocks = []

    def of(kind):
        return [r for r in results if r.kind == kind]
    if options.stages:
        blocks = traced.blocks(of("bench") + of("trace") + of("exact"), paint) or \
            [["none of these results was traced"]]
        sys.stdout.write("\n\n".join("\n".join(b) for b in blocks) + "\n")
        return cli.OK
    conform = of("conform")
    if options.matrix:
        if not conform:
            raise cli.Failed(cli.USAGE, "none of these is a conformance result")
        cli.write(None, implementations.render(conform))
        return cli.OK
    if conform:
        blocks.append(terminal.table(verdict_table(conform), range(1, 9), paint))
        for r in conform:
            rows = checks_table(r, options.all)
            if rows:
                blocks.append([paint(series.title(series.key(r)), "bold"),
                               *terminal.table(rows, paint=paint)])
    if of("bench"):
        blocks.append(terminal.table(bench_table(of("bench")), (1, 2, 3, 4, 5, 6, 8), paint))
    if of("exact"):
        blocks.append(terminal.table(exact_rows(of("exact")), (1, 2), paint))
    for rows in (stage_rows(of("bench") + of("trace") + of("exact")), proof_rows(of("prove"))):
        if rows:
            blocks.append(terminal.table(rows, (2,), paint))
    for rows in (ab_rows(of("ab")), gate_rows(of("gate")), entry_rows(of("entry")),
                 outlier_rows(of("outliers"))):
        if rows:
            blocks.append(terminal.table(rows, paint=paint))
    sys.stdout.write("\n\n".join("\n".join(b) for b in blocks) + "\n")
    return cli.OK
