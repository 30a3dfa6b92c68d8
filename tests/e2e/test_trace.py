# SPDX-License-Identifier: BSD-3-Clause
"""ringside trace: a recording of trace-emit's events, whose course is known, and its stages."""
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

USAGE, TARGET = 2, 3
STAGES = ["fetch", "serve", "publish", "call"]


@pytest.fixture(scope="module")
def emit_bin(build_dir):
    if not (build_dir / "libexec/ringside/ringside-trace.so").exists():
        pytest.skip("built without LTTng-UST")
    if not shutil.which("lttng-sessiond"):
        pytest.skip("lttng-sessiond is not installed")
    return build_dir / "tests/trace-emit"


@pytest.fixture
def emitter(emit_bin):
    """emitter(*options): trace-emit, ready to start its events at a line on its input."""
    started = []

    def start(*options):
        process = subprocess.Popen([emit_bin, "--wait", *map(str, options)], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process
    yield start
    for process in started:
        process.communicate(timeout=20)
        assert process.returncode == 0


def start_recording(ringside_bin, folder, *options):
    """Started, and known to record: it says so."""
    process = subprocess.Popen([ringside_bin, "trace", folder, "--record", "60s", *options],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = process.stderr.readline()
    assert "recording into" in said, said + process.stderr.read()
    return process


def finish_recording(process):
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    return stdout


def test_stages_of_a_recording(ringside_bin, run_json, emitter, tmp_path):
    folder = tmp_path / "trace"
    emit = emitter("--requests", 3000, "--batch", 4, "--queues", 2, "--serve-ns", 5000)
    recording = start_recording(ringside_bin, folder, "--pid", str(emit.pid), "--format", "json")
    emit.stdin.write("\n")
    emit.stdin.flush()
    assert emit.stdout.readline().startswith("done")
    recorded = json.loads(finish_recording(recording))

    assert recorded["schema"] == "ringside.trace/1"
    trace = recorded["trace"]
    assert (trace["events"], trace["requests"]) == (3000 * 4 + 750, 3000)
    assert (trace["discarded"], trace["unmatched"], trace["processes"]) == (0, 0, 1)
    assert [row["name"] for row in recorded["stages"]] == STAGES
    for row in recorded["stages"]:
        assert row["count"] == 3000
        assert 0 < row["p50_ns"] <= row["p99_ns"] <= row["max_ns"]
    serve = recorded["stages"][1]
    assert serve["p50_ns"] >= 5000
    assert serve["p50_ns"] > recorded["stages"][0]["p50_ns"]

    # Read again, it says the same.
    again = run_json("trace", folder)
    assert again["stages"] == recorded["stages"]
    assert again["trace"] == recorded["trace"]

    # Somebody else's reader sees the same events.
    if shutil.which("babeltrace2"):
        done = subprocess.run(["babeltrace2", folder], stdout=subprocess.PIPE, text=True,
                              timeout=60, check=True)
        names = re.findall(r" ringside:(\w+): ", done.stdout)
        assert {name: names.count(name) for name in set(names)} == {
            "fetch": 3000, "serve_begin": 3000, "serve_end": 3000, "publish": 3000, "call": 750}
        assert "seq = 1499, len = 4112, queue = 1, head = 3" in done.stdout


def test_text_table(ringside_bin, ringside, emitter, tmp_path):
    folder = tmp_path / "trace"
    emit = emitter("--requests", 100)
    recording = start_recording(ringside_bin, folder, "--pid", str(emit.pid))
    emit.stdin.write("\n")
    emit.stdin.flush()
    emit.stdout.readline()
    lines = finish_recording(recording).splitlines()
    assert [line.split()[0] for line in lines[1:5]] == STAGES
    assert all(line.split()[-1] == "100" for line in lines[1:5])
    assert lines[5] == "500 events of 100 whole requests"
    assert ringside("trace", folder).stdout.splitlines() == lines


def others_use_the_daemon():
    """Another Ringside of this user, a test beside this one for instance, holds a lock."""
    folder = Path("/var/run/lttng" if os.geteuid() == 0 else
                  os.environ.get("LTTNG_HOME", os.environ["HOME"]) + "/.lttng")
    for name in ("guard", "users"):
        with open(folder / f"ringside.{name}", "rb") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def sessions():
    """What the session daemon lists; None when there is none."""
    done = subprocess.run(["lttng", "--no-sessiond", "list"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, timeout=20, check=False)
    return done.stdout if done.returncode == 0 else None


def test_session_daemon_ends_with_the_recording(ringside_bin, emitter, tmp_path):
    """Unless one ran before, or somebody else uses it: none is left behind."""
    if sessions() is not None:
        pytest.skip("somebody else's session daemon runs")
    emit = emitter()
    finish_recording(start_recording(ringside_bin, tmp_path / "trace", "--pid", str(emit.pid)))
    assert sessions() is None or others_use_the_daemon()


def test_session_of_a_killed_recording_is_removed(ringside_bin, emitter, tmp_path):
    """By the next Ringside that has the daemon for itself."""
    emit = emitter()
    killed = start_recording(ringside_bin, tmp_path / "killed", "--pid", str(emit.pid))
    assert f"ringside-{killed.pid}-" in (sessions() or "")
    killed.kill()
    killed.communicate(timeout=20)
    finish_recording(start_recording(ringside_bin, tmp_path / "trace", "--pid", str(emit.pid)))
    assert f"ringside-{killed.pid}-" not in (sessions() or "") or others_use_the_daemon()


@pytest.mark.parametrize("wait, depth", [("poll", 4), ("event", 4), ("event", 1)])
def test_bench_with_trace(run_json, emit_bin, backend, tmp_path, wait, depth):
    """The reference back-end's stages: every request has each, a call only if it was notified."""
    folder = tmp_path / "trace"
    result = run_json("bench", backend("--memory", "64M", "--trace").target, "--device", "blk",
                      "--wait", wait, "--queue-depth", depth, "--requests", 3000, "--trace", folder)
    trace, stages = result["trace"], {s["name"]: s for s in result["stages"]}
    assert list(stages) == STAGES
    assert trace["discarded"] == 0 and trace["processes"] == 1
    assert trace["requests"] >= 3000
    assert trace["untraced"]["p50"] > 0 and trace["cost_ratio"] > 0
    for name in STAGES[:3]:
        assert stages[name]["count"] == trace["requests"]
        assert 0 < stages[name]["p50_ns"] <= result["latency_ns"]["p99"]
    calls = stages["call"]["count"]
    # A driver that polls asks for no notification; a few at the start or the end are its own doing.
    assert calls <= 2 * depth if wait == "poll" else calls > trace["requests"] / 2
    again = run_json("trace", folder)
    assert again["stages"] == result["stages"]


@pytest.mark.parametrize("arguments, status", [
    ((), USAGE),
    (("a", "b"), USAGE),
    (("--format", "yaml", "a"), USAGE),
    (("--record", "soon", "a"), USAGE),
    (("--pid", "0", "a"), USAGE),
    (("/nonexistent",), USAGE),
    (("/proc/version",), USAGE),
])
def test_errors_are_one_line(ringside, arguments, status):
    done = ringside("trace", *arguments, status=(status,))
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ringside: ")


def test_folder_in_use_is_refused(ringside, tmp_path):
    (tmp_path / "something").write_text("here")
    done = ringside("trace", tmp_path, "--record", "1s", status=(TARGET,))
    assert "not empty" in done.stderr or "built without" in done.stderr


def test_damaged_trace_is_told(ringside, tmp_path):
    (tmp_path / "metadata").write_bytes(b"\x75\xd1\x1d\x57" + bytes(range(200)))
    (tmp_path / "requests_0").write_bytes(b"\xc1\x1f\xfc\xc1" + bytes(5000))
    done = ringside("trace", tmp_path, status=(USAGE,))
    assert len(done.stderr.splitlines()) == 1


def test_nobody_to_record(ringside, emit_bin, tmp_path):
    done = ringside("trace", tmp_path / "trace", "--record", "1s", "--pid", os.getpid(),
                    status=(TARGET,))
    assert str(os.getpid()) in done.stderr
    assert len(done.stderr.splitlines()) == 1
