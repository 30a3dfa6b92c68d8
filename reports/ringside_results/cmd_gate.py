# SPDX-License-Identifier: BSD-3-Clause
"""ringside gate: is the candidate worse than the baseline?"""
import json
import sys

from ringside_report import gather
from ringside_report.load import BadResult
from ringside_results import (cli, cmd_merge, counts, findings, junit, markdown, paired, policy, sarif,
                              series, terminal, verdicts)
from ringside_results.ringside import version

EPILOG = """\
RESULT is a file that conform, bench, run, merge or ab wrote, or a folder of them. Each option can
be given several times.

What gates: a new deviation (without a baseline: one that no expectation file knows); a check that
ran and does not any more; a count of the exact tier that is worse than the policy allows; with
--paired a difference that 'ringside ab' measured on a quiet host. Latencies of single runs are
told, and never gate.

Exit status: 0 nothing gates, 1 something does, 2 usage, or a file that is not a result or not a
policy, 4 an output could not be written.
"""


def parse(argv):
    p = cli.Parser("gate", "Compare results with those of a baseline, and say whether to go on.",
                   EPILOG)
    p.add_argument("--baseline", metavar="RESULT", action="append", default=[])
    p.add_argument("--candidate", metavar="RESULT", action="append", default=[])
    p.add_argument("--paired", metavar="RESULT", action="append", default=[],
                   help="what 'ringside ab' wrote")
    p.add_argument("--policy", metavar="FILE", help="what gates (YAML)")
    p.add_argument("--markdown", metavar="FILE", help="write the summary there; '-' for stdout")
    p.add_argument("--junit", metavar="FILE")
    p.add_argument("--sarif", metavar="FILE")
    p.add_argument("-o", "--output", metavar="FILE", help="what was found as JSON, for report and show")
    p.add_argument("--where", metavar="FILE", default="ringside.yaml",
                   help="file of the repository that SARIF shows findings at (ringside.yaml)")
    options = p.parse_args(argv)
    if options.baseline and not options.candidate:
        p.error("--baseline is given, and no --candidate to compare with it")
    if not options.candidate and not options.paired:
        p.error("what is to be compared? --candidate or --paired is needed")
    return options


def of(results, *kinds):
    return [r for r in results if r.kind in kinds]


def compare(options):
    """(Comparison, titles of what was compared)."""
    rules = policy.load(options.policy)
    baseline, candidate = gather.gather(options.baseline), gather.gather(options.candidate)
    measured = gather.gather(options.paired)
    comparison = findings.Comparison()
    verdicts.compare(comparison, rules, of(baseline, "conform"), of(candidate, "conform"))
    counts.compare(comparison, rules, of(baseline, "bench", "exact"),
                   of(candidate, "bench", "exact"))
    titles = [series.title(series.key(r)) for r in of(candidate, "conform", "bench", "exact")]
    for result in measured:
        if result.kind != "ab":
            raise BadResult(f"'{result.path}' is no result of 'ringside ab'")
        paired.compare(comparison, rules, result)
        titles += [cell["name"] for cell in result.data["cells"]]
    if not titles:
        raise BadResult("there is nothing to compare: no verdicts and no measurements in "
                        f"{', '.join(options.candidate)}")
    comparison.sort()
    return comparison, titles


def as_result(comparison):
    """Its document."""
    return {
        "schema": "ringside.gate/1", "ringside": version(), "created": cmd_merge.now(),
        "passed": comparison.passed, "headline": markdown.headline(comparison),
        "compared": comparison.compared, "expected": comparison.expected,
        "findings": [{"kind": f.kind, "tier": f.tier, "series": f.title, "subject": f.subject, "old": f.old,
                      "new": f.new, "change": f.change, "gates": f.gates, "because": f.because,
                      "clause": f.clause, "evidence": list(f.evidence)} for f in comparison.findings]}


def show(comparison, stream):
    """A few lines for whoever watches."""
    paint = terminal.Paint(terminal.wants_colour(stream))
    passed = comparison.passed
    rows = [[(f.kind, "red" if f.gates else "green" if f.kind == "better" else "yellow"),
             f.subject or "all", f.title, f.change] for f in comparison.findings
            if f.gates or f.kind != findings.NEW]
    for line in terminal.table(rows, paint=paint):
        print(line, file=stream)
    print(paint(f"gate {'passed' if passed else 'failed'}", "green" if passed else "red", "bold") +
          f": {markdown.headline(comparison)}", file=stream)


def main(argv):
    options = parse(argv)
    comparison, titles = compare(options)
    if options.output:
        cli.write(options.output, json.dumps(as_result(comparison), indent=1, ensure_ascii=False) + "\n")
    if options.junit:
        cli.write(options.junit, junit.render(comparison, titles))
    if options.sarif:
        cli.write(options.sarif, sarif.render(comparison, version(), options.where))
    if options.markdown:
        cli.write(options.markdown, markdown.render(comparison))
    show(comparison, sys.stderr if options.markdown == "-" else sys.stdout)
    return cli.OK if comparison.passed else cli.UNEXPECTED
