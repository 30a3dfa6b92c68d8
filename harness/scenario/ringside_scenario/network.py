# SPDX-License-Identifier: BSD-3-Clause
"""A network for a guest: a namespace of its own, where our back-end has a TAP device and somebody answers."""
import functools
import os
import shlex
import shutil
import subprocess
import sys

PEER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest", "net-peer")
TAP = "ringside0"
# Root of that namespace at least.
ENTER = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
DEADLINE = 20


@functools.lru_cache(maxsize=None)
def missing():
    """Why there can be none here, in words; None: there can."""
    for program in ("unshare", "ip"):
        if not shutil.which(program):
            return f"a network cannot be made without {program}"
    try:
        done = subprocess.run([*ENTER, "ip", "tuntap", "add", "dev", TAP, "mode", "tap"], text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=DEADLINE)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"a network cannot be made here: {e}"
    if done.returncode:
        return "a network cannot be made here: " + (done.stdout.strip().splitlines() or ["no reason given"])[-1]
    return None


def attach(backend, iperf3=None):
    """Have the back-end run in it; with `iperf3`, the command line of one, that serves there, too."""
    backend.before = [*ENTER, sys.executable, PEER, TAP, *(["--iperf3", shlex.join(iperf3)] if iperf3 else []), "--"]
    backend.behind = ["--tap", TAP]
