# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios that say themselves how a back-end is started, as a project that tests its own does."""
import json

import pytest

SCENARIO = """\
scenario: mine
summary: a back-end of one's own
timeout: 60s
backends:
  mine:
    command: {command}
    trigger: kill -USR1 {{pid}}
matrix: {{backend: mine}}
jobs:
  - conform: {{check: '{check}', timeout: 10s}}
"""


@pytest.fixture
def run(ringside, run_dir):
    """run(command, check=…): the status of its only cell, and its folder."""
    def go(command, check="blk.id*", status=(0,)):
        path = run_dir / "ringside.yaml"
        path.write_text(SCENARIO.format(command=json.dumps(command), check=check))
        done = ringside("run", path, "-o", run_dir / "out", "--no-report", status=status)
        document = json.loads((run_dir / "out/run.json").read_text())
        return document["cells"][0], done
    return go


def test_a_command_with_an_image(run, backend_bin, run_dir):
    cell, _ = run(f"{backend_bin} blk --socket-path {{socket}} --image {{image}}")
    assert cell["status"] == "pass"
    found = json.loads((run_dir / "out/cells/mine" / cell["name"].replace("[", ".").rstrip("]") /
                        "conform.json").read_text())
    assert found["target"]["name"] == "mine blk, direct" and found["summary"]["pass"] > 0


def test_its_trigger_is_used(run, backend_bin, run_dir):
    cell, _ = run(f"{backend_bin} blk --socket-path {{socket}} --memory 64M", "vu.bchan.live")
    found = json.loads(next((run_dir / "out/cells").rglob("conform.json")).read_text())
    assert cell["status"] == "pass" and found["summary"]["skip"] == 0, found["summary"]


def test_a_program_that_is_not_there(run):
    cell, _ = run("/no/such/program {socket}", status=(4,))
    assert cell["status"] == "error" and "/no/such/program is not there" in cell["reason"]


def test_words_that_end_nowhere(run):
    cell, _ = run("backend 'oops {socket}", status=(4,))
    assert cell["status"] == "error" and "the command of mine" in cell["reason"]


@pytest.mark.parametrize("text,complaint", [
    ("backends: {ringside-backend: {command: 'x {socket}'}}", "that name is taken"),
    ("backends: {mine: {command: 'x'}}", "backends.mine.command"),
    ("backends: {mine: {trigger: 'x'}}", "command")])
def test_complaints(ringside, run_dir, text, complaint):
    path = run_dir / "ringside.yaml"
    path.write_text(f"scenario: s\nsummary: s\n{text}\njobs: [conform: ]\n")
    done = ringside("run", path, "-o", run_dir / "out", status=(2,))
    assert complaint in done.stderr and "ringside.yaml:3" in done.stderr
