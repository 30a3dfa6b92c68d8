# SPDX-License-Identifier: BSD-3-Clause
"""Targets that connect: Ringside listens, and each session is a connection of its own."""
import os
import socket
import subprocess

COMMAND = "exec {} {} --client --socket-path {{socket}}"
CHECKS = "@(vu.msg.*|basic.*|vu.life.load|blk.rw.*)"


def judged(run_json, uri, command, *args):
    found = run_json("conform", uri, "--device", "blk", "--check", CHECKS, "--command", command, *args)
    assert found["unexpected"] == 0 and "died" not in found
    return {c["id"]: c["verdict"] for c in found["checks"]}


def test_the_same_verdicts(run_json, backend_bin):
    """Whoever connects; several at once, too, each with a socket of its own."""
    ours = judged(run_json, "vhost-user-listen:", COMMAND.format(backend_bin, "--memory 64M"), "--jobs", "2")
    assert ours == judged(run_json, "vhost-user:", f"exec {backend_bin} --memory 64M --socket-path {{socket}}")
    assert list(ours.values()).count("pass") > 20


def test_measured(run_json, backend_bin):
    result = run_json("bench", "vhost-user-listen:", "--device", "net", "--no-floor", "--requests", "1000",
                      "--command", COMMAND.format(backend_bin, "net --loopback"))
    assert (result["requests"], result["errors"]) == (1000, 0)
    assert result["target"]["uri"] == "vhost-user-listen:"


def test_one_that_somebody_else_started(run_json, backend_bin, run_dir):
    """It may be there before Ringside is, and stays; what a listener left behind that died is in nobody's way."""
    path = run_dir / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    with subprocess.Popen([backend_bin, "--memory", "64M", "--client", "--socket-path", path]) as p:
        try:
            for _ in range(2):
                found = run_json("conform", f"vhost-user-listen:{path}", "--device", "blk", "--check", "basic.*")
                assert found["unexpected"] == 0 and found["summary"]["pass"] > 3
                assert not path.exists()
            assert p.poll() is None
        finally:
            p.terminate()
        assert p.wait(20) == 0


def test_one_that_dies_of_a_request(run_json, backend_bin):
    """The death is seen, and what comes after it judges another process."""
    found = run_json("conform", "vhost-user-listen:", "--device", "blk", "--check", "@(split.hostile.chain-long|vu.msg.*)",
                     "--command", COMMAND.format(backend_bin, "--memory 64M --fault chain-long-dies"),
                     status=(1, 3))
    verdicts = {c["id"]: c["verdict"] for c in found["checks"]}
    assert verdicts.pop("split.hostile.chain-long") == "fail"
    assert len(verdicts) > 3 and set(verdicts.values()) <= {"pass", "skip"}


def test_one_that_never_connects(ringside, run_dir):
    done = ringside("bench", "vhost-user-listen:", "--command", "exit 7", status=(3,))
    assert "exited with status 7 before it connected to" in done.stderr
    path = run_dir / "socket"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        done = ringside("bench", f"vhost-user-listen:{path}", status=(2,))
    assert f"cannot listen at '{path}': Address already in use" in done.stderr
    # That was somebody else's, and still is.
    assert os.path.exists(path)


def test_client_goes_with_a_path(backend_bin):
    done = subprocess.run([backend_bin, "--memory", "1M", "--client", "--fd", "0"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and "--client goes with --socket-path" in done.stderr
