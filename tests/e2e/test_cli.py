# SPDX-License-Identifier: BSD-3-Clause
"""The command line itself: help, version, usage errors, exit statuses."""
import os
import re
import shutil
import subprocess

import pytest

USAGE = 2
TARGET = 3


def assert_one_line(text, program="ringside"):
    """An error is one line that starts with the program's name."""
    assert len(text.splitlines()) == 1, text
    assert text.startswith(f"{program}: "), text


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help(ringside, word):
    done = ringside(word)
    assert done.stdout.startswith("usage: ringside COMMAND")
    assert done.stderr == ""


def test_help_lists_commands_in_order_with_a_line_each(ringside):
    lines = [line for line in ringside("--help").stdout.splitlines() if line.startswith("  ")]
    assert lines
    assert len({line.split()[0] for line in lines}) == len(lines)
    for line in lines:
        assert re.fullmatch(r"  [a-z]+ +\S.*", line), line
        assert len(line) <= 100


def test_no_command_is_a_usage_error_with_help_on_stderr(ringside):
    done = ringside(status=(USAGE,))
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ringside COMMAND")


def test_version(ringside):
    assert re.fullmatch(r"ringside \d+\.\d+\.\d+\n", ringside("--version").stdout)


@pytest.mark.parametrize("name", ["no-such-command", "../ringside", "", "-x"])
def test_unknown_command(ringside, name):
    done = ringside(name, status=(USAGE,))
    assert done.stdout == ""
    assert_one_line(done.stderr)
    assert f"'{name}'" in done.stderr


COMMANDS = ["ab", "bench", "ci", "clauses", "collect", "conform", "explain", "gate", "history", "lab",
            "lava", "merge", "module", "prove", "report", "run", "show", "trace", "zoo"]


def test_commands(commands):
    external = {"ab", "ci", "gate", "history", "lab", "lava", "merge", "report", "run", "show", "zoo"}
    assert commands == sorted(set(COMMANDS) - external) + sorted(external)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_help(ringside, command):
    done = ringside(command, "--help")
    assert done.stdout.startswith(f"usage: ringside {command}")
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_command_refuses_an_unknown_option(ringside, command):
    done = ringside(command, "--no-such-option", status=(USAGE,))
    assert done.stdout == ""
    assert "--no-such-option" in done.stderr
    assert done.stderr.startswith(f"ringside {command}: ") or done.stderr.startswith("ringside: ")


@pytest.mark.parametrize("args", [
    (),
    ("no-such-scheme:/tmp/x",),
    ("vhost-user:",),
    ("vhost-user:" + "x" * 200,),
    ("vhost-user:/tmp/x", "vhost-user:/tmp/y"),
    ("vhost-user:/tmp/x", "--device", "toaster"),
    ("vhost-user:/tmp/x", "--format", "runes"),
    ("vhost-user:/tmp/x", "--timeout", "soon"),
    ("vhost-user:/tmp/x", "--check", "no-such-check"),
    ("vhost-user:/tmp/x", "--clause", "no-such-clause"),
    ("vhost-user:/tmp/x", "--expect", "/no/such/file"),
], ids=lambda args: " ".join(args)[:40] or "nothing")
def test_conform_usage_errors(ringside, args):
    done = ringside("conform", *args, status=(USAGE,))
    assert done.stdout == ""
    assert_one_line(done.stderr)


@pytest.mark.parametrize("line", ["split.used-len.in", "split.used-len.in fail",
                                  "split.used-len.in perhaps because"])
def test_expectation_file_that_is_wrong(ringside, run_dir, line):
    """It is said which file and which line."""
    path = run_dir / "target.expect"
    path.write_text(f"# known deviations\n\n{line}\n", encoding="utf-8")
    done = ringside("conform", "vhost-user:/tmp/x", "--expect", path, status=(USAGE,))
    assert_one_line(done.stderr)
    assert f"{path}:3: " in done.stderr


@pytest.mark.parametrize("command", ["conform", "bench"])
def test_unreachable_target(ringside, run_dir, command):
    socket = run_dir / "nobody-listens"
    done = ringside(command, f"vhost-user:{socket}", "--device", "blk", status=(TARGET,), timeout=20)
    assert_one_line(done.stderr)
    assert str(socket) in done.stderr


@pytest.mark.parametrize("command", ["conform", "bench"])
def test_target_that_ends_at_once(ringside, command):
    done = ringside(command, "vhost-user:", "--device", "blk", "--command", "exit 7",
                    status=(TARGET,), timeout=20)
    assert_one_line(done.stderr)
    assert "7" in done.stderr


def test_conform_list(ringside):
    lines = ringside("conform", "--list").stdout.splitlines()
    ids = [line.split()[0] for line in lines]
    assert ids and ids == sorted(set(ids))
    for line in lines:
        assert len(line.split()) >= 2, f"no clause: {line}"


def test_backend_command_line(backend_bin):
    """ringside-backend has the same manners."""
    def run(*args):
        return subprocess.run([backend_bin, *args], capture_output=True, text=True, timeout=10,
                              stdin=subprocess.DEVNULL, check=False)

    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ringside-backend")
    assert re.fullmatch(r"ringside-backend \d+\.\d+\.\d+\n", run("--version").stdout)
    for args in ((), ("toaster",), ("blk",), ("blk", "--no-such-option"),
                 ("blk", "--socket-path", "/tmp/x", "--image", "/tmp/y", "--memory", "1M"),
                 ("blk", "--socket-path", "/tmp/x", "--null", "--fault", "no-such-fault")):
        done = run(*args)
        assert done.returncode == USAGE, args
        assert done.stdout == "", args
        assert done.stderr, args


def test_external_command(ringside, run_dir):
    """Commands that are not built in are found by name, with the rest of the command line."""
    program = run_dir / "ringside-echo"
    program.write_text('#!/bin/sh\necho "$@"\nexit 5\n', encoding="utf-8")
    program.chmod(0o755)
    env = {**os.environ, "RINGSIDE_LIBEXEC": str(run_dir)}
    done = ringside("echo", "one", "two three", status=(5,), env=env)
    assert done.stdout == "one two three\n"


def test_external_command_that_is_not_installed(ringside_bin, run_dir):
    """ringside alone, without its libexec folder, says what is missing."""
    lone = run_dir / "bin" / "ringside"
    lone.parent.mkdir()
    shutil.copy(ringside_bin, lone)
    done = subprocess.run([lone, "report"], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 4
    assert_one_line(done.stderr)
    assert "ringside-report" in done.stderr


def test_output_that_cannot_be_written_is_an_error(ringside_bin):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([ringside_bin, "--help"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=10, check=False)
    assert done.returncode == 4
    assert_one_line(done.stderr)
