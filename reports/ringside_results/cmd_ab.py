# SPDX-License-Identifier: BSD-3-Clause
"""ringside ab: two versions of a back-end, measured in turns on one machine."""
import json
import os
import shutil
import sys
import tempfile

from ringside_report.load import validate
from ringside_results import (cli, cmd_gate, cmd_merge, findings, measure, paired, policy, series,
                              stats)
from ringside_results.ringside import version

POWER = .95  # of one batch: two have to agree
LEAST = 16  # rounds of a batch, and of the baseline against itself
METRICS = ("p50", "requests_per_s")

EPILOG = """\
CMD starts a back-end; {socket} stands for the socket's path, {image} for a scratch file of 64
MiB. Both take the place of the back-end in each measurement that the scenarios have.

Rounds: in each both sides are measured, in an order drawn by chance. A first batch is made as
long as its noise asks for; where it shows a difference, a second one of the same length has to
confirm it. A host that would need more than --max-rounds is too noisy: that is said, and does not
gate.

Exit status: 0 B is not worse, 1 it is, 2 usage or not a scenario, 3 a back-end died or hung, 4
the machine refused something.
"""


def _count(text):
    n = int(text)
    if not 2 <= n <= 10000:
        raise ValueError
    return n


def parse(argv):
    p = cli.Parser("ab", "Measure two versions of a back-end in turns, and say whether they differ.",
                   EPILOG)
    p.add_argument("scenarios", metavar="SCENARIO", nargs="*")
    p.add_argument("--a", metavar="CMD", help="the baseline")
    p.add_argument("--b", metavar="CMD", help="the candidate")
    p.add_argument("-k", metavar="TEXT", dest="expression", help="only cells whose name has it")
    p.add_argument("--metric", metavar="NAME", action="append", choices=tuple(
        series.known_metrics()), help=f"what is compared ({', '.join(METRICS)})")
    p.add_argument("--max-rounds", metavar="N", type=_count, default=100,
                   help="of one batch (%(default)s)")
    p.add_argument("--seed", metavar="N", type=int, default=1, help="of the order (%(default)s)")
    p.add_argument("--policy", metavar="FILE", help="its part 'paired' counts here")
    p.add_argument("-o", "--output", metavar="FILE", help="result as JSON, for gate and history")
    options = p.parse_args(argv)
    if not options.a or not options.b:
        p.error("which back-ends? --a CMD and --b CMD are both needed")
    if not options.scenarios:
        p.error("which measurements? no SCENARIO is given")
    for side in ("a", "b"):
        if "{socket}" not in getattr(options, side):
            p.error(f"--{side} has no {{socket}}: the back-end must be told where to listen")
    options.metric = options.metric or list(METRICS)
    return options


def _tell(text):
    """Progress, where somebody watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _rounds(pair, batch, total, what, sides):
    for i in range(total):
        _tell(f"{pair.name}: {what}, round {i + 1} of {total}")
        pair.round(batch, *sides)


def _cell(pair, options, rules, alpha):
    """All rounds of one cell; its document."""
    level = stats.batch_level(alpha)
    least = max(stats.smallest_rounds(level), LEAST)
    baseline = pair.sides[0]
    _rounds(pair, pair.noise, min(least, options.max_rounds), "noise", (baseline, baseline))
    needed = max(least, pair.needed(rules.detect, level, POWER))
    total = min(needed, options.max_rounds)
    noisy = "" if total == needed else \
        f"{needed} rounds would be needed, at most {options.max_rounds} are made"
    for what in ("measuring", "confirming"):
        pair.batches.append([])
        _rounds(pair, pair.batches[-1], total, what, pair.sides)
        document = pair.document(noisy)
        if not any(paired.Judged(m, document, alpha, rules.effect).p[0] <= level
                   for m in pair.metrics):
            break
    return document


def main(argv):
    options = parse(argv)
    rules = policy.load(options.policy)
    measure.scenario_package()
    cells = measure.bench_cells(options.scenarios, options.expression)
    sides = (measure.Side("a", options.a), measure.Side("b", options.b))
    alpha = rules.alpha / (len(cells) * len(options.metric))
    document = {"schema": "ringside.ab/1", "ringside": version(), "created": cmd_merge.now(),
                "a": {"command": options.a}, "b": {"command": options.b}, "cells": []}
    from ringside_scenario import host  # pylint: disable=import-outside-toplevel

    document["host"] = host.fingerprint()
    work = tempfile.mkdtemp(prefix="ringside-ab-")
    try:
        for i, cell in enumerate(cells):
            pair = measure.Pair(cell, sides, options.metric, os.path.join(work, str(i)),
                                options.seed + i)
            document["cells"].append(_cell(pair, options, rules, alpha))
    finally:
        _tell("")
        shutil.rmtree(work, ignore_errors=True)
    if options.output:
        cli.write(options.output, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    comparison = findings.Comparison()
    paired.compare(comparison, rules, validate("the result", document))
    comparison.sort()
    cmd_gate.show(comparison, sys.stdout)
    return cli.OK if comparison.passed else cli.UNEXPECTED
