# SPDX-License-Identifier: BSD-3-Clause
"""The reference devices with registers: what their options do, as a check sees it."""
import subprocess

import pytest


def machine(backend_bin, device, transport, *options):
    command = (f"exec {backend_bin} {device} --registers {transport} --machine {{socket}} "
               f"--ram {{ram}} {' '.join(options)}")
    return (f"machine:{transport}", "--command", command, "--device", device)


@pytest.mark.parametrize("transport", ["pci", "mmio"])
def test_a_queue_reset_takes_as_long_as_what_is_in_flight(run_json, backend_bin, transport):
    """A fault that hides it shows only where something is in flight."""
    hidden = ("--fault", f"{transport}-queue-reset-hidden")
    for options, verdict in ((("--latency", "15"), "pass"), (hidden, "pass"),
                             (("--latency", "15", *hidden), "fail")):
        result = run_json("conform", *machine(backend_bin, "rng", transport, *options),
                          "--check", "regs.queue-reset.in-progress", status=(0, 1))
        assert result["checks"][0]["verdict"] == verdict, options


def test_without_a_feature_its_checks_are_skipped(run_json, backend_bin):
    result = run_json("conform", *machine(backend_bin, "rng", "mmio", "--without", "43"),
                      "--check", "regs.suspend.*")
    assert {c["verdict"] for c in result["checks"]} == {"skip"}


@pytest.mark.parametrize("value", ["soon", "-1", "60001"])
def test_a_latency_that_is_none(backend_bin, value):
    done = subprocess.run([backend_bin, "rng", "--registers", "pci", "--machine", "x", "--ram", "y",
                           "--latency", value], capture_output=True, text=True, check=False,
                          timeout=20)
    assert done.returncode == 2
    assert "--latency" in done.stderr
