# SPDX-License-Identifier: BSD-3-Clause
"""What a request costs either half of a ring in a poll loop: counts, not times."""
import json
import os
import shutil
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("RINGSIDE_BUILD", "build"))

# Instructions a request may take at a batch of 32, whatever the layout.
BOUND = 150


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
@pytest.mark.skipif("asan" in BUILD or "tsan" in BUILD, reason="valgrind and sanitizers exclude each other")
@pytest.mark.parametrize("half", ("driver", "device"))
@pytest.mark.parametrize("form", ("split", "packed"))
def test_instructions(half, form):
    done = subprocess.run(
        [sys.executable, f"{TOP}/tests/bench/cost", "--build", BUILD, "--half", half, "--form", form, "--batch", "1",
         "--batch", "32", "--requests", "320", "--format", "json"],
        stdout=subprocess.PIPE, check=True, timeout=240)
    alone, together = json.loads(done.stdout)
    assert 0 < together["instructions"] <= BOUND
    assert together["instructions"] < alone["instructions"]
    # No allocation, no lock, no system call: nothing of the C library is called at all.
    assert alone["strange"] == together["strange"] == []
