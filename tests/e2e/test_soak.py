# SPDX-License-Identifier: BSD-3-Clause
"""tests/bench/soak, with fewer requests than it is for."""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def soak(build_dir, *options):
    return subprocess.run([sys.executable, f"{TOP}/tests/bench/soak", "--build", build_dir, *options],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)


def test_every_device(build_dir):
    done = soak(build_dir, "--requests", "20000")
    assert done.returncode == 0, done.stdout + done.stderr
    devices = re.findall(r"^(\w+): 20000 requests, ", done.stdout, re.M)
    assert set(devices) == {"blk", "rng", "net", "i2c", "gpio", "console", "vsock", "scmi", "fs", "sound", "gpu", "input",
                            "can", "spi", "scsi"}


def test_usage(build_dir):
    done = soak(build_dir, "toaster")
    assert done.returncode == 2
    assert "toaster" in done.stderr
