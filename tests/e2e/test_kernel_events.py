# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel sees of a back-end that is not ours: stages of an unmodified qemu-storage-daemon."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

TARGET = 3
REQUESTS = 400


@pytest.fixture(scope="module")
def bpf(ringside, tmp_path_factory):
    """Skips where it cannot be done, with Ringside's own reason."""
    done = ringside("trace", "record", "--tracer", "bpf", "--pid", os.getpid(), "--duration", "1ms",
                    tmp_path_factory.mktemp("try") / "trace", status=(0, TARGET))
    if done.returncode:
        pytest.skip(done.stderr.strip())


def traced(run_json, qsd, folder, tracer, *options, **kwargs):
    return run_json("bench", qsd(**kwargs).target, "--device", "blk", "--requests", REQUESTS,
                    "--wait", "event", "--no-floor", "--tracer", tracer, "--trace", folder, *options)


def check_whole(result, requests=REQUESTS):
    """Every request from end to end, and its parts are the whole."""
    trace = result["trace"]
    assert trace["requests"] == requests
    assert trace["discarded"] == 0 and trace["torn"] == 0 and trace["kernel"]["lost"] == 0
    assert trace["adds_up"]
    assert sum(s["sum_ns"] for s in result["stages"]) - trace["end_to_end"]["sum_ns"] <= \
        trace["skewed"] * trace["clock_error_ns"]
    assert sum(s["count"] for s in result["stages"] if s["from"] == "submit") == requests
    assert reached(result, "reap") == requests


def reached(result, point):
    """How many requests were seen to come by this point."""
    return sum(s["count"] for s in result["stages"] if s["to"] == point)


def test_storage_daemon_one_at_a_time(bpf, run_json, qsd, tmp_path):
    """Kick read, I/O submitted and completed, call written: each is a point of its own."""
    folder = tmp_path / "trace"
    result = traced(run_json, qsd, folder, "bpf", "--queue-depth", 1)
    check_whole(result)
    assert result["trace"]["tracers"] == ["bpf"]
    kernel = result["trace"]["kernel"]
    assert kernel["back_end"].startswith("qemu-storage")
    # As the driver counts them, but for a last write that has not returned yet.
    assert kernel["kicks"] == REQUESTS
    assert abs(kernel["calls"] - result["notifications_per_request"]["calls"] * REQUESTS) <= 1.001
    assert kernel["io"] == REQUESTS
    calls = kernel["syscalls"]
    assert calls.get("preadv", 0) + calls.get("pread", 0) == 1
    assert calls["read"] >= 1 and calls["write"] >= 1 and calls["ppoll"] >= 1
    for point in ("fetch", "serve_begin", "serve_end"):
        assert reached(result, point) == REQUESTS
    # A driver that looks once more before it sleeps needs no call.
    assert reached(result, "handle") - 1 <= reached(result, "call") <= reached(result, "handle")
    assert reached(result, "publish") == 0
    assert "publish" not in {s["name"] for s in result["stages"]}
    assert kernel["waited"]["back_end"]["count"] > 0
    # Read again, it says the same.
    again = run_json("trace", "stages", folder)
    assert again["stages"] == result["stages"]


def test_storage_daemon_several_at_once(bpf, run_json, qsd, tmp_path):
    """Whose I/O it is nobody can tell: those stages are one, and the count says so."""
    result = traced(run_json, qsd, tmp_path / "trace", "bpf", "--queue-depth", 8)
    check_whole(result)
    kernel = result["trace"]["kernel"]
    assert kernel["io"] == REQUESTS
    assert 0 < kernel["calls"] <= REQUESTS
    assert kernel["io_unassigned"] + 2 * reached(result, "serve_end") >= REQUESTS


def test_storage_daemon_several_queues(bpf, run_json, qsd, tmp_path):
    result = traced(run_json, qsd, tmp_path / "trace", "bpf", "--queues", 2, "--queue-depth", 1,
                    queues=2)
    check_whole(result)
    assert reached(result, "fetch") >= REQUESTS * 9 // 10


def test_storage_daemon_by_its_functions(bpf, run_json, qsd, tmp_path):
    """Which chain is taken, and given back: known for each, however many there are."""
    folder = tmp_path / "trace"
    result = traced(run_json, qsd, folder, "bpf,uprobes", "--queue-depth", 8)
    check_whole(result)
    assert result["trace"]["tracers"] == ["bpf", "uprobes"]
    for point in ("fetch", "serve_end", "publish"):
        assert reached(result, point) == REQUESTS
    assert "publish" in {s["name"] for s in result["stages"]}


def test_without_a_tracer_named_a_foreign_back_end_gets_it(bpf, run_json, qsd, tmp_path):
    result = run_json("bench", qsd().target, "--requests", 100, "--wait", "event", "--no-floor",
                      "--trace", tmp_path / "trace")
    assert result["trace"]["tracers"] == ["bpf"]
    check_whole(result, 100)


def test_beside_our_own_tracepoints(bpf, run_json, backend, tmp_path):
    """They say more of the stages, the kernel what went on beside them."""
    result = run_json("bench", backend("--memory", "64M", "--trace-buffer", tmp_path / "buffer").target,
                      "--requests", 300, "--wait", "event", "--no-floor", "--tracer", "buffer,bpf",
                      "--trace", tmp_path / "trace")
    check_whole(result, 300)
    assert result["trace"]["unmatched"] == 0
    assert result["trace"]["tracers"] == ["buffer", "bpf"]
    assert {"fetch", "serve", "publish"} <= {s["name"] for s in result["stages"]}
    assert result["trace"]["kernel"]["syscalls"]


def test_outliers_tell_who_had_the_processor(bpf, run_json, ringside, qsd, tmp_path):
    folder = tmp_path / "trace"
    traced(run_json, qsd, folder, "bpf", "--queue-depth", 1)
    found = run_json("trace", "outliers", folder, "--slowest", 40)["outliers"]
    assert len(found) == 40
    for o in found:
        assert o["ran"]
        for cpu in {r["cpu"] for r in o["ran"]}:
            # Nobody ran longer than the request took; all of it is accounted for, up to its edges.
            assert 0 < sum(r["ns"] for r in o["ran"] if r["cpu"] == cpu) <= o["latency_ns"]
    # Where there were many, those who ran for long are shown.
    seen = [o for o in found if any(r.get("name", "").startswith("qemu-storage") for r in o["ran"])]
    assert len(seen) > 20
    text = ringside("trace", "outliers", folder, "--slowest", 1).stdout
    assert re.search(r"cpu \d+ +[\d.]+ us of ", text)


def test_exports_go_on(bpf, run_json, ringside, qsd, tmp_path):
    folder = tmp_path / "trace"
    traced(run_json, qsd, folder, "bpf", "--queue-depth", 1)
    ringside("trace", "export", folder, "--perfetto", tmp_path / "t.json", "--ctf", tmp_path / "ctf")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert {"serve", "wake"} <= {e["name"] for e in events if e["ph"] == "X"}
    assert not list((tmp_path / "ctf").rglob("kernel.bpf"))


def test_a_torn_file_is_read_up_to_the_tear(bpf, run_json, ringside, qsd, tmp_path):
    folder = tmp_path / "trace"
    traced(run_json, qsd, folder, "bpf", "--queue-depth", 1)
    file = folder / "kernel.bpf"
    size = file.stat().st_size
    os.truncate(file, size - (size - 20000) // 2 // 40 * 40 - 7)
    again = run_json("trace", "stages", folder)
    assert again["trace"]["torn"] == 1 and again["trace"]["requests"] == REQUESTS
    assert 0 < reached(again, "serve_end") < REQUESTS
    assert "cut off" in ringside("trace", "stages", folder).stdout


def test_record_of_a_daemon_under_another_load(bpf, ringside_bin, run_json, qsd, tmp_path):
    """Not our driver: which descriptors are its queues' follows from who else has them, and their use."""
    folder, daemon = tmp_path / "trace", qsd()
    load = subprocess.Popen([ringside_bin, "bench", daemon.target, "--duration", "60s", "--wait", "event",
                             "--no-floor"], stdout=subprocess.DEVNULL)
    try:
        done = record(ringside_bin, folder, daemon.pid, load.pid)
    finally:
        load.send_signal(signal.SIGINT)
        load.wait(timeout=60)
    assert done == 0
    kernel = run_json("trace", "stages", folder)["trace"]["kernel"]
    assert kernel["kicks"] > 0 and kernel["calls"] > 0 and kernel["io"] > 0


def run_guest(bpf, ringside_bin, build_dir, daemon, folder, tracer, words):
    """QEMU without KVM, between a guest and the daemon, which is recorded meanwhile: what the guest said."""
    image, qemu = build_dir / "probe/ringside-probe-x86_64", shutil.which("qemu-system-x86_64")
    if not image.exists() or not qemu:
        pytest.skip("no guest, or no qemu-system-x86_64")
    stream = folder.with_name("stream")
    recording = subprocess.Popen([ringside_bin, "trace", "record", "--tracer", tracer, "--pid", str(daemon.pid),
                                  folder], stderr=subprocess.PIPE, text=True)
    assert "recording into" in recording.stderr.readline()
    guest = subprocess.run(
        [qemu, "-M", "q35,memory-backend=m", "-accel", "tcg", "-m", "64", "-nodefaults", "-display",
         "none", "-no-reboot", "-kernel", image, "-append",
         f"device=blk job=bench wait=event {words}", "-debugcon",
         f"file:{stream}", "-device", "isa-debug-exit", "-object",
         "memory-backend-memfd,id=m,size=64M,share=on", "-chardev", f"socket,id=v,path={daemon.socket}",
         "-device", "vhost-user-blk-pci,chardev=v"], timeout=120, check=False)
    recording.send_signal(signal.SIGINT)
    recording.communicate(timeout=60)
    assert (guest.returncode, recording.returncode) == (33, 0)
    return stream


def test_guest_whose_device_it_is(bpf, ringside_bin, run_json, build_dir, qsd, run_dir):
    """It writes the kicks and reads the calls; of the guest itself nothing is known."""
    folder = run_dir / "trace"
    run_guest(bpf, ringside_bin, build_dir, qsd(), folder, "bpf", "requests=10000 warmup=0s queue-depth=1")
    kernel = run_json("trace", "stages", folder)["trace"]["kernel"]
    assert kernel["per"] == "kick" and kernel["lost"] == 0
    assert 10000 <= kernel["kicks"] <= 10010 and 0 < kernel["calls"] <= 10010
    # QEMU is known some time after it came: hence so many.
    assert 0 < kernel["guest_notifications"] <= 10010 and 0 < kernel["guest_interrupts"] <= 10010
    assert {"back_end", "front_end"} <= set(kernel["waited"])


@pytest.mark.parametrize("tracer, depth", [("bpf", 1), ("bpf,uprobes", 8)])
def test_guest_and_a_daemon_that_is_not_ours(bpf, ringside, ringside_bin, run_json, build_dir, qsd, run_dir, tracer,
                                             depth):
    """Guest stamps and what the kernel saw of QEMU and the daemon, in one table that sums up."""
    folder = run_dir / "trace"
    stream = run_guest(bpf, ringside_bin, build_dir, qsd(), folder, tracer,
                       f"requests={REQUESTS} warmup=1ms queue-depth={depth} trace=4096")
    result = run_json("collect", "--from", stream, "--trace", folder)
    check_whole(result)
    trace = result["trace"]
    assert trace["tracers"] == ["buffer", "bpf"]
    # The hypervisor's part is told apart from the back-end's.
    names = {s["name"] for s in result["stages"]}
    assert {"submit", "notify", "exit", "wake", "handle", "reap"} <= names
    assert ("publish" in names) == ("uprobes" in tracer)
    for point in ("fetch", "serve_end") if depth == 1 else ():
        assert reached(result, point) == REQUESTS
    if "uprobes" in tracer:
        assert reached(result, "publish") == REQUESTS
    # One clock, from the notifications.
    clock = trace["guest_clock"]
    assert clock["how"] == "measured" and 0 < clock["error_ns"] <= trace["clock_error_ns"]
    assert 0 < clock["requests"] <= REQUESTS
    assert trace["end_to_end"]["p50_ns"] == pytest.approx(
        result["latency_ns"]["p50"] * (1 + clock["rate_ppm"] / 1e6), rel=.05)
    # The recording is whole by itself now.
    assert run_json("trace", "stages", folder)["stages"] == result["stages"]
    assert run_json("trace", "outliers", folder, "--slowest", 3)["outliers"][0]["ran"]
    ringside("trace", "export", "--perfetto", run_dir / "t.json", folder)


def test_guest_that_the_recording_does_not_outlive(bpf, ringside, ringside_bin, build_dir, qsd, run_dir):
    """Which notification is which is counted from the end: without one there is no table that might be wrong."""
    folder = run_dir / "trace"
    stream = run_guest(bpf, ringside_bin, build_dir, qsd(), folder, "bpf",
                       f"requests={REQUESTS} warmup=1ms queue-depth=1 trace=4096")
    file = folder / "kernel.bpf"
    size = file.stat().st_size
    os.truncate(file, size - (size - 20000) // 4 // 40 * 40)
    done = ringside("collect", "--from", stream, "--trace", folder, status=(TARGET,))
    assert "the guest's clock cannot be related to ours: the recording ended before the guest did" in done.stderr


def shared_eventfds(pid):
    ids = set()
    for fd in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            m = re.search(r"^eventfd-id:\s*(\d+)", fd.read_text(), re.M)
        except OSError:
            continue
        if m:
            ids.add(m[1])
    return ids


def record(ringside_bin, folder, pid, other):
    """Once the two have descriptors together, until there is something in the file."""
    end = time.monotonic() + 20
    while len(shared_eventfds(pid) & shared_eventfds(other)) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    process = subprocess.Popen([ringside_bin, "trace", "record", "--tracer", "bpf", "--pid", str(pid),
                                folder], stderr=subprocess.PIPE, text=True)
    assert "recording into" in process.stderr.readline()
    while (folder / "kernel.bpf").stat().st_size < 200000:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    return process.returncode


def test_without_root_one_line_says_what_it_would_tell(ringside_bin, qsd, tmp_path):
    """And the driver's side is traced all the same."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, to be somebody else")
    somebody = ["setpriv", "--reuid=65534", "--clear-groups"]
    if subprocess.run([*somebody, "test", "-x", ringside_bin], check=False).returncode:
        pytest.skip(f"nobody else may go to {ringside_bin}")
    daemon = qsd()
    socket = daemon.target.split(":", 1)[1]
    for path in (Path(socket), Path(socket).parent):
        os.chmod(path, 0o777)
    folder = Path(socket).parent / "trace"
    done = subprocess.run([*somebody, ringside_bin, "bench", daemon.target, "--requests", "100", "--no-floor",
                           "--wait", "event", "--trace", folder, "--format", "json"], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if "the kernel's events would tell more" in line]
    assert len(notes) == 1 and ("root" in notes[0] or "built without" in notes[0])
    result = json.loads(done.stdout)
    assert result["trace"]["requests"] == 100 and result["trace"]["adds_up"]
    assert "kernel" not in result["trace"]
