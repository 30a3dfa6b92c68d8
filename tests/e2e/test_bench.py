# SPDX-License-Identifier: BSD-3-Clause
"""ringside bench on real back-ends. Counts are asserted, times only against each other."""
import os
import shutil
import subprocess

import pytest

QUICK = ("--requests", "3000", "--warmup", "20ms")


def consistent(result, requests=3000):
    lat = result["latency_ns"]
    assert result["schema"] == "ringside.bench/1"
    assert result["errors"] == 0
    assert result["requests"] == requests
    assert sum(n for _, n in result["histogram"]) == requests
    assert (0 < lat["min"] <= lat["p50"] <= lat["p90"] <= lat["p99"] <= lat["p999"] <= lat["max"])
    assert lat["min"] <= lat["mean"] <= lat["max"]
    assert result["requests_per_s"] > 0
    floor = result["floor"]
    assert floor["ns"] > 0 and floor["ratio"] == pytest.approx(lat["p50"] / floor["ns"], rel=0.01)


@pytest.mark.parametrize("op", ["read", "write", "flush"])
@pytest.mark.parametrize("wait", ["poll", "event"])
def test_closed_loop(run_json, backend, op, wait):
    result = run_json("bench", backend().target, "--op", op, "--wait", wait, *QUICK)
    consistent(result)
    assert result["floor"]["kind"] == wait
    # At depth 1 each request needs one kick; a driver that sleeps is called once for each.
    assert result["notifications_per_request"]["kicks"] <= 1.0
    if wait == "event":
        assert 0.5 <= result["notifications_per_request"]["calls"] <= 1.01
    else:
        assert result["notifications_per_request"]["calls"] == 0


def test_depth_batches_notifications(run_json, backend):
    result = run_json("bench", backend().target, "--queue-depth", "32", *QUICK)
    consistent(result)
    assert result["syscalls_per_request"] < 1.0


def test_open_loop_keeps_its_rate(run_json, backend):
    result = run_json("bench", backend().target, "--rate", "2000", "--queue-depth", "64", "--wait",
                      "event", "--requests", "1000", "--warmup", "20ms")
    consistent(result, 1000)
    # 1000 requests at 2000 a second are due over half a second: no sooner.
    assert result["workload"]["duration_s"] >= 0.49
    assert result["workload"]["loop"] == "open"


@pytest.mark.parametrize("memory", ["direct", "fat", "copy"])
@pytest.mark.parametrize("op", ["read", "write"])
def test_memory(run_json, backend, memory, op):
    result = run_json("bench", backend().target, "--memory", memory, "--op", op, *QUICK)
    consistent(result)
    assert result["workload"]["memory"] == memory


def test_several_queues(run_json, backend):
    """The figures are those of all queues, and the requests are divided among them."""
    result = run_json("bench", backend().target, "--queues", "3", "--queue-depth", "4", *QUICK)
    consistent(result)
    assert result["workload"]["queues"] == 3


def test_more_queues_than_there_are(ringside, qsd):
    done = ringside("bench", qsd().target, "--queues", "50", status=(3,))
    assert "--queues: the target has 1" in done.stderr


def test_pinned(run_json, backend):
    cpu = min(os.sched_getaffinity(0))
    result = run_json("bench", backend().target, "--pin", str(cpu), *QUICK)
    consistent(result)
    assert result["workload"]["pin"] == [cpu]


def test_qemu_storage_daemon(run_json, qsd):
    target = qsd().target
    for wait in ("poll", "event"):
        consistent(run_json("bench", target, "--wait", wait, "--op", "write", *QUICK))


def test_stages_of_the_same_requests(run_json, backend, tmp_path, ringside):
    """Each measured request is in the trace, from its fetch to its publication."""
    if "trace" not in ringside("bench", "--help").stdout or not shutil.which("lttng-sessiond"):
        pytest.skip("no LTTng here")
    target = backend("--memory", "64M", "--trace").target
    result = run_json("bench", target, "--wait", "event", "--trace", tmp_path / "ctf", *QUICK)
    consistent(result)
    assert result["trace"]["discarded"] == 0
    stages = {s["name"]: s for s in result["stages"]}
    for name in ("fetch", "serve", "publish"):
        assert stages[name]["count"] == 3000
        assert 0 < stages[name]["p50_ns"] <= stages[name]["p99_ns"]
    assert 0 < stages["call"]["count"] <= 3000
    assert result["trace"]["untraced"]["p50"] > 0
    assert result["trace"]["cost_ratio"] > 0
    events = subprocess.run(["babeltrace2", tmp_path / "ctf"], capture_output=True, text=True,
                            check=True).stdout.splitlines()
    assert sum("ringside:fetch" in line for line in events) == 3000


def test_tracing_what_has_no_tracepoints(ringside, qsd, tmp_path):
    """What the kernel sees, or a line that says why not; the driver's side in any case."""
    done = ringside("bench", qsd().target, "--trace", tmp_path / "trace", *QUICK)
    assert "system calls a request" in done.stdout or "the kernel's events" in done.stderr
    assert "the stages add up" in done.stdout


def test_text(ringside, backend):
    out = ringside("bench", backend().target, *QUICK).stdout
    for word in ("latency", "p99.9", "requests/s", "floor"):
        assert word in out


@pytest.mark.parametrize("option, value, says", [
    ("--block-size", "1000", "multiple of 512"),
    ("--queue-depth", "0", "not a number from 1"),
    ("--op", "scribble", "read, write, flush"),
    ("--wait", "pray", "poll, event"),
    ("--ring", "round", "split, packed"),
    ("--ring-size", "100", "power of two"),
    ("--memory", "fast", "direct, fat, copy"),
    ("--queues", "0", "not a number from 1"),
    ("--pin", "99999", "no list of CPUs"),
    ("--pin", "0-", "no list of CPUs"),
    ("--pin", "1-0", "no list of CPUs"),
])
def test_bad_options(ringside, option, value, says):
    assert says in ringside("bench", "vhost-user:x", option, value, status=(2,)).stderr


def test_dead_target(ringside, run_dir):
    done = ringside("bench", f"vhost-user:{run_dir}/nobody", status=(3,))
    assert "cannot connect" in done.stderr
