# SPDX-License-Identifier: BSD-3-Clause
"""ringside-xen where there is no Xen: its manners. What it does under Xen is the labs' to test."""
import json
import os
import subprocess

import pytest


@pytest.fixture
def xen(build_dir):
    path = build_dir / "bin/ringside-xen"
    if not path.exists():
        pytest.skip("ringside-xen is not built: libxen-dev is missing")

    def run(*args):
        return subprocess.run([str(path), *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
    return run


TYPES = "blk, net, rng, i2c, gpio, scmi, console, vsock, fs, sound, gpu, input, can, spi, scsi, null"


@pytest.mark.parametrize("args, why", [
    ([], "which device? " + TYPES),
    (["rng"], "which guest? --kernel IMAGE"),
    (["disk", "--kernel", "x"],
     f"no device type 'disk': {TYPES} are"),
    (["rng", "more", "--kernel", "x"], "'more' is one argument too many"),
    (["rng", "--kernel", "x", "--interrupt", "line"],
     "--interrupt line needs --platform hvm: PVH has no lines"),
    (["rng", "--interrupt", "smoke"], "--interrupt: 'smoke' is none of msi, upcall, line"),
    (["rng", "--platform", "pv"], "--platform: 'pv' is none of pvh, hvm"),
    (["rng", "--mode", "other"],
     "--mode: 'other' is none of library, eventfd, vhost-user"),
    (["rng", "--kernel", "x", "--mode", "eventfd", "--interrupt", "upcall"],
     "--mode eventfd has interrupts by --interrupt msi alone"),
    (["rng", "--share", "all"], "--share: 'all' is none of foreign, grants, bounce"),
    (["rng", "--kernel", "x", "--mode", "vhost-user"],
     "--mode vhost-user and --socket-path go together"),
    (["rng", "--kernel", "x", "--ram", "1"], "--ram: '1' is not a number of MiB from 8m to 2g"),
    (["rng", "--kernel", "x", "--memory", "1m"], "rng has no use for options of blk"),
    (["null", "--kernel", "x"], "null has no registers: it is no device type"),
    (["rng", "--kernel", "x", "--queue-size", "48"],
     "--queue-size: '48' is not a power of 2 up to 32768"),
    (["rng", "--kernel", "x", "--fault", "none"],
     "no fault 'none': see ringside-backend --list-faults"),
    (["blk", "--memory", "1g2"], "--memory: '1g2' is not a size from 512 to 1048576t"),
])
def test_wrong_command_line(xen, args, why):
    done = xen(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ringside-xen: {why} (--help tells more)\n"


def test_help_and_version(xen):
    assert xen("--help").stdout.startswith("usage: ringside-xen DEVICE")
    assert xen("--version").stdout.startswith("ringside-xen 0.")


@pytest.mark.skipif(os.path.exists("/dev/xen/privcmd"), reason="this is a guest of Xen")
def test_without_xen(xen):
    """One line for the user; the libraries may have said more."""
    done = xen("rng", "--kernel", "/dev/null")
    assert (done.returncode, done.stdout) == (4, "")
    assert "ringside-xen: no way to the hypervisor: " in done.stderr.splitlines()[-1]


@pytest.mark.skipif(os.path.exists("/proc/xen/capabilities"), reason="this is a guest of Xen")
def test_a_scenario_says_that_there_is_no_xen(ringside, repo, build_dir, tmp_path):
    ringside("run", repo / "scenarios/xen.yaml", "-o", tmp_path / "out", "--no-report")
    cells = json.loads((tmp_path / "out/run.json").read_text())["cells"]
    assert {c["axes"]["connect"] for c in cells} == {"library", "eventfd", "vhost-user"}
    why = ("this is no dom0 of Xen's: there is no /proc/xen/capabilities"
           if (build_dir / "bin/ringside-xen").exists() else "ringside-xen is not built")
    for cell in cells:
        assert cell["status"] == "skip" and why in cell["reason"]
