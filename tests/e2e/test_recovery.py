# SPDX-License-Identifier: BSD-3-Clause
"""Ends in the middle of a load: nothing acknowledged is lost, nothing is done twice.

The driver, its rings and the in-flight region outlive the back-end (recovery/). It checks each
acknowledgement as it comes and the whole image after most rounds.
"""
import json
import subprocess

import pytest

ROUNDS = 100
SECONDS = 60  # for all rounds; a fraction of it on an idle machine, much of it with sanitizers
DEADLINE = 240


@pytest.fixture
def recovery(build_dir, backend_bin, run_dir):
    """recovery(*options): run it against ringside-backend; what it found, parsed.

    With options for the back-end: the completed process.
    """
    program = build_dir / "tests/recovery"
    if not program.exists():
        pytest.skip(f"{program} is not built")

    def run(*options, backend_options=()):
        done = subprocess.run([program, "--rounds", str(ROUNDS), *options, backend_bin,
                               run_dir / "disk.img", run_dir / "blk.sock", *backend_options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        if backend_options:
            return done
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["seconds"] < SECONDS or build_dir.name != "build"
        return found
    return run


@pytest.mark.parametrize("event_idx", [False, True], ids=["flags", "event-idx"])
@pytest.mark.parametrize("end", ["kill", "term", "disconnect"])
def test_nothing_acknowledged_is_lost(recovery, end, event_idx):
    found = recovery("--end", end, *(["--event-idx"] if event_idx else []))
    print(found)
    assert found["rounds"] == ROUNDS
    # The load was one: requests were in flight at the ends, and some already in the used ring.
    assert found["requests"] > 20 * ROUNDS
    assert found["in_flight"] > 5 * ROUNDS
    assert found["published_unseen"] > 0
    if end == "kill":
        assert found["in_window"] > ROUNDS / 4


@pytest.mark.parametrize("seed", range(1, 4))
def test_other_moments(recovery, seed):
    """The same at other moments, close together: recovery itself is interrupted."""
    found = recovery("--seed", str(seed), "--load-us", "1500")
    assert found["rounds"] == ROUNDS


@pytest.mark.parametrize("fault", ["inflight-not-resubmitted", "inflight-marked-late",
                                   "inflight-not-cleared", "inflight-used-idx-first"])
def test_faults_are_noticed(recovery, backend_bin, fault):
    """The test's own proof."""
    listed = subprocess.run([backend_bin, "--list-faults"], capture_output=True, text=True,
                            timeout=DEADLINE, check=True).stdout
    if fault not in listed.split():
        pytest.skip(f"the back-end has no fault {fault}")
    done = recovery("--event-idx", backend_options=("--fault", fault))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("round ")
