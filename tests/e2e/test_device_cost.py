# SPDX-License-Identifier: BSD-3-Clause
"""What a request costs the device's side of the reference back-end: counts, not times."""
import json
import os
import shutil
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("RINGSIDE_BUILD", "build"))

# At a batch of 32: what was reached, and some room for other compilers.
BOUNDS = {"split": 165, "packed": 205}


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
@pytest.mark.skipif("asan" in BUILD or "tsan" in BUILD, reason="valgrind and sanitizers exclude each other")
@pytest.mark.parametrize("form", BOUNDS)
def test_instructions(form):
    done = subprocess.run(
        [sys.executable, f"{TOP}/tests/bench/device-cost", "--build", BUILD, "--form", form, "--batch", "1",
         "--batch", "32", "--requests", "320", "--format", "json"],
        stdout=subprocess.PIPE, check=True, timeout=240)
    alone, together = json.loads(done.stdout)
    assert together["instructions"] <= BOUNDS[form]
    assert together["instructions"] < alone["instructions"]
    # No allocation, no lock, no system call.
    assert alone["strange"] == together["strange"] == []
