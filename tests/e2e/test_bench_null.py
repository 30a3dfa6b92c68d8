# SPDX-License-Identifier: BSD-3-Clause
"""The device that returns every buffer at once: counts, never times."""
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


def test_who_polls_is_not_notified(null):
    """The first buffer crosses the place where the ring began; no other needs a notification."""
    result = null("--requests", "5000", "--wait", "poll", "--warmup", "0", poll=True)
    per_request = result["notifications_per_request"]
    assert per_request["kicks"] * 5000 <= 1
    assert per_request["calls"] == 0
    assert result["syscalls_per_request"] * 5000 <= 1


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
