# SPDX-License-Identifier: BSD-3-Clause
"""ringside run: the command line, and what stands around pytest."""
import glob
import importlib.util
import os
import shlex
import shutil
import sys

import pytest

from ringside_scenario import cell as cells_of
from ringside_scenario import display, hypervisor, programs, supervise
from ringside_scenario.arguments import USAGE, Parser
from ringside_scenario.load import BadScenario, load
from ringside_scenario.rundir import RunDir, default_name

OK, UNEXPECTED, INTERNAL = 0, 1, 4

EPILOG = """\
FILE is a scenario or a folder of them, which leaves out those that want to be named; one that is
not there may be the name of one that came with ringside (scenarios, blk-direct, …). Results, logs
and a report of all cells go to DIR.

Verdict of a cell: pass, fail (a verdict was not as expected), died (the target ended), hung (no
end in time), hypervisor (it failed, not the target), error (this machine refused something), skip
(cannot be run here).

Exit status: 0 all as expected, 1 a verdict was not, 2 usage or not a scenario, 3 a target died or
hung, 4 a hypervisor failed or the machine refused something, 128 + N ended early by signal N (what
was found is in DIR).
"""


def _jobs(text):
    n = int(text)
    if not 1 <= n <= 256:
        raise ValueError
    return n


def _shard(text):
    """'2/3': (2, 3)"""
    which, _, of = text.partition("/")
    which, of = int(which), int(of)
    if not 1 <= which <= of <= 10000:
        raise ValueError
    return which, of


def parse(argv):
    p = Parser(prog="ringside run", epilog=EPILOG,
               description="Run scenarios: each combination that they name is a cell.")
    p.add_argument("files", metavar="FILE", nargs="*")
    p.add_argument("-k", metavar="EXPR", dest="expression",
                   help="only cells whose name, groups or scenario match: pytest's -k")
    p.add_argument("--hypervisor", metavar="NAME", action="append", choices=hypervisor.NAMES,
                   help=", ".join(hypervisor.NAMES))
    p.add_argument("-j", "--jobs", metavar="N", type=_jobs, default=1,
                   help="so many cells at once; measurements stay alone")
    p.add_argument("--shard", metavar="I/N", type=_shard,
                   help="only the Ith of N parts of the cells, for jobs side by side")
    p.add_argument("-o", "--output", metavar="DIR", help="folder of the run (out/run-TIME)")
    p.add_argument("--resume", metavar="DIR",
                   help="go on with the run in DIR: what has a verdict there is not done again")
    p.add_argument("--no-skip", action="store_true",
                   help="a cell that cannot be run here is not as expected")
    p.add_argument("--no-report", action="store_true", help="make no page of the results")
    p.add_argument("--list", action="store_true", help="list the cells, and end")
    options = p.parse_args(argv)
    if options.resume and options.output:
        p.error("--resume and -o exclude each other")
    if not options.files and not options.resume:
        p.error("which scenarios? no FILE is given")
    return options


def complain(text):
    for line in str(text).splitlines():
        print(f"ringside: run: {line}", file=sys.stderr)


def _explicit(path):
    """Whether the file wants to be named. One that is no scenario is complained of later."""
    try:
        return load(path).explicit
    except BadScenario:
        return False


def scenario_files(names):
    """(files, left out): as given, and those of folders in their order but for what wants to be
    named. What is not there may be one of ours."""
    found, left_out = [], []
    for name in names:
        if not os.path.exists(name):
            name = programs.scenario(name) or name
        if os.path.isdir(name):
            inside = sorted(glob.glob(os.path.join(glob.escape(name), "*.yaml")))
            if not inside:
                raise BadScenario(f"{name}: no scenario is in there (*.yaml)")
            for path in inside:
                (left_out if _explicit(path) else found).append(path)
        else:
            found.append(name)
    return list(dict.fromkeys(found)), [path for path in left_out if path not in found]


def load_all(files):
    """{id: Cell}; BadScenario with all that is wrong anywhere."""
    found, complaints, names = {}, [], {}
    for path in files:
        try:
            scenario = load(path)
            if scenario.name in names:
                raise BadScenario(scenario.complaint(
                    ["scenario"], f"scenario: '{scenario.name}' is also {names[scenario.name]}"))
            names[scenario.name] = path
            for cell in cells_of.cells(scenario):
                found[cell.id] = cell
        except BadScenario as e:
            complaints.append(str(e))
    if complaints:
        raise BadScenario("\n".join(complaints))
    return found


def take_up(options):
    """What an interrupted run was asked for, into the options."""
    document = RunDir(options.resume).load()
    if not document:
        raise BadScenario(f"{options.resume}: no run is in there (run.json)")
    asked = document["asked"]
    os.chdir(asked["directory"])
    options.files = options.files or asked["files"]
    options.expression = options.expression or asked["expression"]
    options.hypervisor = options.hypervisor or asked["hypervisor"]
    options.no_skip = options.no_skip or asked["no_skip"]
    options.shard = options.shard or asked.get("shard")


def pytest_arguments(options, run_dir):
    """No configuration of a project around, no cache, no noise: only what was asked for."""
    argv = ["-p", "ringside_scenario.plugin", "-c", os.devnull, "--rootdir", os.getcwd(),
            "-p", "no:cacheprovider", "--capture=no", "-o", "junit_family=xunit2",
            "-o", "junit_suite_name=ringside",
            f"--junitxml={os.path.join(run_dir.path, 'junit.xml')}",
            f"--ringside-out={run_dir.path}"]
    for name in options.hypervisor or ():
        argv.append(f"--ringside-hypervisor={name}")
    if options.expression:
        argv += ["-k", options.expression]
    if options.no_skip:
        argv.append("--ringside-no-skip")
    if options.shard:
        argv.append("--ringside-shard={}/{}".format(*options.shard))
    if options.resume:
        argv.append("--ringside-resume")
    if options.jobs > 1:
        # One that ends by itself is not started again: it would meet the same cell.
        argv += ["-n", str(options.jobs), "--max-worker-restart=0"]
    return argv + options.files


def list_cells(options, cells):
    """With -k pytest decides; else all are listed without it."""
    shown = display.Lister(cells)
    argv = pytest_arguments(options, RunDir("/nonexistent")) + ["--collect-only"]
    argv = [a for a in argv if not a.startswith(("--junitxml", "--ringside-out"))]
    options.jobs = 1
    pytest.main(argv, plugins=[shown])
    return OK if shown.count else nothing(options)


def nothing(options):
    if options.shard:
        complain("no cell is in shard {}/{}".format(*options.shard))
        return OK
    which = f" -k '{options.expression}'" if options.expression else ""
    complain(f"no cell matches{which}: --list lists them")
    return USAGE


def prepare(options):
    """The folder of the run; its manifest says what was asked."""
    run_dir = RunDir(options.resume or options.output or default_name())
    if os.path.exists(run_dir.manifest) and not options.resume:
        raise BadScenario(f"{run_dir.path}: a run is in there already: --resume goes on with it")
    if options.resume:
        return run_dir, run_dir.load()
    asked = {"directory": os.getcwd(), "files": options.files, "expression": options.expression,
             "hypervisor": options.hypervisor, "no_skip": options.no_skip, "shard": options.shard,
             "command": shlex.join(["ringside", "run", *sys.argv[1:]])}
    return run_dir, run_dir.create(asked, os.environ["RINGSIDE"],
                                   os.path.dirname(os.path.realpath(__file__)))


def check_jobs(options):
    if options.jobs > 1 and not importlib.util.find_spec("xdist"):
        raise BadScenario("--jobs needs python3-pytest-xdist")


def main(argv):
    options = parse(argv)
    found = programs.find()
    # Workers of pytest-xdist are other processes: they learn it from here.
    os.environ["RINGSIDE"] = os.path.abspath(found["ringside"])
    os.environ["RINGSIDE_BACKEND"] = os.path.abspath(found["backend"])
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [os.path.dirname(os.path.dirname(os.path.realpath(__file__)))] +
        [p for p in [os.environ.get("PYTHONPATH")] if p])
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.setdefault("RINGSIDE_LIBEXEC", os.path.dirname(os.path.abspath(sys.argv[0])))
    try:
        check_jobs(options)
        if options.resume:
            options.resume = os.path.abspath(options.resume)
            take_up(options)
        options.files, left_out = scenario_files(options.files)
        if left_out:
            complain(f"left out, for want of being named: {', '.join(left_out)}")
        if not options.files:
            return nothing(options)
        cells = load_all(options.files)
    except BadScenario as e:
        complain(e)
        return USAGE
    if options.list:
        return list_cells(options, cells)
    if not shutil.which(os.environ["RINGSIDE"]):
        complain(f"{os.environ['RINGSIDE']} is not there, or no program")
        return INTERNAL
    try:
        run_dir, document = prepare(options)
    except BadScenario as e:
        complain(e)
        return USAGE
    except OSError as e:
        complain(f"{e.filename or 'the folder of the run'}: {e.strerror}")
        return INTERNAL
    return supervise.run(lambda: work(options, cells, run_dir, document))


def work(options, cells, run_dir, document):
    """In the supervised process: the run itself."""
    shown = display.Display(cells, run_dir)
    trouble = None
    try:
        status = pytest.main(pytest_arguments(options, run_dir), plugins=[shown])
    except OSError as e:
        # Its own files are written at the end: what was found until then is known all the same.
        status = pytest.ExitCode.INTERNAL_ERROR
        trouble = f"{e.filename or run_dir.path}: {e.strerror}"
        if not shown.table:
            complain(trouble)
            return INTERNAL
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        shutil.rmtree(run_dir.path, ignore_errors=True)
        return nothing(options)
    if not shown.table and status != pytest.ExitCode.INTERRUPTED:
        # What it was told is wrong (an expression, say): it has said so.
        return USAGE
    return shown.conclude(document, trouble, report=not options.no_report,
                          interrupted=status == pytest.ExitCode.INTERRUPTED)
