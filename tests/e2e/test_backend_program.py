# SPDX-License-Identifier: BSD-3-Clause
"""The conventions of vhost-user back-end programs (VU.prog.*), held by ringside-backend.

What its command line says of them is in test_backend.py; here is what the process does.
"""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

DEADLINE = 20
SIGTERM_BOUND = 5  # seconds that management software waits before it kills


def get_features(sock):
    sock.settimeout(DEADLINE)
    sock.sendall(struct.pack("<III", 1, 1, 0))
    answer = sock.recv(20, socket.MSG_WAITALL)
    assert len(answer) == 20, "the connection ended"
    assert struct.unpack("<III", answer[:12]) == (1, 5, 8)
    return struct.unpack("<Q", answer[12:])[0]


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return sock


def connect_to(path, process):
    """As soon as it listens: the socket file is there a moment earlier."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            assert process.poll() is None and time.monotonic() < end, "nobody listens"
            time.sleep(0.005)


def wait_for(what, text, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while not what():
        assert time.monotonic() < end, text
        time.sleep(0.005)


def cpu_ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture
def load(ringside_bin):
    """load(backend): a load that runs until the test ends or the back-end does."""
    running = []

    def start(backend):
        before = cpu_ticks(backend.pid)
        running.append(subprocess.Popen(
            [str(ringside_bin), "bench", backend.target, "--device", "blk", "--op", "write",
             "--queue-depth", "16", "--duration", "60s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(lambda: cpu_ticks(backend.pid) > before + 5 or running[-1].poll() is not None,
                 "no load")
        assert running[-1].poll() is None
        return running[-1]
    yield start
    for process in running:
        process.kill()
        process.wait(DEADLINE)


def ends_in_time(backend):
    begin = time.monotonic()
    status = backend.stop(SIGTERM_BOUND)
    assert status == 0 and time.monotonic() - begin < SIGTERM_BOUND
    assert not backend.socket.exists()


def test_sigterm_idle(backend):
    """VU.prog.term.be.1"""
    ends_in_time(backend())


def test_sigterm_connected(backend):
    """VU.prog.term.be.1"""
    one = backend()
    with connect(one.socket) as sock:
        get_features(sock)
        ends_in_time(one)


@pytest.mark.parametrize("store", ["memory", "image"])
def test_sigterm_under_io(backend, load, run_dir, store):
    """VU.prog.term.be.1: and whoever drove the load is told."""
    image = run_dir / "image"
    image.write_bytes(b"")
    os.truncate(image, 64 << 20)
    one = backend(*(["--memory", "64m"] if store == "memory" else ["--image", image]))
    bench = load(one)
    ends_in_time(one)
    assert bench.wait(DEADLINE) != 0


def test_sigterm_with_a_stopped_front_end(backend, load):
    """VU.prog.term.be.2: the front-end neither reads nor goes away."""
    one = backend()
    bench = load(one)
    bench.send_signal(signal.SIGSTOP)
    ends_in_time(one)


def test_does_not_daemonise(backend):
    """VU.prog.daemon.be.1"""
    one = backend()
    with connect(one.socket) as sock:
        get_features(sock)
        pid, _, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        assert pid == one.pid
    assert one.process.poll() is None
    assert os.getpgid(one.pid) == os.getpgid(0) and os.getsid(one.pid) == os.getsid(0)


def stdio(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)]


def test_standard_descriptors_stay_what_they_are(backend_bin, run_dir):
    """VU.prog.stdio.be.1: open or on /dev/null, they are neither used for data nor closed."""
    names = [run_dir / n for n in ("in", "out", "err")]
    names[0].write_bytes(b"not for you")
    path = run_dir / "s"
    with open(names[0], "rb") as stdin, open(names[1], "wb") as out, open(names[2], "wb") as err, \
            subprocess.Popen([str(backend_bin), "blk", "--socket-path", str(path), "--memory",
                              "1m"], stdin=stdin, stdout=out, stderr=err) as process:
        try:
            for _ in range(3):
                with connect_to(path, process) as sock:
                    get_features(sock)
            assert stdio(process.pid) == [str(n) for n in names]
            assert stdin.tell() == 0
        finally:
            process.terminate()
        assert process.wait(DEADLINE) == 0
    assert names[1].read_bytes() == b"" and names[2].read_bytes() == b""


def test_without_standard_descriptors(backend_bin, run_dir):
    """VU.prog.daemon.be.2: no descriptor of a session may become number 0, 1 or 2."""
    path = run_dir / "s"
    null = subprocess.DEVNULL
    with subprocess.Popen([str(backend_bin), "blk", "--socket-path", str(path), "--memory", "1m"],
                          stdin=null, stdout=null, stderr=null) as process:
        try:
            with connect_to(path, process) as sock:
                get_features(sock)
                assert stdio(process.pid) == ["/dev/null"] * 3
        finally:
            process.terminate()
        assert process.wait(DEADLINE) == 0


def test_every_reported_feature_is_an_option(backend_bin, start_backend, run_dir):
    """VU.prog.opt-caps.be.4 and .5"""
    done = subprocess.run([str(backend_bin), "--print-capabilities"], capture_output=True,
                          text=True, check=True, timeout=DEADLINE)
    capabilities = json.loads(done.stdout)
    assert capabilities["type"] == "block"
    assert set(capabilities["features"]) <= {"read-only", "blk-file"}
    image, path = run_dir / "image", run_dir / "s"
    image.write_bytes(bytes(4096))
    options = {"read-only": "--read-only", "blk-file": f"--blk-file={image}"}
    start_backend([backend_bin, f"--socket-path={path}",
                   *(options[f] for f in capabilities["features"])], path)
    with connect(path) as sock:
        assert get_features(sock) & 1 << 5  # VIRTIO_BLK_F_RO


def faults(backend_bin):
    done = subprocess.run([str(backend_bin), "--list-faults", "--format", "json"],
                          capture_output=True, text=True, check=True, timeout=DEADLINE)
    return json.loads(done.stdout)


def test_every_fault_starts(backend_bin, run_dir):
    """Each is selectable, answers a first message, and ends when it is told to."""
    def try_one(name):
        path = run_dir / f"{name}.sock"
        with subprocess.Popen([str(backend_bin), "blk", "--socket-path", str(path), "--memory",
                               "1m", "--num-queues", "1", "--fault", name],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            try:
                with connect_to(path, process) as sock:
                    sock.settimeout(DEADLINE)
                    # Some faults are about replies: any byte, or the end, is an answer.
                    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                        sock.sendall(struct.pack("<III", 1, 1, 0))
                        sock.recv(1)
            finally:
                process.terminate()
            out, _ = process.communicate(timeout=DEADLINE)
            return name, process.returncode, out

    names = [f["name"] for f in faults(backend_bin)]
    with ThreadPoolExecutor(8) as pool:
        bad = [(name, status, out) for name, status, out in pool.map(try_one, names)
               if status not in (0, -signal.SIGTERM)]
    assert not bad


def test_every_fault_breaks_a_clause_that_exists(backend_bin, run_json):
    """And each clause that a fault breaks is one that a check exercises."""
    known = {c["id"] for c in run_json("clauses")["clauses"]}
    assert {f["clause"] for f in faults(backend_bin)} <= known
