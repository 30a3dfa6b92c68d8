# SPDX-License-Identifier: BSD-3-Clause
"""The socket device with the host's own sockets on its other side."""
import os
import socket
import struct
import subprocess

import pytest

import vsock_driver as vs
import wrong_driver as w


@pytest.fixture
def sockets(start_backend, backend_bin, run_dir):
    """A driver's sockets, and the back-end's path."""
    path = run_dir / "vsock.sock"
    one = start_backend([backend_bin, "vsock", "--socket-path", path, "--uds-path", run_dir / "v",
                         "--guest-cid", "3", "--flows", "8"], path)
    driver = w.Driver(path)
    s = vs.Sockets(driver, run_dir / "v")
    yield s
    s.close()
    driver.close()
    assert one.stop() == 0, one.output()


def packet(s):
    """The next packet: its fields, and its bytes."""
    if s.queued[vs.RX] == s.seen[vs.RX]:
        s.put(vs.RX, room=4096)
    data = s.take(vs.RX)
    return dict(zip(("src_cid", "dst_cid", "src_port", "dst_port", "len", "type", "op", "flags", "buf_alloc",
                     "fwd_cnt"), struct.unpack("<QQIIIHHIII", data[:vs.HEADER]))), data[vs.HEADER:]


def dial(run_dir, text, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(w.DEADLINE)
    s.connect(str(run_dir / ("v" if kind == socket.SOCK_STREAM else "v.seqpacket")))
    s.send(text)
    return s


def test_a_program_of_the_host_calls(sockets, run_dir):
    with dial(run_dir, b"CONNECT 22\nand more") as peer:
        h, _ = packet(sockets)
        assert (h["op"], h["src_cid"], h["dst_cid"], h["dst_port"]) == (vs.REQUEST, 2, 3, 22)
        sockets.say(vs.RESPONSE, src_port=22, dst_port=h["src_port"])
        assert peer.recv(100) == b"OK %d\n" % h["src_port"]
        # What came behind the line is data.
        h, data = packet(sockets)
        assert (h["op"], data) == (vs.RW, b"and more")
        sockets.say(vs.RW, b"yes", src_port=22, dst_port=h["src_port"])
        assert peer.recv(100) == b"yes"
    h, _ = packet(sockets)
    assert (h["op"], h["flags"]) == (vs.SHUTDOWN, 3)
    sockets.say(vs.RST, src_port=22, dst_port=h["src_port"])


@pytest.mark.parametrize("line", [b"HELLO 22\n", b"CONNECT x\n", b"CONNECT 4294967296\n", b"CONNECT 2 2\n",
                                  b"CONNECT -1\n", b"CONNECT " + b"1" * 40 + b"\n"])
def test_who_does_not_say_whom_is_not_connected(sockets, run_dir, line):
    with dial(run_dir, line) as peer:
        try:
            assert peer.recv(1) == b""
        except ConnectionResetError:
            pass  # not all of it was read
    sockets.say(vs.REQUEST, dst_port=9)
    assert packet(sockets)[0]["op"] == vs.RST


def test_a_message_is_a_packet(sockets, run_dir):
    with dial(run_dir, b"CONNECT 22", socket.SOCK_SEQPACKET) as peer:
        h, _ = packet(sockets)
        assert (h["op"], h["type"]) == (vs.REQUEST, vs.SEQPACKET)
        address = {"src_port": 22, "dst_port": h["src_port"], "kind": vs.SEQPACKET}
        sockets.say(vs.RESPONSE, **address)
        assert peer.recv(100) == b"OK %d\n" % h["src_port"]
        sockets.say(vs.RW, b"one ", **address)
        sockets.say(vs.RW, b"message", flags=1, **address)
        sockets.say(vs.RW, b"another", flags=1, **address)
        assert (peer.recv(100), peer.recv(100)) == (b"one message", b"another")
        peer.send(b"x" * 5000)
        parts = [packet(sockets) for _ in range(2)]
        assert [(h["len"], h["flags"]) for h, _ in parts] == [(4052, 0), (948, 1)]
        assert b"".join(d for _, d in parts) == b"x" * 5000


def test_more_than_there_is_room_for(sockets):
    """Eight connections, and the ninth is refused until one has gone."""
    peers = []
    for port in range(8):
        sockets.say(vs.REQUEST, src_port=port)
        assert packet(sockets)[0]["op"] == vs.RESPONSE
        peers.append(sockets.listener.accept()[0])
    sockets.say(vs.REQUEST, src_port=8)
    assert packet(sockets)[0]["op"] == vs.RST
    sockets.say(vs.RST, src_port=0)
    assert peers[0].recv(1) == b""
    sockets.say(vs.REQUEST, src_port=8)
    assert packet(sockets)[0]["op"] == vs.RESPONSE
    for peer in peers:
        peer.close()


def test_its_sockets_are_there_and_then_gone(start_backend, backend_bin, run_dir):
    path = run_dir / "vsock.sock"
    one = start_backend([backend_bin, "vsock", "--socket-path", path, "--uds-path", run_dir / "v"], path)
    assert os.path.exists(run_dir / "v") and os.path.exists(run_dir / "v.seqpacket")
    assert one.stop() == 0
    assert not os.path.exists(run_dir / "v") and not os.path.exists(run_dir / "v.seqpacket")


@pytest.mark.parametrize("options, said", [
    (["--socket-path", "x"], "--uds-path is needed"),
    (["--buffer", "3000"], "not a power of two"),
    (["--uds-path", "/" + "x" * 200, "--socket-path", "x"], "File name too long"),
])
def test_usage(backend_bin, options, said):
    done = subprocess.run([backend_bin, "vsock", *options], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, timeout=w.DEADLINE, check=False)
    assert done.returncode and said in done.stderr


def test_behind_registers(run_json, backend_bin, run_dir):
    """A binding of one thread, which looks at a queue when it is woken and not again."""
    got = run_json("conform", "machine:mmio", "--device", "vsock", "--check", "vsock.*", "--uds-path", run_dir / "v",
                   "--timeout", "5s", "--command", f"exec {backend_bin} vsock --registers mmio --machine {{socket}} "
                                                   f"--ram {{ram}} --uds-path {run_dir}/v")
    assert {c["verdict"] for c in got["checks"] if c["id"] != "vsock.event.transport-reset"} == {"pass"}
