# SPDX-License-Identifier: BSD-3-Clause
"""A back-end that is a library: loaded, served, and found out when it is none."""
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import is_listening

USAGE, TARGET = 2, 3


@pytest.fixture
def example(build_dir):
    return build_dir / "tests/example-blk.so"


@pytest.fixture
def library(repo, tmp_path):
    """library(C) compiles it."""
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")

    def make(text):
        (tmp_path / "l.c").write_text(
            '#include "harness/module/ringside-module.h"\n' + text, encoding="utf-8")
        subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-I", repo, "-o",
                        tmp_path / "l.so", tmp_path / "l.c"], check=True, timeout=60)
        return tmp_path / "l.so"
    return make


def test_it_says_what_it_is(ringside, example):
    assert ringside("module", "--info", example).stdout == "blk example-blk 1.0\n"


def test_checks_pass(ringside, example):
    done = ringside("conform", f"module:{example},16", "--device", "blk", "--check",
                    "@(basic.*|blk.id.*|split.used-len.*)", "--config-trigger", "kill -USR1 {pid}")
    assert " 0 fail" in done.stdout and " 0 error" in done.stdout


def test_the_trigger_changes_it(run_json, example):
    found = run_json("conform", f"module:{example}", "--device", "blk", "--check",
                     "capacity.announced", "--config-trigger", "kill -USR1 {pid}")
    assert found["checks"] and {c["verdict"] for c in found["checks"]} == {"pass"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_is_accused(ringside, example, jobs):
    done = ringside("conform", f"module:{example},64,blk-id-not-padded", "--device", "blk",
                    "--check", "blk.id.*", "--jobs", jobs, status=(1,))
    assert "fail   blk.id.padded" in done.stdout


def test_words_it_does_not_take(ringside, example):
    done = ringside("conform", f"module:{example},64,nonsense", status=(TARGET,))
    assert "words are MIB [FAULT]: 'nonsense' is none" in done.stderr


def test_what_is_no_library(ringside, tmp_path, run_dir):
    path = run_dir / "s"
    done = ringside("module", "--socket-path", path, tmp_path / "none.so", status=(USAGE,))
    assert "none.so: cannot open shared object" in done.stderr
    assert "which library?" in ringside("module", "--info", status=(USAGE,)).stderr
    assert "--command is not for it" in ringside("conform", "module:x", "--command", "y {socket}",
                                                 status=(USAGE,)).stderr
    assert not path.exists()


@pytest.mark.parametrize("text, complaint", [
    ("", "ringside_module"),
    ("const struct ringside_module *ringside_module(void) { return 0; }", "speaks version 0"),
    ("const struct ringside_module *ringside_module(void)\n"
     "{ static const struct ringside_module m = { 99, sizeof(m) }; return &m; }",
     "speaks version 99 of the interface, and this program 1"),
    ("const struct ringside_module *ringside_module(void)\n"
     "{ static const struct ringside_module m = { 1, 8 }; return &m; }", "leaves out something"),
])
def test_what_it_exports_is_looked_at(ringside, library, text, complaint):
    done = ringside("module", "--info", library(text), status=(USAGE,))
    assert complaint in done.stderr and "Traceback" not in done.stderr


CRASHES = """
#include <stdlib.h>
#include <unistd.h>
static void *start(int n, char *const w[], char *e, size_t r) { return (void *)1; }
static int session(void *self, int fd) { char c; read(fd, &c, 1); abort(); }
static void end(void *self) { }
const struct ringside_module *ringside_module(void)
{
	static const struct ringside_module m = { 1, sizeof(m), "crash", "blk", start, session, 0, end };
	return &m;
}
"""


def test_one_that_crashes_is_a_verdict(ringside, library):
    done = ringside("conform", f"module:{library(CRASHES)}", "--device", "blk", "--check",
                    "blk.id.*", status=(TARGET,))
    assert "killed by signal 6" in done.stdout + done.stderr


def test_sigterm_ends_a_session(ringside_bin, example, run_dir):
    """A front-end that is still there hears of it."""
    path = run_dir / "s"
    with subprocess.Popen([ringside_bin, "module", "--socket-path", path, example],
                          stdin=subprocess.DEVNULL) as served, \
            socket.socket(socket.AF_UNIX) as front:
        try:
            end = time.monotonic() + 60
            while not is_listening(path):
                assert served.poll() is None and time.monotonic() < end
            front.connect(str(path))
            front.settimeout(60)
            front.sendall(struct.pack("<III", 1, 1, 0))  # GET_FEATURES: there is a session
            assert len(front.recv(20)) == 20
            served.send_signal(signal.SIGTERM)
            assert served.wait(timeout=60) == 0
            assert front.recv(1) == b""
        finally:
            served.kill()
    assert not path.exists()
