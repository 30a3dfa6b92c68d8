# SPDX-License-Identifier: BSD-3-Clause
"""The console back-end as its users see it: what is at the other end of its ports, and what is said to it."""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time

import pytest

import console_driver as con
import wrong_driver as w
from conftest import is_listening

MUCH = bytes(i * 31 + i // 256 & 0xff for i in range(300000))


@pytest.fixture
def console(start_backend, backend_bin, run_dir):
    """console(ports, *options): a driver of a back-end made for it; what was started is .process."""
    made = []

    def run(ports, *options):
        path = run_dir / f"console{len(made)}.sock"
        process = start_backend([backend_bin, "console", "--socket-path", path, *map(str, options)], path)
        one = con.Console(w.Driver(path), ports)
        one.process = process
        made.append(one)
        return one
    yield run
    for one in made:
        one.close()
        one.driver.close()


def until(condition):
    end = time.monotonic() + w.DEADLINE
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def read(fd, length):
    got = b""
    while len(got) < length:
        assert select.select([fd], [], [], w.DEADLINE)[0], len(got)
        got += os.read(fd, 65536)
    return got


def both_ways(console, fd, port=0):
    """All arrives, in pieces of whatever size; fd does not block."""
    console.send(MUCH[:60000], port, wait=False)
    assert read(fd, 60000) == MUCH[:60000]
    sent, got = 0, b""
    while len(got) < 60000:
        if sent < 60000:
            try:
                sent += os.write(fd, MUCH[sent:min(sent + 3000, 60000)])
            except BlockingIOError:
                pass
        got += console.receive(1, port)
    assert got == MUCH[:60000]


def test_terminal(console, run_dir):
    link = run_dir / "terminal"
    one = console(0, "--port", f"pty:{link}")
    one.send(b"nobody listens")
    for _ in range(2):
        fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(fd, b"x")  # the back-end knows that somebody is there
        assert one.receive(1) == b"x"
        both_ways(one, fd)
        os.close(fd)
    assert one.process.stop() == 0
    assert not os.path.islink(link)


def test_a_terminal_that_is_not_read(console, run_dir):
    """What is sent stays in the ring, and comes when it is read."""
    link = run_dir / "terminal"
    one = console(0, "--port", f"pty:{link}")
    fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    os.write(fd, b"x")
    assert one.receive(1) == b"x"
    one.send(MUCH[:100000], wait=False)
    os.write(fd, b"y")
    assert one.receive(1) == b"y"
    assert one.used(con.OUT) < one.queued[con.OUT]
    assert read(fd, 100000) == MUCH[:100000]
    until(lambda: one.used(con.OUT) == one.queued[con.OUT])
    os.close(fd)


def test_several_ports(console, run_dir):
    """A socket, a FIFO for what is sent and a file to read, each with what is its own."""
    path, out, source = (run_dir / n for n in ("port.sock", "out", "source"))
    os.mkfifo(out)
    source.write_bytes(MUCH[:5000])
    one = console(3, "--port", "loop", "--port", f"socket:{path},name=org.example.one",
                  "--port", f"file:{out},in={source},name=two")
    one.say(0xffffffff, con.DEVICE_READY)
    for port in range(3):
        assert one.hear() == (port, con.PORT_ADD, 1, b"")
    one.say(1, con.PORT_READY)
    assert one.hear() == (1, con.PORT_NAME, 1, b"org.example.one")
    one.say(2, con.PORT_READY)
    assert one.hear() == (2, con.PORT_NAME, 1, b"two")
    assert one.hear() == (2, con.PORT_OPEN, 1, b"")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.setblocking(False)
        assert one.hear() == (1, con.PORT_OPEN, 1, b"")
        one.say(1, con.PORT_OPEN)
        one.say(2, con.PORT_OPEN)
        both_ways(one, peer.fileno(), 1)
        fd = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
        one.send(MUCH[:3000], 2)
        assert read(fd, 3000) == MUCH[:3000]
        os.close(fd)
        assert one.receive(5000, 2) == MUCH[:5000]
        one.send(b"there and back")
    assert one.hear() == (1, con.PORT_OPEN, 0, b"")
    one.say(0, con.PORT_READY)
    assert one.hear() == (0, con.CONSOLE_PORT, 1, b"")
    assert one.hear() == (0, con.RESIZE, 1, struct.pack("<HH", 80, 25))
    one.say(0, con.PORT_OPEN)
    assert one.receive(14) == b"there and back"


def config(one):
    payload = struct.pack("<III", 0, 12, 0) + bytes(12)
    one.driver.send(w.GET_CONFIG, payload)
    head = one.driver.socket.recv(12, socket.MSG_WAITALL)
    body = one.driver.socket.recv(struct.unpack("<III", head)[2], socket.MSG_WAITALL)
    return struct.unpack("<HHII", body[12:])


def test_commands(console, run_dir):
    """Sizes and ports that change, by a FIFO and by a signal."""
    fifo = run_dir / "commands"
    one = console(2, "--port", "null", "--port", "null,name=later,unplugged", "--max-ports", 3, "--size",
                  "100x40", "--commands", fifo)
    assert config(one) == (100, 40, 3, 0)
    one.set_up_ports()
    with open(fifo, "w", encoding="ascii") as commands:
        print("plug 1\nplug 2\nnonsense\nsize 120x50", file=commands, flush=True)
        assert one.until((0, con.RESIZE), (1, con.PORT_ADD)) == [(1, struct.pack("<HH", 120, 50)), (1, b"")]
        until(lambda: config(one) == (120, 50, 3, 0))
        print("unplug 1", file=commands, flush=True)
        one.until((1, con.PORT_REMOVE))
    one.process.process.send_signal(signal.SIGUSR1)
    assert one.until((0, con.RESIZE)) == [(1, struct.pack("<HH", 121, 51))]
    assert "'nonsense' is not size COLSxROWS" in one.process.output()


def test_emergency(console, run_dir):
    out = run_dir / "out"
    one = console(0, "--port", f"file:{out}")
    one.driver.send(w.SET_CONFIG, struct.pack("<III", 8, 4, 0) + b"!\0\0\0")
    one.driver.ask(w.GET_FEATURES)
    assert out.read_bytes() == b"!"


def test_stdio(backend_bin, run_dir):
    path = run_dir / "console.sock"
    with subprocess.Popen([backend_bin, "console", "--socket-path", path, "--port", "stdio"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            until(lambda: is_listening(path))
            one = con.Console(w.Driver(path), 0)
            process.stdin.write(b"typed")
            process.stdin.flush()
            assert one.receive(5) == b"typed"
            one.send(b"shown")
            assert read(process.stdout.fileno(), 5) == b"shown"
            one.close()
            one.driver.close()
        finally:
            process.terminate()
        assert process.wait(w.DEADLINE) == 0


@pytest.mark.parametrize("options, message", [
    (["--port", "disk"], "'disk' is not loop, pty, socket, file, stdio or null"),
    (["--port", "loop,colour"], "'colour' is not name=NAME"),
    (["--port", "loop,name=" + "x" * 33], "is not name=NAME"),
    (["--port", "socket"], "socket:PATH"),
    (["--port", "file"], "file:PATH"),
    (["--port", "loop", "--port", "loop", "--max-ports", "1"], "more are given"),
    (["--without", "1", "--port", "loop", "--port", "loop"], "more than 1"),
    (["--port", "loop"] * 17, "more than 16"),
    (["--size", "80"], "'80' is not COLSxROWS"),
    (["--size", "0x0"], "'0x0' is not COLSxROWS"),
    (["--port", "loop", "--memory", "1m"], "no use for options of"),
])
def test_options_that_are_wrong(backend_bin, tmp_path, options, message):
    done = subprocess.run([backend_bin, "console", "--socket-path", tmp_path / "s", *options],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2 and message in done.stderr, done.stderr


def test_checks_without_a_loop(run_json, backend_bin):
    """What needs one says so."""
    result = run_json("conform", "vhost-user:", "--device", "console", "--check", "console.*", "--timeout", "300ms",
                      "--command", f"exec {backend_bin} console --socket-path {{socket}} --port null")
    verdicts = {c["id"]: c["verdict"] for c in result["checks"]}
    assert set(verdicts.values()) == {"pass", "skip"}, json.dumps(verdicts)
    assert verdicts["console.data.used-len"] == verdicts["console.ports.add-once"] == "pass"
    assert verdicts["console.data.round-trip"] == "skip"
