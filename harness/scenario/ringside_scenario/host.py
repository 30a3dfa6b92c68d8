# SPDX-License-Identifier: BSD-3-Clause
"""The host's fingerprint: what a number or a verdict may depend on."""
import os
import platform
import re
import shutil
import subprocess


def _value(path, key):
    """The value of the first 'key: value' or 'key=value' line."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                match = re.match(rf"{re.escape(key)}\s*[:=]\s*(.*)", line)
                if match:
                    return match.group(1).strip().strip('"')
    except OSError:
        pass
    return None


def _first_line(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.readline().strip() or None
    except OSError:
        return None


def _said(argv, pattern=None, cwd=None):
    if not shutil.which(argv[0]):
        return None
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=cwd,
                              stderr=subprocess.DEVNULL, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    line = done.stdout.strip().splitlines()[0] if done.stdout.strip() else None
    if line and pattern:
        match = re.search(pattern, line)
        return match.group(1) if match else None
    return line


def fingerprint():
    """The members of a result's "host"; what could not be found out is left out."""
    found = {
        "cpu": _value("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "microcode": _value("/proc/cpuinfo", "microcode"),
        "os": _value("/etc/os-release", "PRETTY_NAME"),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "hypervisor": _first_line("/sys/hypervisor/type"),
    }
    return {k: v for k, v in found.items() if v is not None}


def software(ringside, source):
    """Versions of what takes part. `source`: the folder whose commit counts."""
    found = {
        "ringside": _said([ringside, "--version"], r"ringside (\S+)"),
        "commit": _said(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=source),
        "python": platform.python_version(),
        "qemu-storage-daemon": _said(["qemu-storage-daemon", "--version"], r"version (\S+)"),
    }
    for arch in ("x86_64", "aarch64", "riscv64"):
        program = f"qemu-system-{arch}"
        found[program] = _said([program, "--version"], r"version (\S+)")
    return {k: v for k, v in found.items() if v is not None}
