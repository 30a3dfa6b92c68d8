# SPDX-License-Identifier: BSD-3-Clause
"""ci/lib.sh: steps one after the other, and what is done behind them."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

DEADLINE = 20
HEAD = """\
set -uo pipefail
. {repo}/ci/lib.sh
"""


def unignored():
    """What whoever started the tests ignores, nohup say, a shell could not trap."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def script(repo, tmp_path):
    """script(text): start it, with ci/lib.sh, in a session of its own."""
    started = []

    def start(text):
        started.append(subprocess.Popen(
            ["bash", "-c", HEAD.format(repo=repo) + text], cwd=tmp_path, start_new_session=True, text=True,
            env={**os.environ, "CI_LOGS": str(tmp_path / "logs")}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=unignored))
        return started[-1]
    yield start
    for one in started:
        for pid in members(one.pid):
            os.kill(pid, signal.SIGKILL)
        one.wait(DEADLINE)
        one.stdout.close()


def members(session):
    """{process: program} of a session, but for what has ended."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text(encoding="utf-8", errors="replace").rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if int(fields[3]) == session and fields[0] not in "ZX":
            found[int(path.parent.name)] = head.partition("(")[2]
    return found


def told(process):
    """(exit status, [what each step's line says, without the time])"""
    said = process.communicate(timeout=DEADLINE)[0]
    return process.returncode, [re.sub(r" +[0-9.]+ s\b", "", line) for line in said.splitlines()]


def test_steps(script):
    status, lines = told(script("""
        no() { echo "because of that"; return 3; }
        step one true || :
        step two no || :
        step three sh -c 'echo "there is none"; exit 77' || :
        step_summary"""))
    assert status == 1
    assert lines == ["ok  one", "FAIL  two (exit status 3): no", "      | because of that",
                     "skip  three: there is none", "failed: two", "1 passed, 1 failed, 1 skipped in"]


def test_what_is_done_behind_is_told_where_it_is_asked_for(script):
    """Whatever ended first; and a failure there is one of the whole."""
    status, lines = told(script("""
        no() { echo "because of that"; return 3; }
        behind() {
            step_behind a true || :
            step_behind b no || :
            step_behind c sh -c 'echo "there is none"; exit 77' || :
        }
        lane behind
        step front sh -c 'until [ -e logs/c.done ]; do sleep 0.01; done' || :
        step_end c || :
        step_end b || echo "it failed"
        step_end a || :
        step_summary"""))
    assert status == 1
    assert lines == ["ok  front", "skip  c: there is none", "FAIL  b (exit status 3): no", "      | because of that",
                     "it failed", "ok  a", "failed: b", "2 passed, 1 failed, 1 skipped in"]


def test_what_was_never_begun_has_failed(script):
    """Not what an earlier run left there."""
    status, lines = told(script("""
        mkdir -p logs && echo "0 1.0 true" >logs/b.done
        behind() { step_behind a false; }
        lane behind
        step_end a || :
        step_end b || :
        step_summary"""))
    assert status == 1
    assert lines == ["FAIL  a (exit status 1): false", "FAIL  b (exit status 1): what came before it failed",
                     "      | it was not begun", "failed: a b", "0 passed, 2 failed in"]


@pytest.mark.parametrize("number, expected", [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_nothing_is_left_of_what_is_ended(script, number, expected):
    """Neither of the step nor of the lane, nor of what they have started; and at once."""
    process = script("""
        wait_for() { sleep 1000 & sleep 1001; }
        behind() { step_behind a wait_for || :; step_behind b wait_for || :; }
        lane behind
        step front wait_for || :
        step_end a || :
        step_summary""")
    end = time.monotonic() + DEADLINE
    while list(members(process.pid).values()).count("sleep") < 4:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    status, lines = told(process)
    assert status == expected and lines == []
    # What the step's own processes have started is told to end, and does when it next runs.
    end = time.monotonic() + DEADLINE
    while members(process.pid):
        assert time.monotonic() < end
        time.sleep(0.01)
