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
    assert lines[5].startswith("end to end ") and lines[5].split()[-1] == "100"
    assert lines[6] == "500 events of 100 whole requests"
    assert lines[7].startswith("the stages add up to ")
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


def check_both_sides(result, wait, depth):
    """Every request is whole, and each of its stages is there or merged with another."""
    trace, stages = result["trace"], {s["name"]: s for s in result["stages"]}
    requests = trace["requests"]
    assert trace["discarded"] == 0 and trace["torn"] == 0
    assert requests >= result["requests"]
    assert trace["untraced"]["p50"] > 0 and trace["cost_ratio"] > 0
    assert trace["adds_up"]
    assert sum(s["sum_ns"] for s in result["stages"]) == trace["end_to_end"]["sum_ns"]
    for name in ("fetch", "serve", "publish"):
        assert stages[name]["count"] == requests
    # All ways from submission to the fetch, and from the result to its being reaped.
    for first, last in (("submit", "fetch"), ("publish", "reap")):
        assert sum(s["count"] for s in result["stages"] if s["to"] == last) == requests
        assert sum(s["count"] for s in result["stages"] if s["from"] == first) == requests
    calls = stages["call"]["count"]
    # A driver that polls is woken by nothing.
    assert calls == 0 if wait == "poll" else calls > 0
    if depth == 1:
        # The same, but for the rate of the counter, which each finds out for itself.
        longest = result["latency_ns"]["max"]
        assert abs(trace["end_to_end"]["max_ns"] - longest) <= longest // 1000 + 100
    heat = trace["heat"]
    assert sum(map(sum, heat["counts"])) == requests


WAYS = [("poll", 4), ("event", 4), ("event", 1)]


@pytest.mark.parametrize("wait, depth", WAYS)
def test_bench_with_trace(run_json, emit_bin, backend, tmp_path, wait, depth):
    """The back-end's stages by LTTng, the driver's by its own buffer."""
    folder = tmp_path / "trace"
    result = run_json("bench", backend("--memory", "64M", "--trace").target, "--device", "blk",
                      "--wait", wait, "--queue-depth", depth, "--requests", 3000, "--trace", folder)
    check_both_sides(result, wait, depth)
    assert result["trace"]["tracers"] == ["lttng"]
    again = run_json("trace", folder)
    assert again["stages"] == result["stages"]


@pytest.fixture
def buffered(backend, tmp_path):
    buffer = tmp_path / "buffer"
    return backend("--memory", "64M", "--trace-buffer", buffer), buffer


@pytest.mark.parametrize("ring", ["split", "packed"])
@pytest.mark.parametrize("wait, depth", WAYS)
def test_bench_with_buffer(run_json, buffered, tmp_path, wait, depth, ring):
    folder = tmp_path / "trace"
    result = run_json("bench", buffered[0].target, "--wait", wait, "--queue-depth", depth,
                      "--requests", 3000, "--ring", ring, "--trace", folder)
    check_both_sides(result, wait, depth)
    trace = result["trace"]
    assert trace["tracers"] == ["buffer"] and trace["clock_error_ns"] == 0
    assert trace["unmatched"] == 0
    again = run_json("trace", "stages", folder)
    assert again["stages"] == result["stages"]


def test_second_recording_of_the_same_back_end(run_json, buffered, tmp_path):
    """The back-end's numbers are then ahead of the driver's."""
    for turn in range(2):
        result = run_json("bench", buffered[0].target, "--queues", 1, "--requests", 500,
                          "--trace", tmp_path / f"trace{turn}")
        assert result["trace"]["requests"] == 500
        assert result["trace"]["unmatched"] == 0


def test_outliers_are_the_slowest(run_json, ringside, buffered, tmp_path):
    folder = tmp_path / "trace"
    result = run_json("bench", buffered[0].target, "--wait", "event", "--requests", 2000,
                      "--trace", folder)
    found = run_json("trace", "outliers", folder, "--slowest", 7)["outliers"]
    times = [o["latency_ns"] for o in found]
    assert len(times) == 7 and times == sorted(times, reverse=True)
    assert times[0] == result["trace"]["end_to_end"]["max_ns"]
    for o in found:
        points = [p["ns"] for p in o["points"]]
        assert points == sorted(points) and points[0] == 0 and points[-1] == o["latency_ns"]
        assert o["points"][0]["point"] == "submit" and o["points"][-1]["point"] == "reap"
    text = ringside("trace", "outliers", folder, "--slowest", 1).stdout
    assert f"{times[0] / 1000:.2f} us" in text


def test_perfetto_has_every_request(run_json, ringside, buffered, tmp_path):
    folder, out = tmp_path / "trace", tmp_path / "trace.json"
    run_json("bench", buffered[0].target, "--wait", "event", "--queue-depth", 4, "--requests", 500,
             "--trace", folder)
    ringside("trace", "export", folder, "--perfetto", out)
    events = json.loads(out.read_text())["traceEvents"]
    slices = [e for e in events if e["ph"] == "X"]
    assert len({e["args"]["seq"] for e in slices}) == 500
    actors = {e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert {"driver", "back-end"} <= actors
    # One arrow starts and one ends for each request, and goes through its slices.
    for ph in "sf":
        assert sorted(e["id"] for e in events if e["ph"] == ph) == list(range(1, 501))
    # What is on one track does not overlap.
    tracks = {}
    for e in slices:
        tracks.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["dur"]))
    for track in tracks.values():
        track.sort()
        for (ts, dur), (following, _) in zip(track, track[1:]):
            assert ts + dur <= following + .002


def test_exported_ctf_is_read_by_others(run_json, ringside, buffered, tmp_path):
    folder, out = tmp_path / "trace", tmp_path / "ctf"
    run_json("bench", buffered[0].target, "--requests", 200, "--trace", folder)
    ringside("trace", "export", folder, "--ctf", out)
    if not shutil.which("babeltrace2"):
        pytest.skip("babeltrace2 is not installed")
    done = subprocess.run(["babeltrace2", out], stdout=subprocess.PIPE, text=True, timeout=60,
                          check=True)
    names = re.findall(r" ringside:(\w+): ", done.stdout)
    for name in ("submit", "fetch", "serve_begin", "serve_end", "publish", "reap"):
        assert names.count(name) == 200


def test_record_of_a_buffer(ringside_bin, ringside, run_json, buffered, tmp_path):
    """Somebody else's load: the back-end's side alone, and the buffer of one that died."""
    server, buffer = buffered
    folder = tmp_path / "trace"
    pid = str(server.pid)
    recording = subprocess.Popen([ringside_bin, "trace", "record", folder, "--pid", pid], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "recording into" in recording.stderr.readline()
    done = ringside("trace", "record", tmp_path / "second", "--pid", pid, status=(TARGET,))
    assert "somebody else" in done.stderr
    run_json("bench", server.target, "--requests", 300, "--warmup", "0")
    recording.send_signal(signal.SIGINT)
    recording.communicate(timeout=60)
    assert recording.returncode == 0
    result = run_json("trace", "stages", folder)
    assert result["trace"]["requests"] == 300
    assert [row["name"] for row in result["stages"]] == STAGES
    assert run_json("trace", buffer)["trace"]["requests"] == 0  # it was taken out
    # Another recorder that is killed leaves the events on, and the buffer as it is.
    killed = subprocess.Popen([ringside_bin, "trace", "record", tmp_path / "killed", "--pid", pid],
                              text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    killed.stderr.readline()
    killed.kill()
    killed.communicate(timeout=20)
    run_json("bench", server.target, "--requests", 300, "--warmup", "0")
    assert run_json("trace", buffer)["trace"]["requests"] == 300


def test_tracer_that_is_not_there(ringside, backend, tmp_path):
    done = ringside("bench", backend("--memory", "64M").target, "--tracer", "buffer", "--requests", 10,
                    "--trace", tmp_path / "trace", status=(4,))
    assert "--trace-buffer" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments, status", [
    ((), USAGE),
    (("a", "b"), USAGE),
    (("--format", "yaml", "a"), USAGE),
    (("--record", "soon", "a"), USAGE),
    (("--pid", "0", "a"), USAGE),
    (("stages",), USAGE),
    (("stages", "/nonexistent"), USAGE),
    (("outliers", "--slowest", "0", "a"), USAGE),
    (("export", "/tmp"), USAGE),
    (("record", "--tracer", "magic", "a"), USAGE),
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


def test_nobody_to_record(ringside, tmp_path):
    """A process that has ended."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait(timeout=20)
    done = ringside("trace", tmp_path / "trace", "--record", "1s", "--pid", gone.pid,
                    status=(TARGET,))
    assert str(gone.pid) in done.stderr
    assert len(done.stderr.splitlines()) == 1
