# SPDX-License-Identifier: BSD-3-Clause
"""ringside lava: scenarios as jobs for LAVA, which knows boards and whose turn it is.

A job boots a Debian on a device, installs ringside there, runs one part of the cells and tells LAVA of each.
How a device boots is LAVA's business and its user's: --base has the actions deploy and boot; without it the
device is a QEMU.
"""
import base64
import glob
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile

import yaml

from ringside_scenario import cell as cells_of
from ringside_scenario import cli
from ringside_scenario.arguments import USAGE, Parser
from ringside_scenario.load import BadScenario, load

OK, INTERNAL = 0, 4
# What LAVA knows of: a cell that cannot be run is no failure, one that was cut off is none of these.
RESULTS = {"pass": "pass", "skip": "skip"}
SETUP_MINUTES = 15
EPILOG = """\
Exit status: 0, 2 usage or not a scenario, 4 the machine refused something.
"""


def parse(argv):
    p = Parser(prog="ringside lava", epilog=EPILOG,
               description="Write job definitions for LAVA that run scenarios on a device.")
    p.add_argument("files", metavar="FILE", nargs="*")
    p.add_argument("--device-type", metavar="TYPE", default="qemu", help="LAVA's name for it (qemu)")
    p.add_argument("--base", metavar="FILE",
                   help="YAML with the actions that bring a Debian up on such a device")
    p.add_argument("--image", metavar="URL", help="of a QEMU: a disk image with Debian, qcow2")
    p.add_argument("--package", metavar="URL", help="the Debian package of ringside")
    p.add_argument("--setup", metavar="COMMAND", action="append", default=[],
                   help="to be run there before; may be repeated")
    p.add_argument("--shards", metavar="N", type=int, default=1, help="so many jobs (1)")
    p.add_argument("-k", metavar="EXPR", dest="expression", help="as of 'ringside run'")
    p.add_argument("-o", "--output", metavar="DIR", default=".", help="where the jobs go (.)")
    p.add_argument("--report", metavar="DIR",
                   help="on the device: tell LAVA of the run in DIR, cell by cell")
    options = p.parse_args(argv)
    if options.report:
        return options
    if not options.files:
        p.error("which scenarios? no FILE is given")
    if not options.package:
        p.error("--package: where does the device get ringside from?")
    if bool(options.base) == bool(options.image):
        p.error("one of --base and --image: how does the device come up?")
    if not 1 <= options.shards <= 1000:
        p.error(f"--shards: {options.shards} is not a number from 1 to 1000")
    return options


def qemu_actions(image):
    """A QEMU of LAVA's own that boots a disk image."""
    return [
        {"deploy": {"timeout": {"minutes": 10}, "to": "tmpfs", "os": "debian", "images": {
            "rootfs": {"image_arg": "-drive format=qcow2,file={rootfs}", "url": image}}}},
        {"boot": {"timeout": {"minutes": 5}, "method": "qemu", "media": "tmpfs",
                  "prompts": ["root@", "# "],
                  "auto_login": {"login_prompt": "login:", "username": "root"}}},
    ]


def base_actions(path):
    with open(path, encoding="utf-8") as f:
        found = yaml.safe_load(f)
    actions = found.get("actions") if isinstance(found, dict) else found
    if not isinstance(actions, list) or not all(isinstance(a, dict) for a in actions):
        raise BadScenario(f"{path}: this is no list of actions")
    return actions


def archive(scenarios):
    """The files and what they name beside them, for a shell to unpack."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for scenario in scenarios:
            names = [os.path.basename(scenario.path)]
            names += [e["file"] for e in scenario.data.get("expect", [])]
            # Scripts that start back-ends by their names.
            names += ["targets"] if scenario.find("targets") else []
            for name in dict.fromkeys(names):
                tar.add(os.path.join(scenario.folder, name), name)
    return base64.b64encode(data.getvalue()).decode()


def steps(options, scenarios, shard):
    files = " ".join(shlex.quote(os.path.basename(s.path)) for s in scenarios)
    run = f"ringside run {files} --shard {shard}/{options.shards} -o out --no-report"
    if options.expression:
        run += f" -k {shlex.quote(options.expression)}"
    url = shlex.quote(options.package)
    return [
        *options.setup,
        f"wget -q -O /tmp/ringside.deb {url}",
        "apt-get -qq update && apt-get -qq -y install /tmp/ringside.deb",
        f"mkdir scenarios && echo {archive(scenarios)} | base64 -d | tar -xz -C scenarios",
        # Its status is that of the worst cell, and each is told by itself.
        f"cd scenarios && {run} || true",
        "ringside lava --report scenarios/out",
    ]


def job(options, scenarios, shard, minutes):
    actions = base_actions(options.base) if options.base else qemu_actions(options.image)
    names = ", ".join(s.name for s in scenarios)
    definition = {
        "metadata": {"format": "Lava-Test Test Definition 1.0", "name": "ringside",
                     "description": "; ".join(s.data["summary"] for s in scenarios)},
        "run": {"steps": steps(options, scenarios, shard)},
    }
    test = {"timeout": {"minutes": minutes}, "definitions": [
        {"from": "inline", "name": "ringside", "path": "inline/ringside.yaml",
         "repository": definition}]}
    return {
        "device_type": options.device_type,
        "job_name": f"ringside {names} {shard}/{options.shards}"[:200],
        "priority": "medium",
        "visibility": "public",
        "timeouts": {"job": {"minutes": minutes + SETUP_MINUTES * 2},
                     "action": {"minutes": SETUP_MINUTES},
                     "connection": {"minutes": 5}},
        "actions": [*actions, {"test": test}],
    }


def write(options):
    files, left_out = cli.scenario_files(options.files)
    cli.load_all(files)
    for path in left_out:
        print(f"ringside: lava: left out, for want of being named: {path}", file=sys.stderr)
    scenarios = [load(path) for path in files]
    # One after the other, and each to its last second.
    seconds = sum(c.timeout for s in scenarios for c in cells_of.cells(s))
    minutes = int(SETUP_MINUTES + seconds / options.shards / 60) + 1
    os.makedirs(options.output, exist_ok=True)
    for shard in range(1, options.shards + 1):
        path = os.path.join(options.output, f"ringside-{shard}-of-{options.shards}.yaml")
        with open(path, "w", encoding="utf-8") as f:
            yaml.safe_dump(job(options, scenarios, shard, minutes), f, sort_keys=False,
                           allow_unicode=True, width=1 << 20)
        print(path)


def report(folder):
    """One lava-test-case for each cell; that program is LAVA's, on the device."""
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "cells", "*", "*", "cell.json")))
    if not found:
        raise BadScenario(f"{folder}: no run is in there")
    for path in found:
        with open(path, encoding="utf-8") as f:
            cell = json.load(f)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{cell['scenario']}.{cell['name']}").strip("-")
        result = RESULTS.get(cell["status"], "fail")
        subprocess.run(["lava-test-case", name, "--result", result], check=True)


def main(argv):
    options = parse(argv)
    try:
        if options.report:
            report(options.report)
        else:
            write(options)
    except BadScenario as e:
        for line in str(e).splitlines():
            print(f"ringside: lava: {line}", file=sys.stderr)
        return USAGE
    except yaml.YAMLError as e:
        print(f"ringside: lava: {options.base}: {str(e).splitlines()[0]}", file=sys.stderr)
        return USAGE
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"ringside: lava: {e}", file=sys.stderr)
        return INTERNAL
    return OK
