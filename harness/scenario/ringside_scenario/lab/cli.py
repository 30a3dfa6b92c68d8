# SPDX-License-Identifier: BSD-3-Clause
"""ringside lab: build, run and enter labs."""
import os
import shutil
import sys
import tempfile
import time

from ringside_scenario import lab as labs
from ringside_scenario import process, programs
from ringside_scenario.arguments import USAGE, Parser
from ringside_scenario.lab import image as image_of
from ringside_scenario.lab import recipe, run
from ringside_scenario.lab.snapshot import Snapshot

OK, UNEXPECTED, TARGET, INTERNAL = 0, 1, 3, 4
EPILOG = """\
Images are kept in $RINGSIDE_LAB_CACHE, else in ${XDG_CACHE_HOME:-~/.cache}/ringside/lab.

Exit status: 0 done, 1 the job failed, 2 usage, 3 the lab panicked or hung, 4 the lab could not be
built or started.
"""


def parse(argv):
    p = Parser(prog="ringside lab", epilog=EPILOG,
               description="Real hypervisors under emulation, with a clock that counts instructions.")
    p.add_argument("--cache", metavar="DIR", help="where images are kept")
    sub = p.add_subparsers(dest="command", metavar="COMMAND")
    b = sub.add_parser("build", help="make a lab's image and boot it once")
    b.add_argument("--again", action="store_true", help="even if it is there")
    b.add_argument("name", metavar="LAB", nargs="+")
    r = sub.add_parser("run", help="run a script in a lab")
    r.add_argument("name", metavar="LAB")
    r.add_argument("-c", dest="command_line", metavar="COMMANDS", help="the script itself")
    r.add_argument("script", metavar="FILE", nargs="?", help="or a file with it")
    r.add_argument("-o", "--output", metavar="DIR", help="what the script gives, and logs")
    r.add_argument("--timeout", metavar="S", type=float, default=120.0, help="seconds (120)")
    s = sub.add_parser("shell", help="a console in a lab")
    s.add_argument("name", metavar="LAB")
    sub.add_parser("list", help="the labs, and whether they are built")
    options, more = p.parse_known_args(argv)
    # argparse takes no positional argument behind an option when it could have come before.
    if options.command == "run" and not options.script and len(more) == 1 and \
            not more[0].startswith("-"):
        options.script = more.pop()
    if more:
        p.error(f"unrecognized arguments: {' '.join(more)}")
    if not options.command:
        p.error("which command? build, run, shell or list")
    if options.command == "run" and bool(options.command_line) == bool(options.script):
        p.error("one of -c COMMANDS and FILE is needed")
    return options


def say(text):
    print(f"ringside: lab: {text}", file=sys.stderr, flush=True)


def build(options):
    for name in options.name:
        labs.named(name)
    for name in options.name:
        began = time.monotonic()
        lab = labs.named(name)
        image = image_of.Image(lab, lambda text, name=name: say(f"{name}: {text}"))
        if options.again:
            shutil.rmtree(image.folder, ignore_errors=True)
        if not image.ensure():
            wrong = image.verify()
            if wrong:
                raise image_of.NoImage(f"{name}: {', '.join(wrong)} in {image.folder} is not what it "
                                       "was: build it with --again")
        snapshot = Snapshot(lab, image, image.say)
        if options.again:
            shutil.rmtree(snapshot.folder, ignore_errors=True)
        snapshot.ensure()
        print(f"{name}: ready in {time.monotonic() - began:.1f} s: {image.top}")
    return OK


def run_job(options):
    try:
        script = options.command_line or open(options.script, encoding="utf-8").read()
    except (OSError, UnicodeDecodeError) as e:
        say(f"{options.script}: {e}")
        return USAGE
    lab, image, snapshot = run.prepare(options.name, say)
    logs = options.output or tempfile.mkdtemp(prefix="ringside-lab-")
    os.makedirs(logs, exist_ok=True)
    work = tempfile.mkdtemp(prefix="ringside-")
    # What the script says is shown here.
    wrapped = "(\n" + script + "\n) >/tmp/said 2>&1\nstatus=$?\ngive said /tmp/said\n" \
              "(exit $status)\n"
    try:
        with process.Processes() as processes:
            one = run.Run(lab, image, snapshot, processes, work, logs)
            channel = one.start(run.Job(wrapped)).wait(options.timeout)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not options.output:
            shutil.rmtree(logs, ignore_errors=True)
    sys.stdout.write(channel.files.pop("said", b"").decode("utf-8", "replace"))
    for name, data in channel.files.items():
        if options.output:
            with open(os.path.join(logs, name), "wb") as f:
                f.write(data)
    if channel.verdict:
        print(f"{channel.verdict[0]}: {channel.verdict[1]}")
    return OK if channel.over == "0" else UNEXPECTED


def shell(options):
    lab, image, snapshot = run.prepare(options.name, say)
    work = tempfile.mkdtemp(prefix="ringside-")
    try:
        with process.Processes() as processes:
            one = run.Run(lab, image, snapshot, processes, work, work)
            say("'exit' ends the lab")
            one.start(run.Job("cd /root; setsid cttyhack sh </dev/console >/dev/console 2>&1\n"),
                      interactive=True)
            one.process.popen.wait()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return OK


def list_labs(_options):
    for name in recipe.names():
        lab = labs.named(name)
        image = image_of.Image(lab)
        print(f"{name:12} {'built' if image.read() else 'not built':10} {lab.recipe.summary}")
    return OK


def main(argv):
    options = parse(argv)
    if options.cache:
        os.environ["RINGSIDE_LAB_CACHE"] = os.path.abspath(options.cache)
    os.environ.setdefault("RINGSIDE_LIBEXEC", os.path.dirname(os.path.abspath(sys.argv[0])))
    found = programs.find()
    os.environ.setdefault("RINGSIDE", os.path.abspath(found["ringside"]))
    process.adopt_orphans()
    commands = {"build": build, "run": run_job, "shell": shell, "list": list_labs}
    try:
        return commands[options.command](options)
    except recipe.BadRecipe as e:
        say(e)
        return USAGE
    except image_of.NoImage as e:
        say(e)
        return INTERNAL
    except run.LabFailed as e:
        say(e)
        return INTERNAL if e.status == "error" else TARGET
    except OSError as e:
        say(f"{e.filename or 'a file'}: {e.strerror}")
        return INTERNAL
    except KeyboardInterrupt:
        return 130
