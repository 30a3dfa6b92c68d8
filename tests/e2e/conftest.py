# SPDX-License-Identifier: BSD-3-Clause
"""What end-to-end tests share: where the binaries are, and back-ends that come and go.

RINGSIDE_BUILD names the build tree under test; without it, build/ beside the sources. A test that
runs longer than a deadline fails: no test waits without one.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DEADLINE = 120  # seconds, for a command that a test does not expect to take long


class Backend:
    """A vhost-user back-end in a process of its own, on a socket in a folder of its own.

    It ends with the test. It must then still be running and end in good order, unless the test
    took its end into its own hands with kill() or stop().
    """

    def __init__(self, argv, socket, log):
        self.argv = [str(a) for a in argv]
        self.socket = socket
        self.log = log
        self.process = None
        self.start()

    @property
    def target(self):
        return f"vhost-user:{self.socket}"

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def start(self, deadline=20):
        """Start it (again) and wait until its socket takes connections."""
        with open(self.log, "ab") as log:
            # setpriv: should pytest be killed, the back-end goes as well.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *self.argv],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + deadline
        while not is_listening(self.socket):
            if self.process.poll() is not None:
                pytest.fail(f"{self.argv[0]} ended with {self.process.returncode} before it "
                            f"listened:\n{self.output()}")
            if time.monotonic() > end:
                self.kill()
                pytest.fail(f"{self.argv[0]} did not listen within {deadline} s:\n{self.output()}")
            time.sleep(0.002)

    def kill(self):
        """kill -9 and wait."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def stop(self, deadline=10):
        """SIGTERM and wait; the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"{self.argv[0]} did not end within {deadline} s of SIGTERM:\n"
                        f"{self.output()}")

    def finish(self):
        if self.process.returncode is not None:
            return
        if self.process.poll() is not None:
            pytest.fail(f"{self.argv[0]} ended by itself with {self.process.returncode}:\n"
                        f"{self.output()}")
        status = self.stop()
        if status not in (0, -signal.SIGTERM):
            pytest.fail(f"{self.argv[0]} ended with {status} on SIGTERM:\n{self.output()}")


def is_listening(path):
    """Asks the kernel, since a connection would already be a session to the back-end."""
    accepting = 0x10000  # __SO_ACCEPTCON
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as f:
        next(f)
        for line in f:
            fields = line.split(maxsplit=7)
            if len(fields) == 8 and fields[7].rstrip("\n") == str(path):
                if int(fields[3], 16) & accepting:
                    return True
    return False


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def build_dir():
    path = Path(os.environ.get("RINGSIDE_BUILD", REPO / "build")).resolve()
    if not (path / "bin/ringside").exists():
        pytest.exit(f"{path} has no bin/ringside: cmake --preset default && cmake --build build", 2)
    return path


@pytest.fixture(scope="session")
def ringside_bin(build_dir):
    return build_dir / "bin/ringside"


@pytest.fixture(scope="session")
def backend_bin(build_dir):
    path = build_dir / "bin/ringside-backend"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture(scope="session")
def ringside(ringside_bin):
    """ringside(*args): run it to its end; the completed process, with text output.

    A status that is not in `status` fails the test, with what was printed. None: any status.
    """
    def run(*args, status=(0,), timeout=DEADLINE, **kwargs):
        argv = [str(ringside_bin), *map(str, args)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=timeout, **kwargs)
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{' '.join(argv)}: still running after {timeout} s\n"
                        f"{late.stdout}\n{late.stderr}")
        if status is not None and done.returncode not in status:
            pytest.fail(f"{' '.join(argv)}: exit status {done.returncode}, not one of {status}\n"
                        f"{done.stdout}\n{done.stderr}")
        return done
    return run


@pytest.fixture(scope="session")
def run_json(ringside):
    """run_json(*args): run ringside with --format json; what it printed, parsed."""
    def run(*args, **kwargs):
        return json.loads(ringside(*args, "--format", "json", **kwargs).stdout)
    return run


@pytest.fixture(scope="session")
def commands(ringside):
    """Names of all commands, as --help lists them."""
    return [line.split()[0] for line in ringside("--help").stdout.splitlines()
            if line.startswith("  ")]


@pytest.fixture
def run_dir():
    """A folder with a short path: a socket's may have 107 characters at most."""
    path = Path(tempfile.mkdtemp(prefix="ringside-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start_backend(run_dir):
    """start_backend(argv, socket): start a program that listens on socket; a Backend."""
    started = []

    def start(argv, socket):
        started.append(Backend(argv, socket, run_dir / f"backend-{len(started)}.log"))
        return started[-1]
    yield start
    failure = None
    for backend in reversed(started):
        try:
            backend.finish()
        except BaseException as e:  # pylint: disable=broad-except
            failure = failure or e
    if failure:
        raise failure


@pytest.fixture
def backend(start_backend, backend_bin, run_dir):
    """backend(*options): a running `ringside-backend blk`; 64 MiB of memory unless told."""
    def start(*options):
        socket = run_dir / f"blk-{len(list(run_dir.iterdir()))}.sock"
        options = options or ("--memory", "64M")
        return start_backend([backend_bin, "blk", "--socket-path", socket, *options], socket)
    return start


@pytest.fixture
def qsd(start_backend, run_dir):
    """qsd(): a running qemu-storage-daemon that exports a raw image as vhost-user-blk."""
    program = shutil.which("qemu-storage-daemon")
    if not program:
        pytest.skip("qemu-storage-daemon is not installed: ci/bootstrap run")

    def start(size=64 << 20, queues=1, writable=True):
        socket, image = run_dir / "qsd.sock", run_dir / "qsd.img"
        with open(image, "wb") as f:
            f.truncate(size)
        return start_backend([
            program,
            "--blockdev", f"driver=file,node-name=file0,filename={image}",
            "--blockdev", "driver=raw,node-name=disk0,file=file0",
            "--export", "type=vhost-user-blk,id=export0,node-name=disk0,addr.type=unix,"
                        f"addr.path={socket},num-queues={queues},"
                        f"writable={'on' if writable else 'off'}",
        ], socket)
    return start
