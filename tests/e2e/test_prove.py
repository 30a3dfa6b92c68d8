# SPDX-License-Identifier: BSD-3-Clause
"""ringside prove on parts of the suite; ci/test runs the whole of it."""
import json
import subprocess

import pytest


def prove(ringside_bin, *args, deadline=120):
    return subprocess.run([ringside_bin, "prove", *args], capture_output=True, text=True,
                          timeout=deadline, check=False)


@pytest.fixture
def proof(ringside_bin, run_dir):
    def run(*args):
        out = run_dir / "proof.json"
        done = prove(ringside_bin, *args, "--format", "json", "--output", str(out))
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(out.read_text())
    return run


# One of each kind: over the socket, over any transport, over registers only, another device.
@pytest.mark.parametrize("check", ["vu.msg.form", "blk.rw.sizes", "mmio.*", "rng.*"])
def test_checks_are_proven_by_themselves(proof, check):
    status, result = proof("--check", check)
    assert status == 0
    assert result["checks"]
    for one in result["checks"]:
        assert one["clean"] == "pass" and one["proven"] and one["faults"], one


def test_a_fault_that_a_check_does_not_see_proves_nothing(ringside_bin):
    """vu.life.torn names new-session and cannot see a ring that breaks."""
    done = prove(ringside_bin, "--check", "vu.life.torn", "--fault", "broken-ring-ends-program")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "unproven vu.life.torn: accuses no fault in any clause that it names")
    assert done.stdout.splitlines()[-1] == "1 checks, 0 proven"


def test_the_checks_of_one_fault(proof):
    """Those that name its clause are asked for; all others stand by and accuse nobody."""
    status, result = proof("--fault", "ack-nonzero-on-success")
    assert status in (0, 1)
    fault, = result["faults"]
    assert fault["caught_by"] and not fault["accused_wrongly"]
    assert {c["id"] for c in result["checks"]} >= set(fault["caught_by"])
    assert result["summary"]["checks"] < 20


def test_a_quick_proof_asks_nobody_else(proof):
    """blk.rw.sizes sees many faults; here only those in the clauses that it names."""
    status, quick = proof("--quick", "--check", "blk.rw.sizes")
    assert status == 0
    assert "accused_wrongly" not in quick["summary"], "nobody was asked"
    check, = quick["checks"]
    assert check["proven"] and check["faults"]
    assert {f["clause"] for f in quick["faults"]} <= {f["clause"] for f in check["faults"]}


def test_a_check_is_shown_the_faults_of_others(proof):
    """It names none of their clauses: it has nothing to catch, and must accuse none."""
    status, result = proof("--all-faults", "--check", "blk.id.padded", "--fault", "used-len-*")
    assert status == 0 and not result["checks"]
    assert len(result["faults"]) > 1
    assert all(f["caught_by"] == f["accused_wrongly"] == [] for f in result["faults"])


@pytest.mark.parametrize("args", [["--check", "no.such"], ["--fault", "no-such"],
                                  ["--check", "blk.rw.sizes", "--fault", "short-header-kills"]])
def test_nothing_selected_is_a_usage_error(ringside_bin, args):
    done = prove(ringside_bin, *args)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and " matches" in done.stderr


def test_a_backend_that_cannot_be_run(ringside_bin):
    done = prove(ringside_bin, "--backend", "/bin/false", "--check", "blk.rw.sizes")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


def test_what_another_check_caught_is_asked_again(proof, backend_bin, run_dir):
    """A fault may have shown to one check and have come too late for the other: it is tried once more for that."""
    late = run_dir / "late"
    late.write_text(f"""#!/bin/sh
        case "$*" in
        *"--fault gpio-not-enabled"*)
            mkdir {run_dir}/once 2>/dev/null && exec {backend_bin} "$@" --fault gpio-both-is-none ;;
        esac
        exec {backend_bin} "$@"
        """, encoding="utf-8")
    late.chmod(0o755)
    status, result = proof("--backend", str(late), "--check", "gpio.irq.@(delivered|other-edge)")
    assert (run_dir / "once").exists()
    assert status == 0 and all(c["proven"] for c in result["checks"]), result["checks"]
