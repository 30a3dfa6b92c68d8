# SPDX-License-Identifier: BSD-3-Clause
"""The command line itself: help, version, usage errors, exit statuses."""
import re
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


def test_output_that_cannot_be_written_is_an_error(ringside_bin):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([ringside_bin, "--help"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=10, check=False)
    assert done.returncode == 4
    assert_one_line(done.stderr)
