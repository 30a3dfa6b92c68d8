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

pytestmark = [
    pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions"),
    pytest.mark.skipif("asan" in BUILD or "tsan" in BUILD, reason="valgrind and sanitizers exclude each other")]

# Instructions a request may take at a batch of 32, whatever the layout; a frame goes through two rings.
BOUND = 150
FRAME_BOUND = 700


def count(half, form, *options):
    """At batches of 1 and of 32."""
    done = subprocess.run(
        [sys.executable, f"{TOP}/tests/bench/cost", "--build", BUILD, "--half", half, "--form", form, "--batch", "1",
         "--batch", "32", "--requests", "320", "--format", "json", *options],
        stdout=subprocess.PIPE, check=True, timeout=240)
    return json.loads(done.stdout)


@pytest.mark.parametrize("half", ("driver", "device"))
@pytest.mark.parametrize("form", ("split", "packed", "split in order", "packed in order"))
def test_instructions(half, form):
    alone, together = count(half, form)
    assert 0 < together["instructions"] <= BOUND
    assert together["instructions"] < alone["instructions"]
    # No allocation, no lock, no system call: nothing of the C library is called at all.
    assert alone["strange"] == together["strange"] == []


@pytest.mark.parametrize("form", ("split", "packed"))
def test_instructions_of_a_frame(form):
    """In loop-back, sent and received: no allocation, no lock, no system call, and so no notification."""
    alone, together = count("device", form, "--device", "net")
    assert 0 < together["instructions"] <= FRAME_BOUND
    assert together["instructions"] < alone["instructions"]
    assert alone["strange"] == together["strange"] == []
    assert together["counts"]["allocations"] == 0


def test_tracepoints_that_are_off_cost_nothing():
    """At most one instruction in a hundred more than without them, where each request is a batch of its own, too."""
    (alone, together), (alone_without, together_without) = count("device", "split"), count("untraced", "split")
    assert together["instructions"] <= 1.01 * together_without["instructions"]
    assert alone["instructions"] <= 1.01 * alone_without["instructions"]


def test_what_tracing_costs_is_measured():
    """By the command that is to be run on a machine that is idle: here only that it measures, and what it counts."""
    done = subprocess.run([sys.executable, f"{TOP}/tests/bench/tax", "--build", BUILD, "--rounds", "1", "--requests",
                           "300", "--mode", "none", "--mode", "buffer", "--format", "json"], stdout=subprocess.PIPE,
                          check=True, timeout=240)
    modes = json.loads(done.stdout)["modes"]
    assert set(modes) == {"none", "buffer"} and all(row["ratio"] > 0 for row in modes.values())
    assert modes["buffer"]["bound"] == 1.05


def test_the_exact_tier_finds_three_percent_and_nothing_else():
    """Counted runs of a back-end that is slower by 3 % of its instructions at most, and of one that is not; what is
    said is what 'ringside gate' said. Ten times of ten: ci/nightly power."""
    done = subprocess.run([sys.executable, f"{TOP}/tests/bench/power", "--build", BUILD, "--tries", "2",
                           "--format", "json"], stdout=subprocess.PIPE, check=True, timeout=240)
    said = json.loads(done.stdout)
    assert said["tries"] == said["found"] == 2 and said["false-alarms"] == 0
    assert 0 < said["share-percent"] <= 3
