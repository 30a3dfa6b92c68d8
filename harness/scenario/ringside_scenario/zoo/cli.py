# SPDX-License-Identifier: BSD-3-Clause
"""ringside zoo: other people's back-ends as targets."""
import datetime
import fnmatch
import json
import os
import sys
import tempfile

from ringside_scenario import process, programs, results
from ringside_scenario.arguments import USAGE, Parser
from ringside_scenario.zoo import build, description, judge, page
from ringside_scenario.zoo.source import NotBuilt

OK, INTERNAL = 0, 4
VERDICTS = ("pass", "fail", "warn", "hazard", "info", "skip", "error")
EPILOG = """\
  list   [--format text|json]
  build  [--again]
  run    [--output DIR] [--check GLOB] [--jobs N] [--no-bench] [--format text|json]
  page   DIR --output PAGE

NAME is a target, a glob of targets' names, or the file of one's description; without one, all
that came with ringside. What is built is kept in $RINGSIDE_ZOO_CACHE, else in
${XDG_CACHE_HOME:-~/.cache}/ringside/zoo.

Exit status: 0 all as expected, 1 a verdict was not, 2 usage, or a description is wrong, 3 a target
could not be reached or died, 4 one could not be built, 77 there was none that this machine can
build or run.

DIR is the folder of a run; PAGE one for matrix.md and result.json, which say nothing of where they
were made.
"""


def parse(argv):
    p = Parser(prog="ringside zoo", epilog=EPILOG, description="Other people's back-ends: built, judged, measured.")
    sub = p.add_subparsers(dest="command", metavar="COMMAND")

    def command(name, text):
        c = sub.add_parser(name, help=text)
        c.add_argument("names", metavar="NAME", nargs="*")
        return c
    page_of = sub.add_parser("page", help="write the page of a run, to be kept")
    page_of.add_argument("run", metavar="DIR")
    page_of.add_argument("-o", "--output", metavar="PAGE", required=True, help="a folder")
    for name, text in (("list", "the targets, and whether they are built"),
                       ("build", "build targets, into the cache"),
                       ("run", "build what is not, judge and measure")):
        c = command(name, text)
        if name != "build":
            c.add_argument("--format", choices=("text", "json"), default="text", help="text or json (text)")
        if name == "build":
            c.add_argument("--again", action="store_true", help="even if it is there")
        if name == "run":
            c.add_argument("-o", "--output", metavar="DIR", help="where results and logs go")
            c.add_argument("--check", metavar="GLOB", help="only checks whose id matches")
            c.add_argument("-j", "--jobs", metavar="N", type=int, default=1,
                           help="so many of one target at once, that share the checks (1)")
            c.add_argument("--no-bench", action="store_true", help="judge only")
    options = p.parse_args(argv)
    if not options.command:
        p.error("which command? list, build, run or page")
    if options.command == "run" and not 1 <= options.jobs <= 64:
        p.error("--jobs: from 1 to 64")
    return options


def say(text):
    print(f"ringside: zoo: {text}", file=sys.stderr, flush=True)


def choose(names):
    """Descriptions, each once. BadDescription."""
    known, chosen = description.names(), {}
    for name in names or ["*"]:
        matching = fnmatch.filter(known, name) or [name]
        if name == "*" and not known:
            matching = []
        for match in matching:
            one = description.find(match)
            chosen[one.name] = one
    return list(chosen.values())


def state(target):
    """('built', its version), ('not built', '') or ('cannot', why)"""
    made = build.record(target)
    if made:
        return "built", made["version"]
    lacks = target.source.missing()
    return ("cannot", lacks) if lacks else ("not built", "")


def list_targets(options):
    rows = [(t, *state(t)) for t in choose(options.names)]
    if options.format == "json":
        print(json.dumps([{"name": t.name, "summary": t.summary, "device": t.device, "version": t.version,
                           "state": s, "more": more} for t, s, more in rows], indent=1))
        return OK
    width = max([len(t.name) for t, _, _ in rows], default=0)
    for t, s, more in rows:
        told = f"cannot be built: {more}" if s == "cannot" else f"built, {more}" if more else s
        print(f"{t.name:{width}}  {t.device:8} {told:24} {t.summary}")
    return OK


def build_targets(options):
    failed, built = 0, 0
    targets = choose(options.names)
    for target in targets:
        try:
            out = build.ensure(target, say, options.again)
            print(f"{target.name}: {build.record(target)['version']}: {out}", flush=True)
            built += 1
        except build.CannotBuild as e:
            print(f"{target.name}: skipped: {e}", flush=True)
        except NotBuilt as e:
            print(f"{target.name}: {e}", flush=True)
            failed += 1
    return INTERNAL if failed else OK if built or not targets else judge.SKIPPED


def cells(outcome):
    """A row of the table."""
    counts = outcome.conform["summary"] if outcome.conform else {}
    unexpected = len(outcome.document().get("unexpected", []))
    bench = outcome.document()["bench"][:1]
    return [outcome.target.name, outcome.version or "-", outcome.target.device,
            *(str(counts.get(v, "-")) for v in VERDICTS), str(unexpected) if outcome.conform else "-",
            f"{bench[0]['p50_ns'] / 1000:.1f} us" if bench else "-", f"{bench[0]['ratio']:.2f}" if bench else "-",
            f"{outcome.status}: {outcome.reason}" if outcome.reason else outcome.status]


HEADS = ["target", "version", "device", *VERDICTS, "unexpected", "p50", "rate/ours", "what became of it"]
LEFT = (0, 1, 2, len(HEADS) - 1)


def text_table(outcomes):
    rows = [HEADS, *map(cells, outcomes)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEADS))]
    return "\n".join("  ".join(f"{c:{w}}" if i in LEFT else f"{c:>{w}}"
                               for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows)


def status_of(outcomes):
    if outcomes and all(o.status == "skip" for o in outcomes):
        return judge.SKIPPED
    return max((judge.STATUS[o.status] for o in outcomes), default=OK)


def run_targets(options):
    targets = choose(options.names)
    output = options.output or tempfile.mkdtemp(prefix="ringside-zoo-")
    os.makedirs(output, exist_ok=True)
    j = judge.Judge(programs.find(), output, options.check, options.jobs, not options.no_bench, say)
    outcomes = []
    for target in targets:
        outcomes.append(j.judge(target))
        o = outcomes[-1]
        say(" ".join([target.name, o.status + ":" if o.reason else o.status, o.reason]).strip())
    document = {"schema": "ringside.zoo/1",
                "created": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "results": output, "targets": [o.document() for o in outcomes]}
    results.write(os.path.join(output, "zoo.json"), document)
    if options.format == "json":
        print(json.dumps(document, indent=1))
    else:
        print(text_table(outcomes))
        for o in outcomes:
            for c in (o.conform or {}).get("checks", []):
                if c.get("unexpected"):
                    print(f"  {o.target.name}: {c['verdict']} {c['id']}: {c.get('reason', '')}")
        print(f"results are in {output}")
    return status_of(outcomes)


def write_page(options):
    try:
        page.write(options.run, options.output, programs.find()["ringside"])
    except page.NoRun as e:
        say(e)
        return USAGE
    return OK


def main(argv):
    options = parse(argv)
    os.environ.setdefault("RINGSIDE_LIBEXEC", os.path.dirname(os.path.abspath(sys.argv[0])))
    process.adopt_orphans()
    commands = {"list": list_targets, "build": build_targets, "run": run_targets, "page": write_page}
    try:
        return commands[options.command](options)
    except description.BadDescription as e:
        say(e)
        return USAGE
    except OSError as e:
        say(f"{e.filename or 'a file'}: {e.strerror}")
        return INTERNAL
    except KeyboardInterrupt:
        return 130
