# SPDX-License-Identifier: BSD-3-Clause
"""Guest stamps: a guest of QEMU's keeps its own events, the back-end is recorded, and both make one table."""
import json
import shutil
import signal
import subprocess

import pytest

DONE, FAILED, STREAM_FAILED = 33, 35, 3
REQUESTS = 400
# What only a guest and a back-end see: QEMU's own part of the way is not told apart.
NAMES = {"submit", "submit+notify+exit+wake", "notify+exit+wake", "fetch", "serve", "publish", "call",
         "inject+handle", "call+inject+handle+reap", "reap"}
ARCHES = {
    "x86_64": "-M q35,memory-backend=m -debugcon file:{stream} -device isa-debug-exit",
    "aarch64": "-M virt,memory-backend=m -cpu cortex-a57 -serial file:{stream}",
}


def qemu(build_dir, arch, stream, job, *more):
    program, image = shutil.which(f"qemu-system-{arch}"), build_dir / f"probe/ringside-probe-{arch}"
    if not program or not image.exists():
        pytest.skip(f"no QEMU or no probe for {arch}")
    argv = [program, "-accel", "tcg", "-m", "64", "-nodefaults", "-display", "none", "-no-reboot", "-object",
            "memory-backend-memfd,id=m,size=64M,share=on", *ARCHES[arch].format(stream=stream).split(),
            "-kernel", image, "-append", job, *more]
    status = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=120).returncode
    return status if arch == "x86_64" else DONE if status == 0 else status


def record(ringside_bin, back, folder, *more):
    recorder = subprocess.Popen([ringside_bin, "trace", "record", *more, "--pid", str(back.pid), folder],
                                text=True, stderr=subprocess.PIPE)
    said = recorder.stderr.readline()
    assert "recording into" in said, said + recorder.stderr.read()
    return recorder


@pytest.mark.parametrize("arch,wait,depth", [("x86_64", "event", 1), ("x86_64", "poll", 1), ("x86_64", "event", 8),
                                             ("aarch64", "event", 1)])
def test_guest_and_back_end(ringside, ringside_bin, build_dir, backend, run_json, tmp_path, arch, wait, depth):
    back = backend("--memory", "64M", "--trace-buffer", f"{tmp_path}/buffer,events=32768")
    folder, stream = tmp_path / "trace", tmp_path / "stream"
    recorder = record(ringside_bin, back, folder)
    job = f"job=bench device=blk wait={wait} requests={REQUESTS} queue-depth={depth} warmup=1ms trace=8192"
    status = qemu(build_dir, arch, stream, job, "-chardev", f"socket,id=v,path={back.socket}", "-device",
                  "vhost-user-blk-pci,chardev=v")
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=60)
    assert status == DONE and recorder.returncode == 0

    found = run_json("collect", "--from", stream, "--trace", folder)
    trace = found["trace"]
    assert (trace["requests"], trace["discarded"]) == (REQUESTS, 0)
    # A back-end that was held up may have the last notification of the warm-up yet to write down.
    assert trace["unmatched"] <= depth
    assert {row["name"] for row in found["stages"]} <= NAMES
    rows = {row["name"]: row for row in found["stages"]}
    assert rows["serve"]["count"] == REQUESTS
    # The parts add up to the whole, which is the latency that the guest has measured of these very requests.
    assert trace["adds_up"] and trace["skewed"] == 0
    assert sum(row["sum_ns"] for row in found["stages"]) == trace["end_to_end"]["sum_ns"]
    assert trace["end_to_end"]["count"] == found["requests"] == REQUESTS
    # The same load untraced, in the same boot.
    assert sum(n for _, n in trace["untraced"]["histogram"]) == REQUESTS
    assert trace["cost_ratio"] > 0
    # One clock: measured, with its error.
    clock = trace["guest_clock"]
    assert clock["how"] == "measured" and clock["requests"] == REQUESTS
    assert 0 < clock["error_ns"] <= trace["clock_error_ns"]
    # By the host's clock; a guest on a busy host may have measured its own quite wrongly.
    assert trace["end_to_end"]["p50_ns"] == pytest.approx(
        found["latency_ns"]["p50"] * (1 + clock["rate_ppm"] / 1e6), rel=.05)
    # Whatever the machine was busy with, the fastest way there and back is less than this.
    assert clock["error_ns"] < 1e9
    slow = trace["outliers"]
    assert slow[0]["latency_ns"] == trace["end_to_end"]["max_ns"]
    assert slow[0]["points"][0] == {"point": "submit", "ns": 0} and slow[0]["points"][-1]["point"] == "reap"
    # The recording is whole by itself now.
    again = run_json("trace", "stages", folder)
    assert again["stages"] == found["stages"]
    ringside("trace", "export", "--perfetto", tmp_path / "t.json", folder)
    slices = [e for e in json.loads((tmp_path / "t.json").read_text())["traceEvents"] if e["ph"] == "X"]
    assert len({s["args"]["seq"] for s in slices}) == REQUESTS


def test_guest_and_what_lttng_has(ringside_bin, build_dir, backend, run_json, tmp_path):
    """The back-end's side is a trace of LTTng's, by CLOCK_MONOTONIC; the guest's counter is related to that."""
    if not shutil.which("lttng-sessiond"):
        pytest.skip("lttng-sessiond is not installed")
    back = backend("--memory", "64M", "--trace")
    folder, stream = tmp_path / "trace", tmp_path / "stream"
    recorder = record(ringside_bin, back, folder, "--tracer", "lttng")
    job = f"job=bench device=blk wait=event requests={REQUESTS} warmup=1ms trace=8192"
    status = qemu(build_dir, "x86_64", stream, job,
                  "-chardev", f"socket,id=v,path={back.socket}", "-device", "vhost-user-blk-pci,chardev=v")
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=60)
    assert status == DONE and recorder.returncode == 0
    found = run_json("collect", "--from", stream, "--trace", folder)
    trace = found["trace"]
    assert (trace["requests"], trace["discarded"], trace["skewed"]) == (REQUESTS, 0, 0) and trace["adds_up"]
    assert {row["name"] for row in found["stages"]} <= NAMES
    rows = {row["name"]: row for row in found["stages"]}
    assert rows["serve"]["count"] == rows["fetch"]["count"] == rows["publish"]["count"] == REQUESTS
    assert sum(row["sum_ns"] for row in found["stages"]) == trace["end_to_end"]["sum_ns"]
    assert trace["guest_clock"]["how"] == "measured" and trace["guest_clock"]["requests"] == REQUESTS
    assert run_json("trace", "stages", folder)["stages"] == found["stages"]


def test_guest_alone_with_too_little_room(ringside, build_dir, run_json, tmp_path):
    """QEMU's own device has no tracepoints: the guest's own part is there, and what did not fit is counted."""
    stream, folder = tmp_path / "stream", tmp_path / "trace"
    job = "job=bench device=rng op=fill block-size=512 wait=poll requests=300 warmup=1ms trace=600"
    assert qemu(build_dir, "x86_64", stream, job, "-device", "virtio-rng-pci") == DONE
    found = run_json("collect", "--from", stream, "--trace", folder)
    trace = found["trace"]
    # 600 becomes 512: a power of two; three events each.
    assert trace["requests"] == 512 // 3
    assert trace["discarded"] == 900 - 512
    assert "guest_clock" not in trace
    assert [row["name"] for row in found["stages"]][0] == "submit"
    assert "gaps" in ringside("trace", "stages", folder).stdout


def test_what_cannot_be(ringside, build_dir, tmp_path):
    stream = tmp_path / "stream"
    job = "job=bench device=rng op=fill block-size=512 wait=poll requests=20 warmup=1ms"
    assert qemu(build_dir, "x86_64", stream, job, "-device", "virtio-rng-pci") == DONE
    done = ringside("collect", "--from", stream, "--trace", tmp_path / "trace", status=(2,))
    assert "its job needs trace=N" in done.stderr
    assert qemu(build_dir, "x86_64", stream, job + " raw=5 trace=64", "-device", "virtio-rng-pci") == FAILED
    done = ringside("collect", "--from", stream, status=(STREAM_FAILED,))
    assert "raw= and trace= exclude each other" in done.stderr
    assert "--counter-ahead" in ringside("collect", "--counter-ahead", "x", status=(2,)).stderr
