# SPDX-License-Identifier: BSD-3-Clause
"""The device that returns every buffer at once: counts, never times."""
import json
import os
import subprocess

import pytest


@pytest.fixture
def null(run_json, backend_bin):
    def run(*args, poll=False):
        command = f"exec {backend_bin} null --socket-path {{socket}}{' --poll' if poll else ''}"
        result = run_json("bench", "vhost-user:", "--device", "null", "--no-floor",
                          "--command", command, *args)
        assert result["errors"] == 0
        return result
    return run


def test_every_buffer_comes_back(null):
    result = null("--requests", "5000")
    assert result["requests"] == 5000
    assert result["target"]["device"] == "null"
    assert result["workload"]["op"] == "return"
    assert result["workload"]["block_size"] == 64


RINGS = ("split", "packed")


@pytest.mark.parametrize("ring", RINGS)
def test_who_polls_is_not_notified(null, ring):
    """The first buffer crosses the place where the ring began; no other needs a notification."""
    result = null("--requests", "5000", "--wait", "poll", "--warmup", "0", "--ring", ring, poll=True)
    per_request = result["notifications_per_request"]
    assert per_request["kicks"] * 5000 <= 1
    assert per_request["calls"] == 0
    assert result["syscalls_per_request"] * 5000 <= 1


@pytest.mark.parametrize("ring", RINGS)
def test_two_system_calls_a_round_trip(null, ring):
    """Of the driver: one that notifies, one that sleeps; as between two eventfds."""
    result = null("--requests", "3000", "--wait", "event", "--ring", ring)
    assert 0 < result["syscalls_per_request"] <= 2.02
    assert result["notifications_per_request"]["calls"] <= 1.01


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("order", ((), ("--in-order",)))
@pytest.mark.parametrize("tables", ((), ("--indirect",)))
@pytest.mark.parametrize("memory", ("fat", "copy"))
def test_all_together(null, ring, order, tables, memory):
    cpu = min(os.sched_getaffinity(0))
    result = null("--requests", "2000", "--warmup", "0", "--ring", ring, *order, *tables, "--memory", memory,
                  "--queues", "2", "--queue-depth", "8", "--batch", "4", "--wait", "event", "--pin", str(cpu))
    asked = result["workload"]
    assert result["requests"] == 2000 == sum(n for _, n in result["histogram"])
    assert (asked["ring"], asked["in_order"], asked["indirect"]) == (ring, bool(order), bool(tables))
    assert (asked["queues"], asked["queue_depth"], asked["batch"]) == (2, 8, 4)
    assert (asked["memory"], asked["pin"]) == (memory, [cpu])
    # Four at a time, and what is left over of each queue's share.
    assert result["notifications_per_request"]["kicks"] <= 0.26


def test_a_batch_shares_one_notification(null):
    result = null("--requests", "4096", "--queue-depth", "32", "--batch", "32", "--warmup", "0")
    assert result["workload"]["batch"] == 32
    assert result["notifications_per_request"]["kicks"] * 4096 <= 4096 / 32


@pytest.mark.parametrize("args", [[], ["--no-event-idx"], ["--wait", "event"]])
def test_indirect(null, args):
    result = null("--requests", "3000", "--queue-depth", "16", "--indirect", "--ring-size", "16",
                  *args)
    assert result["requests"] == 3000
    assert result["workload"]["indirect"] is True


@pytest.mark.parametrize("args, why", [
    (["--device", "null", "--op", "read"], "one operation"),
    (["--batch", "2"], "--queue-depth"),
    (["--device", "null", "--queue-depth", "16", "--ring-size", "8"], "do not hold"),
    (["--block-size", "513"], "multiple of 512"),
])
def test_what_does_not_go_together(ringside, args, why):
    done = ringside("bench", "vhost-user:/nowhere", *args, status=(2,))
    assert why in done.stderr


def test_null_has_no_registers(backend_bin):
    done = subprocess.run([backend_bin, "null", "--registers", "pci", "--machine", "/x", "--ram", "/y"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "no registers" in done.stderr


SMALL = {"i2c": ("read", 10, ()), "gpio": ("get", 10, ()), "scmi": ("ask", 16, ()),
         "console": ("print", 64, ("--port", "null")),
         "net": ("send", 76, ("--loopback",)), "vsock": ("send", 44, ("--uds-path", "{socket}.uds")),
         "fs": ("getattr", 176, ()), "can": ("send", 25, ()), "spi": ("transfer", 49, ()), "input": ("status", 8, ()),
         "sound": ("query", 52, ()), "gpu": ("unref", 56, ()), "scsi": ("ready", 159, ())}


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("device", SMALL)
def test_small_messages(run_json, backend_bin, device, ring):
    op, size, more = SMALL[device]
    command = " ".join(("exec", str(backend_bin), device, *more, "--socket-path", "{socket}"))
    result = run_json("bench", "vhost-user:", "--device", device, "--no-floor", "--command", command, "--ring", ring,
                      "--requests", "1000", "--queue-depth", "4", "--memory", "copy", "--warmup", "0")
    assert (result["requests"], result["errors"]) == (1000, 0)
    assert (result["workload"]["op"], result["workload"]["block_size"], result["target"]["device"]) == (op, size, device)


def test_a_small_message_that_fails_is_counted(ringside, backend_bin):
    done = ringside("bench", "vhost-user:", "--device", "i2c", "--no-floor", "--requests", "100", "--command",
                    f"exec {backend_bin} i2c --chip lm75@0x48 --socket-path {{socket}}", "--format", "json", status=(1,))
    assert json.loads(done.stdout)["errors"] == 100
    for device, fault in (("fs", "fs-other-unique"), ("gpu", "gpu-no-fence")):
        done = ringside("bench", "vhost-user:", "--device", device, "--no-floor", "--requests", "100", "--warmup", "0",
                        "--command", f"exec {backend_bin} {device} --fault {fault} --socket-path {{socket}}",
                        "--format", "json", status=(1, 3))
        assert done.returncode == 3 and "FUSE_INIT: the target answers with 0xee" in done.stderr or \
            json.loads(done.stdout)["errors"] == 100
    for device, size in (("fs", 100), ("gpio", 8), ("net", 20), ("console", 4096)):
        assert f"{size} is no length of a message of {device}" in ringside(
            "bench", "vhost-user:/x", "--device", device, "--block-size", size, status=(2,)).stderr


def test_a_stream_that_plays(run_json, ringside, backend_bin):
    """Periods go to a queue behind two others, once the stream was set up on the first of them."""
    args = ("bench", "vhost-user:", "--device", "sound", "--op", "play", "--no-floor", "--requests", "1000",
            "--queue-depth", "8", "--command", f"exec {backend_bin} sound --socket-path {{socket}}")
    result = run_json(*args)
    assert (result["requests"], result["errors"], result["workload"]["op"]) == (1000, 0, "play")
    assert result["workload"]["block_size"] == 4 + 4096 + 8
    assert run_json(*args, "--block-size", "512", "--memory", "fat", "--ring", "packed")["errors"] == 0
    for size in ("4100", "6"):
        assert "no length" in ringside(*args, "--block-size", size, status=(2,)).stderr


def test_no_more_queues_than_take_such_messages(ringside, backend_bin):
    done = ringside("bench", "vhost-user:/x", "--device", "gpu", "--queues", "2", status=(2,))
    assert "gpu takes such messages on one queue" in done.stderr
    done = ringside("bench", "vhost-user:", "--device", "scsi", "--queues", "2", "--command",
                    f"exec {backend_bin} scsi --socket-path {{socket}}", status=(3,))
    assert "--queues: the target has 1" in done.stderr
    done = ringside("bench", "vhost-user:/x", "--device", "fs", "--op", "write", status=(2,))
    assert "'write' is not one of getattr" in done.stderr


@pytest.mark.parametrize("device, more", (("null", ""), ("net", "--loopback"), ("scsi", "")))
def test_a_target_that_cannot_say_how_many_queues_it_has(ringside, run_json, backend_bin, device, more):
    """Without GET_QUEUE_NUM it has the one that is driven, be there others before it, and no more."""
    args = ("bench", "vhost-user:", "--device", device, "--no-floor", "--requests", "500", "--command",
            f"exec {backend_bin} {device} {more} --without 30 --socket-path {{socket}}")
    result = run_json(*args)
    assert (result["requests"], result["errors"], result["workload"]["queues"]) == (500, 0, 1)
    assert int(result["target"]["protocol_features"], 16) == 0
    if device != "net":  # a net device's second is one that receives
        assert "--queues: the target has 1" in ringside(*args, "--queues", "2", status=(3,)).stderr
