# SPDX-License-Identifier: BSD-3-Clause
"""Front-ends that come and go: what the back-end holds afterwards is what it held before."""
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

DEADLINE = 30
SESSIONS = 100
GROWTH_KIB = 1024
MQ, REPLY_ACK, BACKEND_REQ, CONFIG = 1 << 0, 1 << 3, 1 << 5, 1 << 9


class FrontEnd:
    """As much of one as it takes to make a back-end allocate: memory, a ring, descriptors."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(path))

    def send(self, ident, payload=b"", fds=(), flags=1):
        message = struct.pack("<III", ident, flags, len(payload)) + payload
        if fds:
            socket.send_fds(self.sock, [message], list(fds))
        else:
            self.sock.sendall(message)

    def receive(self):
        header = self.sock.recv(12, socket.MSG_WAITALL)
        assert len(header) == 12, "the connection ended"
        ident, _, size = struct.unpack("<III", header)
        return ident, self.sock.recv(size, socket.MSG_WAITALL) if size else b""

    def get(self, ident):
        self.send(ident)
        answered, payload = self.receive()
        assert answered == ident
        return struct.unpack("<Q", payload)[0]

    def acknowledged(self, ident, payload=b"", fds=()):
        self.send(ident, payload, fds, flags=9)
        answered, ack = self.receive()
        assert answered == ident and struct.unpack("<Q", ack)[0] == 0

    def set_up(self):
        """A ring of 16 with a memory of 1 MiB, started and enabled."""
        offered = self.get(1)
        self.get(15)
        self.send(16, struct.pack("<Q", MQ | REPLY_ACK | BACKEND_REQ | CONFIG))
        self.acknowledged(3)
        ours, theirs = socket.socketpair()
        self.acknowledged(21, fds=[theirs.fileno()])
        theirs.close()
        self.acknowledged(2, struct.pack("<Q", offered & (1 << 32 | 1 << 30)))
        memory = os.memfd_create("front-end")
        os.ftruncate(memory, 1 << 20)
        self.acknowledged(5, struct.pack("<IIQQQQ", 1, 0, 0, 1 << 20, 0x10000000, 0), [memory])
        self.acknowledged(8, struct.pack("<II", 0, 16))
        self.acknowledged(10, struct.pack("<II", 0, 0))
        self.acknowledged(9, struct.pack("<IIQQQQ", 0, 0, 0x10000000, 0x10002000, 0x10001000, 0))
        events = [os.eventfd(0) for _ in range(3)]
        for ident, event in zip((14, 13, 12), events):
            self.acknowledged(ident, struct.pack("<Q", 0), [event])
        self.acknowledged(18, struct.pack("<II", 0, 1))
        for fd in (memory, *events):
            os.close(fd)
        return ours

    def close(self):
        self.sock.close()


def held(pid):
    """Descriptors, threads, mappings and anonymous memory of a process."""
    proc = Path(f"/proc/{pid}")
    rollup = (proc / "smaps_rollup").read_text(encoding="ascii")
    anonymous = next(int(line.split()[1]) for line in rollup.splitlines()
                     if line.startswith("Anonymous:"))
    return {
        "descriptors": len(list((proc / "fd").iterdir())),
        "threads": len(list((proc / "task").iterdir())),
        "mappings": len((proc / "maps").read_text(encoding="ascii").splitlines()),
        "anonymous": anonymous,
    }


def idle(backend):
    """What it holds when nobody is connected: a session that is answered ends the one before."""
    front = FrontEnd(backend.socket)
    front.get(1)
    seen = held(backend.pid)
    front.close()
    return seen


def assert_same(before, after):
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"]
    # The allocator may map an arena of its own now and then, not one per session.
    assert after["mappings"] <= before["mappings"] + 8
    assert after["anonymous"] - before["anonymous"] < GROWTH_KIB


def one_session(backend):
    front = FrontEnd(backend.socket)
    channel = front.set_up()
    front.close()
    assert channel.recv(1) == b""  # the session has ended when its channel has
    channel.close()


def test_sessions_leave_nothing(backend):
    """VU.life.reconnect.be.1 and .3, ROB.leak.*"""
    one = backend()
    for _ in range(5):
        one_session(one)
    before = idle(one)
    for _ in range(SESSIONS):
        one_session(one)
    assert_same(before, idle(one))


def test_sessions_that_end_in_a_message_leave_nothing(backend):
    """VU.life.abort.be.1"""
    one = backend()

    def torn(length):
        front = FrontEnd(one.socket)
        front.set_up().close()
        event = os.eventfd(0)
        message = struct.pack("<IIIQ", 13, 1, 8, 0)[:length]
        socket.send_fds(front.sock, [message], [event])
        os.close(event)
        front.close()

    for length in range(1, 6):
        torn(length)
    before = idle(one)
    for i in range(SESSIONS):
        torn(1 + i % 19)
    assert_same(before, idle(one))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_front_ends_that_die_leave_nothing(backend, ringside_bin, end):
    """VU.life.reconnect.be.4: a front-end process that goes in the middle of a load."""
    one = backend("--null")  # a store in memory grows with what is written

    def load(seconds):
        with subprocess.Popen([str(ringside_bin), "bench", one.target, "--device", "blk", "--op",
                               "write", "--queue-depth", "32", "--duration", "60s"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as bench:
            time.sleep(seconds)
            bench.send_signal(end)
            bench.wait(DEADLINE)

    load(0.3)
    before = idle(one)
    for i in range(6):
        load(0.05 + 0.03 * i)  # in its set-up, and under load
    assert_same(before, idle(one))


def test_a_session_begins_from_nothing(backend):
    """VU.life.reconnect.be.2: nothing that was negotiated or set up is left."""
    one = backend()
    one_session(one)
    front = FrontEnd(one.socket)
    front.send(3, flags=9)  # need_reply, and no REPLY_ACK in this session
    assert front.get(1)
    front.send(11, struct.pack("<II", 0, 0))
    assert front.receive() == (11, struct.pack("<II", 0, 0))
    front.close()


def test_conformance_leaves_nothing(backend, ringside):
    """ROB.leak.*: the checks of sessions, hostile ones among them, on one process."""
    one = backend()
    ringside("conform", one.target, "--check", "vu.@(life|notify|log).*")
    before = idle(one)
    ringside("conform", one.target, "--check", "vu.@(life|notify|log).*")
    assert_same(before, idle(one))
