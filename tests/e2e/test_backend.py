# SPDX-License-Identifier: BSD-3-Clause
"""ringside-backend: its command line, how it begins and ends, and what its judge writes."""
import json
import signal
import socket
import stat
import struct
import subprocess
import time

import pytest

DEADLINE = 20
GET_FEATURES, SET_OWNER, RESET_OWNER = 1, 3, 4


@pytest.fixture
def run(backend_bin):
    """run(*options): run it to its end."""
    def start(*options, **kwargs):
        return subprocess.run([str(backend_bin), *map(str, options)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE, check=False, **kwargs)
    return start


def request(sock, ident, flags=1):
    sock.sendall(struct.pack("<III", ident, flags, 0))


def reply(sock):
    header = sock.recv(12, socket.MSG_WAITALL)
    if not header:
        return None
    ident, flags, size = struct.unpack("<III", header)
    return ident, flags, sock.recv(size, socket.MSG_WAITALL)


def features(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(str(path))
        request(s, GET_FEATURES)
        ident, flags, payload = reply(s)
        assert (ident, flags) == (GET_FEATURES, 5)
        return struct.unpack("<Q", payload)[0]


@pytest.mark.parametrize("options", [
    [],
    ["blk"],
    ["blk", "--memory", "1m"],
    ["blk", "--socket-path", "x"],
    ["blk", "--socket-path", "x", "--fd", "3", "--memory", "1m"],
    ["blk", "--socket-path", "x", "--memory", "1m", "--image", "y"],
    ["blk", "--socket-path", "x", "--memory", "1q"],
    ["blk", "--socket-path", "x", "--memory", "0"],
    ["blk", "--socket-path", "x", "--memory", "1m", "--num-queues", "0"],
    ["blk", "--socket-path", "x", "--memory", "1m", "--num-queues", "257"],
    ["blk", "--socket-path", "x", "--memory", "1m", "--fault", "no-such-fault"],
    ["blk", "--socket-path", "x", "--memory", "1m", "--serial", "s" * 21],
    ["toaster", "--socket-path", "x"],
    ["blk", "more"],
    ["--format", "xml", "--list-faults"],
    ["--no-such-option"],
])
def test_usage(run, options, tmp_path):
    done = run(*options, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and not done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [
    ["--image", "nowhere"],
    ["--image", "."],
    ["--memory", "1m", "--socket-path", "no/such/folder/x"],
    ["--memory", "1m", "--socket-path", "s" * 200],
])
def test_what_cannot_be_opened(run, options, tmp_path):
    done = run("blk", "--socket-path", "x", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_capabilities(run, tmp_path):
    path = tmp_path / "x"
    done = run("--print-capabilities", "--socket-path", path, "--blk-file=nowhere")
    assert done.returncode == 0 and not done.stderr
    assert json.loads(done.stdout) == {"type": "block", "features": ["read-only", "blk-file"]}
    assert not path.exists()


def test_lists(run):
    assert run("--list-devices").stdout.split() == ["blk", "net", "rng", "i2c", "gpio", "scmi",
                                                           "console", "vsock", "fs", "sound", "gpu",
                                                           "input", "can", "spi", "scsi", "null"]
    faults = json.loads(run("--list-faults", "--format", "json").stdout)
    assert faults and all({"name", "clause", "summary"} <= set(f) for f in faults)
    names = [f["name"] for f in faults]
    assert names == sorted(set(names))
    text = run("--list-faults").stdout.splitlines()
    assert [line.split()[0] for line in text] == names


def test_help_names_every_option(run):
    text = run("--help").stdout
    for option in ("--socket-path", "--fd", "--image", "--blk-file", "--memory", "--null",
                   "--read-only", "--num-queues", "--serial", "--judge", "--judge-output",
                   "--fault", "--trace", "--print-capabilities", "--list-faults",
                   "--list-devices", "--format", "--version", "SIGUSR1"):
        assert option in text


def test_read_only_by_the_conventions(start_backend, backend_bin, run_dir):
    image, path = run_dir / "image", run_dir / "s"
    image.write_bytes(bytes(4096))
    image.chmod(0o400)
    start_backend([backend_bin, f"--socket-path={path}", f"--blk-file={image}", "--read-only"],
                  path)
    assert features(path) & 1 << 5


def test_takes_the_place_of_a_dead_one(backend):
    one = backend()
    one.kill()
    assert one.socket.exists()
    one.start()
    assert features(one.socket)
    assert one.stop() == 0
    assert not one.socket.exists()


def test_does_not_take_the_place_of_a_living_one(run, backend):
    one = backend()
    done = run("blk", "--socket-path", one.socket, "--memory", "1m")
    assert done.returncode == 1 and "in use" in done.stderr
    assert features(one.socket)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_while_connected(backend, number):
    one = backend()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(one.socket))
        s.settimeout(DEADLINE)
        request(s, GET_FEATURES)
        assert reply(s)
        s.sendall(b"\1\0\0\0\1")  # inside of a header
        one.process.send_signal(number)
        assert one.process.wait(DEADLINE) == 0
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass  # it had not read those bytes yet


def test_ends_while_nobody_reads_its_replies(backend):
    one = backend()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(one.socket))
        s.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while True:
                request(s, GET_FEATURES)
        assert one.stop() == 0


def test_connected_descriptor(backend_bin):
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with subprocess.Popen([str(backend_bin), "blk", "--memory", "1m", "--fd",
                           str(theirs.fileno())], pass_fds=[theirs.fileno()]) as p:
        theirs.close()
        ours.settimeout(DEADLINE)
        request(ours, GET_FEATURES)
        assert reply(ours)[0] == GET_FEATURES
        ours.close()
        assert p.wait(DEADLINE) == 0


def test_listening_descriptor(backend_bin, run_dir):
    path = run_dir / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with subprocess.Popen([str(backend_bin), "blk", "--memory", "1m", "--fd",
                               str(listener.fileno())], pass_fds=[listener.fileno()]) as p:
            assert features(path)
            assert features(path)
            p.terminate()
            assert p.wait(DEADLINE) == 0
    assert path.exists()  # it is not ours to remove


def test_a_descriptor_that_is_no_socket(run):
    assert run("blk", "--memory", "1m", "--fd", 0).returncode == 1


def test_the_second_waits_for_the_first(backend):
    one = backend()
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        first.connect(str(one.socket))
        first.settimeout(DEADLINE)
        second.connect(str(one.socket))
        request(second, GET_FEATURES)
        request(first, GET_FEATURES)
        assert reply(first)
        second.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.recv(1)
        first.close()
        second.settimeout(DEADLINE)
        assert reply(second)


def test_judge(backend, run_dir):
    output = run_dir / "judge.json"
    one = backend("--memory", "1m", "--judge-output", output)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(str(one.socket))
        request(s, SET_OWNER)
        request(s, RESET_OWNER)
        request(s, RESET_OWNER)
        request(s, GET_FEATURES)
        assert reply(s)
    end = time.monotonic() + DEADLINE
    while not output.exists() and time.monotonic() < end:
        time.sleep(0.01)
    features(one.socket)
    assert one.stop() == 0
    found = json.loads(output.read_text())
    (bad,) = [c for c in found["checks"] if c["unexpected"]]
    assert (bad["clauses"], bad["broken"]) == (["VU.owner.reset.fe.1"], 2)
    assert bad["verdict"] == "warn" and bad["reason"] and bad["evidence"]["oracle"]
    by_id = {c["id"]: c["verdict"] for c in found["checks"]}
    assert by_id["judge.VU.hdr.version.fe.1"] == "pass"
    assert by_id["judge.v14.blk.operation.drv.4"] == "skip"
    assert found["summary"]["pass"] == list(by_id.values()).count("pass")
    assert one.output().count("VU.owner.reset.fe.1") == 1


def test_description_for_management_software(build_dir, tmp_path):
    subprocess.run(["cmake", "--install", str(build_dir), "--prefix", str(tmp_path)], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)
    found = list(tmp_path.glob("share/qemu/vhost-user/*.json"))
    assert [f.name for f in found] == ["50-ringside-blk.json"]
    text = json.loads(found[0].read_text())
    assert text["type"] == "block" and text["binary"].startswith("/")
    program = tmp_path / "bin" / text["binary"].rsplit("/", 1)[1]
    assert program.stat().st_mode & stat.S_IXUSR
