# SPDX-License-Identifier: BSD-3-Clause
"""ringside history: figures over time, and where they change."""
import json
import statistics
import sys

from ringside_report import gather
from ringside_report.load import BadResult
from ringside_results import changes, cli, cmd_merge, plots, series, terminal
from ringside_results.store import Store

EPILOG = """\
A store is a folder that only grows, of one small file per entry; keep it as an artifact of your
CI, or commit it to a branch.

METRIC is p50, p99, requests_per_s, …, instructions and other counts of the exact tier, or
verdicts.fail, verdicts.pass, …; without one those that the store has are listed.

Exit status: 0, 2 usage, not a store, or a file that is not a result, 4 something could not be
written.
"""


def parse(argv):
    p = cli.Parser("history", "Keep figures over time, and show where they change.", EPILOG)
    p.add_argument("metric", metavar="METRIC", nargs="?")
    p.add_argument("--store", metavar="DIR", default="ringside-history",
                   help="the store (%(default)s)")
    p.add_argument("--add", metavar="RESULT", action="append", default=[],
                   help="append an entry with these results")
    p.add_argument("--revision", metavar="TEXT", default="",
                   help="what was measured: a commit, say; with --add")
    p.add_argument("--series", metavar="TEXT", default="", help="only series whose title has it")
    p.add_argument("--plot", metavar="FILE", help="draw it (SVG)")
    p.add_argument("--format", choices=("text", "json"), default="text")
    options = p.parse_args(argv)
    if options.add and options.metric:
        p.error("--add and METRIC exclude each other")
    if options.plot and not options.metric:
        p.error("--plot of what? no METRIC is given")
    return options


def _add(options):
    results = gather.gather(options.add)
    created = max((r.data["created"] for r in results if "created" in r.data),
                  default=cmd_merge.now())
    host = next((r.data["host"] for r in results if r.data.get("host")), {})
    path = Store(options.store).add(results, created, options.revision, host)
    print(path)
    return cli.OK


def _found(store, options):
    """{title: (entries, change points)}"""
    found = {}
    for title, entries in store.series(options.metric).items():
        if options.series in title:
            found[title] = (entries, changes.change_points([v for _, _, v in entries]))
    if not found:
        known = ", ".join(store.metrics()) or "nothing"
        raise BadResult(f"no series has '{options.metric}': the store has {known}")
    return found


def _document(options, found):
    return {"metric": options.metric, "series": [
        {"title": title,
         "entries": [{"created": c, "revision": r, "value": v} for c, r, v in entries],
         "changes": [{"created": entries[i][0], "revision": entries[i][1]} for i in points]}
        for title, (entries, points) in found.items()]}


def _text(metric, found, paint):
    rows = []
    for title, (entries, points) in found.items():
        values = [v for _, _, v in entries]
        rows.append([title, (terminal.sparkline(values[-60:]), "blue"), metric.show(values[-1]),
                     f"{len(values)} entries"])
    lines = terminal.table(rows, (2,), paint)
    for title, (entries, points) in found.items():
        for i in points:
            created, revision, _ = entries[i]
            old, new = _levels([v for _, _, v in entries], points, i)
            worse = metric.worse(old, new)
            lines.append(f"{title}: since {created}{f' ({revision})' if revision else ''}: " +
                         paint(f"{metric.show(old)} → {metric.show(new)}, "
                               f"{metric.change(old, new)}", "red" if worse else "green"))
    return "\n".join(lines) + "\n"


def _levels(values, points, i):
    """The medians before and after the change at i."""
    edges = [0, *points, len(values)]
    at = edges.index(i, 1)
    return statistics.median(values[edges[at - 1]:i]), statistics.median(values[i:edges[at + 1]])


def main(argv):
    options = parse(argv)
    if options.add:
        return _add(options)
    store = Store(options.store)
    if not options.metric:
        print("\n".join(store.metrics()))
        return cli.OK
    found = _found(store, options)
    metric = series.kept_metric(options.metric)
    if options.plot:
        cli.write(options.plot, plots.history(metric, found))
    if options.format == "json":
        sys.stdout.write(json.dumps(_document(options, found), indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_text(metric, found, terminal.Paint(terminal.wants_colour())))
    return cli.OK
