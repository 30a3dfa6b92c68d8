# SPDX-License-Identifier: BSD-3-Clause
"""Does KVM run an ordinary guest here? /dev/kvm may exist and still not do so, or do it by emulating
every instruction of the guest's kernel mode; so a tiny guest is run, against the clock."""
import functools
import os
import platform
import shutil
import subprocess
import sys
import time

TOO_SLOW = 3.0  # seconds; a processor of the last twenty years needs a tenth of one
DONE = (0x10 << 1) | 1  # what isa-debug-exit makes of what the guest writes


def _tiny():
    folder = os.environ.get("RINGSIDE_LIBEXEC") or os.path.dirname(os.path.abspath(sys.argv[0]))
    return os.path.join(folder, f"tiny-kvm-{platform.machine()}")


def _try(cpu):
    """None when it ran as it should, else what happened."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            [f"qemu-system-{platform.machine()}", "-machine", "q35,accel=kvm", "-cpu", cpu,
             "-m", "16M", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", _tiny()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            timeout=TOO_SLOW, check=False)
    except subprocess.TimeoutExpired:
        return (f"a tiny one has not done in {TOO_SLOW:.0f} s what takes a tenth of one: its kernel "
                "mode is emulated, or hangs")
    except OSError as e:
        return e.strerror
    if done.returncode == DONE:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    took = time.monotonic() - start
    return f"a tiny one ended after {took:.1f} s: " + (lines[-1][:160] if lines else "no reason")


@functools.lru_cache(maxsize=None)
def _probe():
    """(processor that works or None, why not)"""
    if not os.path.exists("/dev/kvm"):
        return None, "there is no /dev/kvm"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return None, "/dev/kvm may not be opened by this user"
    if not shutil.which(f"qemu-system-{platform.machine()}"):
        return None, f"qemu-system-{platform.machine()} is not installed"
    if not os.path.exists(_tiny()):
        return None, f"whether KVM works cannot be tried: no tiny guest for {platform.machine()}"
    why = None
    for cpu in ("host", "qemu64"):
        why = _try(cpu)
        if why is None:
            return cpu, None
    return None, f"KVM runs no ordinary guest here: {why}"


def missing(arch):
    """Why there is no KVM for guests of that architecture; None: there is."""
    if arch != platform.machine():
        return f"KVM runs guests of {platform.machine()} here"
    return _probe()[1]


def processor(_arch):
    """The -cpu that a guest gets."""
    return _probe()[0] or "host"
