# SPDX-License-Identifier: BSD-3-Clause
"""ringside conform against real back-ends, and against sockets that behave as none should."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import pytest

ONE = ("--check", "split.used-len.in")


def test_reference_backend_is_clean(run_json, backend):
    result = run_json("conform", backend("--memory", "64M", "--num-queues", "2").target)
    assert result["schema"] == "ringside.conform/1"
    bad = [c for c in result["checks"] if c["verdict"] in ("fail", "warn", "hazard", "error")]
    assert not bad
    assert result["unexpected"] == 0
    # Skips must be few and have a reason: "nothing ran" is no pass.
    assert result["summary"]["pass"] >= 95
    assert all(c["reason"] for c in result["checks"] if c["verdict"] == "skip")
    assert sum(result["summary"].values()) == len(result["checks"])


def test_reference_backend_under_ten_seconds(run_json, backend):
    """The figure is for people; here only that the result tells its own duration."""
    result = run_json("conform", backend().target, *ONE)
    assert result["duration_s"] > 0


def test_formats(ringside, backend):
    target = backend().target
    text = ringside("conform", target, *ONE).stdout
    assert "pass   split.used-len.in" in text
    tap = ringside("conform", target, *ONE, "--format", "tap").stdout.splitlines()
    assert tap[:3] == ["TAP version 13", "1..1", "ok 1 - split.used-len.in"]
    suite = ET.fromstring(ringside("conform", target, *ONE, "--format", "junit").stdout)[0]
    assert suite.get("tests") == "1" and suite.get("failures") == "0"


def test_the_layout_of_the_rings(run_json, backend):
    """One of them, and checks of the other are left out; both when nothing is said."""
    target = backend().target
    some = ("--check", "@(packed.*|split.used-len.*|vu.base.*)")
    split, packed, both = (run_json("conform", target, *some, *ring)
                           for ring in (("--ring", "split"), ("--ring", "packed"), ()))

    def passed(result, group):
        return sum(c["verdict"] == "pass" for c in result["checks"] if c["id"].startswith(group))
    assert passed(split, "split.") > 5 and passed(split, "packed.") == 0
    assert passed(packed, "packed.") > 20 and passed(packed, "split.") == 0
    assert passed(packed, "vu.base.packed-") >= 4 and passed(split, "vu.base.packed-") == 0
    assert passed(both, "split.") == passed(split, "split.")
    assert passed(both, "packed.") == passed(packed, "packed.")
    for result in (split, packed, both):
        assert {c["verdict"] for c in result["checks"]} <= {"pass", "skip"}


KTAP = re.compile(r"(not ok|ok) (\d+) (\S+)(?: # (SKIP|XFAIL|ERROR) ([^#]*))?")


def test_ktap(ringside, backend, tmp_path):
    """What collectors of kselftest read: a plan, a line for each, what is known as XFAIL."""
    one = backend("--memory", "64m", "--fault", "blk-id-not-padded")
    some = ("--check", "@(blk.id.padded|vu.base.get|pci.*)")
    first = ringside("conform", one.target, *some, "--format", "ktap", status=(1,)).stdout
    lines = first.splitlines()
    results = [KTAP.fullmatch(line) for line in lines[2:] if not line.startswith("# ")]
    assert lines[0] == "KTAP version 1" and lines[1] == f"1..{len(results)}"
    assert all(results) and [int(m[2]) for m in results] == list(range(1, len(results) + 1))
    (bad,) = [m for m in results if m[1] == "not ok"]
    assert any(line.startswith(f"# {bad[3]}: fail ROB.blk.get-id") for line in lines)
    known = tmp_path / "known.expect"
    known.write_text(f"{bad[3]} fail the identifier is not padded\n", encoding="utf-8")
    again = ringside("conform", one.target, *some, "--format", "ktap", "--expect", known).stdout
    assert f"ok {bad[2]} {bad[3]} # XFAIL " in again and "not ok" not in again


def test_output_file(ringside, backend, tmp_path):
    out = tmp_path / "result.json"
    done = ringside("conform", backend().target, *ONE, "--format", "json", "-o", out)
    assert done.stdout == ""
    assert json.loads(out.read_text())["summary"]["pass"] == 1


def test_selection(ringside, run_json, backend):
    listed = ringside("conform", "--list", "--check", "split.*").stdout.splitlines()
    assert listed and all(line.startswith("split.") for line in listed)
    result = run_json("conform", backend().target, "--clause", "v14.split-ring.used-ring.dev.2")
    assert all("v14.split-ring.used-ring.dev.2" in c["clauses"] for c in result["checks"])
    done = ringside("conform", "vhost-user:/nonexistent", "--check", "no.such*", status=(2,))
    assert "no check matches" in done.stderr


def test_a_fault_is_told_with_its_evidence(run_json, backend):
    target = backend("--memory", "64M", "--fault", "used-len-plus-one").target
    result = run_json("conform", target, *ONE, status=(1,))
    check = result["checks"][0]
    assert check["verdict"] == "fail" and check["unexpected"]
    assert check["clause"] == "v14.split-ring.used-ring.dev.2"
    assert check["evidence"]["expected"] and check["evidence"]["observed"]
    log = "\n".join(check["evidence"]["log"])
    assert "GET_FEATURES" in log and "used[" in log


def test_expectations(ringside, run_json, backend, tmp_path):
    target = backend("--memory", "64M", "--fault", "used-len-plus-one").target
    expect = tmp_path / "expect"
    expect.write_text("split.used-len.in fail known to count the header\n")
    check = run_json("conform", target, *ONE, "--expect", expect)["checks"][0]
    assert check["verdict"] == "fail" and not check["unexpected"]
    # Worse or other than expected is not expected.
    expect.write_text("split.used-len.in warn it is worse than that\n")
    run_json("conform", target, *ONE, "--expect", expect, status=(1,))
    # Better than expected does not fail the run, and is reported.
    expect.write_text("split.used-len.in fail not any more\n")
    clean = run_json("conform", backend().target, *ONE, "--expect", expect)
    assert clean["fixed"] == 1
    expect.write_text("split.used-len.in fail\n")
    assert ":1:" in ringside("conform", target, "--expect", expect, status=(2,)).stderr


class Server:
    """Accepts on a socket and hands each connection to a function."""

    def __init__(self, path, serve):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(8)
        self.held = []
        self.serve = serve
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.held.append(conn)
            try:
                self.serve(conn)
            except OSError:
                pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(10)
        for conn in self.held:
            conn.close()


def silent(conn):
    pass


def garbage(conn):
    conn.recv(12)
    conn.sendall(os.urandom(4096))


def torn(conn):
    conn.recv(12)
    conn.sendall(b"\x01\x00\x00\x00\x05\x00")


def closing(conn):
    conn.close()


def talkative(conn):
    """Up to the back-end's own channel; then it answers nothing and talks there without end."""
    features, protocol = 1 << 30 | 1 << 32, 1 << 3 | 1 << 5  # REPLY_ACK, BACKEND_REQ
    while True:
        data, fds, _, _ = socket.recv_fds(conn, 12, 8)
        if len(data) < 12:
            return
        request, flags, size = struct.unpack("<III", data)
        conn.recv(size)
        answer = {1: features, 15: protocol}.get(request, 0 if flags & 8 else None)
        if answer is not None:
            conn.sendall(struct.pack("<IIIQ", request, 5, 8, answer))
        if request == 21:  # SET_BACKEND_REQ_FD
            break
    with socket.socket(fileno=fds[0]) as channel:
        channel.settimeout(5)
        while True:
            channel.sendall(struct.pack("<III", 2, 1, 0) * 5000)  # CONFIG_CHANGE_MSG


@pytest.mark.parametrize("behaviour", [silent, garbage, torn, closing, talkative])
def test_a_hostile_target_ends_in_a_verdict(ringside, run_dir, behaviour):
    server = Server(run_dir / "s", behaviour)
    try:
        done = ringside("conform", f"vhost-user:{run_dir}/s", "--device", "blk", *ONE, "--format",
                        "json", "--timeout", "200ms", status=(1, 3), timeout=60)
    finally:
        server.close()
    check = json.loads(done.stdout)["checks"][0]
    assert check["verdict"] == "error" and check["reason"]


def test_unreachable_targets(ringside, run_dir):
    done = ringside("conform", f"vhost-user:{run_dir}/nobody", status=(3,))
    assert "cannot connect" in done.stderr and "nobody" in done.stderr
    done = ringside("conform", "vhost-user:", "--command", "echo so long; exit 5", status=(3,))
    assert "exited with status 5: so long" in done.stderr
    done = ringside("conform", "pigeon:loft", status=(2,))
    assert "not a target" in done.stderr


def test_a_target_that_dies_is_named_and_results_are_kept(ringside, backend_bin):
    """The command ends the back-end in the middle of a group that takes longer than it lives."""
    command = f"'{backend_bin}' blk --socket-path {{socket}} --memory 64M & sleep 1; kill -9 $!"
    done = ringside("conform", "vhost-user:", "--command", command, "--device", "blk", "--quiet",
                    "400ms", "--check", "vu.*", "--format", "json", status=(3,), timeout=300)
    result = json.loads(done.stdout)
    assert result["died"] and result["died"] in done.stderr
    assert result["summary"]["pass"] > 0 and result["summary"]["error"] > 0
    assert sum(result["summary"].values()) == len(result["checks"])


def test_nobody_waits_for_a_target_that_has_gone(run_json, backend_bin):
    """Killed in a quiet second: what a check then waits for ends with it, not with the deadline."""
    result = run_json("conform", "vhost-user:", "--device", "blk", "--check", "split.notify.*",
                      "--quiet", "1s", "--timeout", "1000s", "--command",
                      f"exec timeout -s KILL 1 {backend_bin} blk --socket-path {{socket}} --memory 64M",
                      status=(3,))
    assert any("killed" in c["reason"] for c in result["checks"] if c["verdict"] == "error")


def test_interrupted_run_writes_what_it_has(ringside_bin, backend, tmp_path):
    out = tmp_path / "result.json"
    with subprocess.Popen([ringside_bin, "conform", backend().target, "--format", "json", "-o", out],
                          stdin=subprocess.DEVNULL, start_new_session=True) as run:
        try:
            run.wait(0.3)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGINT)
        status = run.wait(60)
    result = json.loads(out.read_text())
    assert status in (0, 128 + signal.SIGINT)
    if status:
        reasons = {c["reason"] for c in result["checks"] if c["verdict"] == "error"}
        assert reasons <= {"not run: interrupted"}


@pytest.fixture
def started(backend_bin):
    """A target that conform starts itself; all checks of some groups."""
    return ("vhost-user:", "--device", "blk", "--check", "@(split.used-len|basic|blk.rw).*", "--command",
            f"exec {backend_bin} blk --socket-path {{socket}} --memory 64M --num-queues 2 "
            "--fault used-len-plus-one")


def test_several_share_the_checks(run_json, started):
    """Each is run once, in the order of the list, and with its evidence."""
    one, many = (run_json("conform", *started, "--jobs", str(n), status=(1,)) for n in (1, 3))
    assert [(c["id"], c["verdict"], c.get("clause")) for c in one["checks"]] == [
        (c["id"], c["verdict"], c.get("clause")) for c in many["checks"]]
    assert one["summary"] == many["summary"] and one["unexpected"] == many["unexpected"] > 0
    for check in many["checks"]:
        assert bool(check["evidence"].get("log")) == (check["verdict"] not in ("pass", "skip")), check


def test_several_cannot_share_a_socket(ringside, started):
    done = ringside("conform", "vhost-user:/tmp/x", *started[1:], "--jobs", "2", status=(2,))
    assert "--jobs" in done.stderr


def test_one_of_several_that_cannot_start_is_named(ringside, started, run_dir):
    """The first start is the look at the target; there is none after it."""
    once = f"test ! -e {run_dir}/was && touch {run_dir}/was && {started[-1]}"
    done = ringside("conform", *started[:-1], once, "--jobs", "2", "--format", "json", status=(3,))
    result = json.loads(done.stdout)
    assert result["died"] and result["died"] in done.stderr
    assert {c["verdict"] for c in result["checks"]} == {"error"}


def test_several_are_interrupted(ringside_bin, started, run_dir):
    """By a signal to the one that was started: all end, and what they found is written."""
    out = run_dir / "out.json"
    argv = [ringside_bin, "conform", *started, "--jobs", "3", "--quiet", "10s", "--format", "json", "-o",
            out]
    tmp = run_dir / "tmp"
    tmp.mkdir()
    with subprocess.Popen(argv, env=dict(os.environ, TMPDIR=str(tmp))) as run:
        end = time.monotonic() + 60
        while len(list(tmp.iterdir())) < 4 and run.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 128 + signal.SIGTERM
    assert not list(tmp.iterdir()), "files are left"
    reasons = {c["reason"] for c in json.loads(out.read_text())["checks"] if c["verdict"] == "error"}
    assert "not run: interrupted" in reasons


def test_device_is_found_or_asked_for(run_json, ringside, backend):
    assert run_json("conform", backend().target, *ONE)["target"]["device"] == "blk"
    assert "is not a device type" in ringside("conform", "vhost-user:x", "--device", "toaster",
                                              status=(2,)).stderr


@pytest.mark.parametrize("fault,check", [("gpio-output-reads-input", "gpio.message.order"),
                                         ("gpio-both-is-none", "gpio.irq.delivered")])
def test_what_is_allowed_and_breaks_drivers_is_a_hazard(run_json, backend_bin, fault, check):
    """No sentence asks for it, and no driver works without: neither a failure nor a pass."""
    command = f"exec {backend_bin} gpio --wire 2:5 --fault {fault} --socket-path {{socket}}"
    result = run_json("conform", "vhost-user:", "--device", "gpio", "--command", command, "--check", "gpio.*",
                      status=(1,))
    assert {c["id"]: c["verdict"] for c in result["checks"] if c["verdict"] not in ("pass", "skip")} == {
        check: "hazard"}
    assert result["summary"]["pass"] > 10
