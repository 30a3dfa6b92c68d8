# SPDX-License-Identifier: BSD-3-Clause
"""Programs of the host with the libraries that they need, as files of an initramfs."""
import os
import re
import shutil
import subprocess
import tempfile

from ringside_scenario.lab.base import File


def _needed(program):
    """{where the program looks for it: where it is}, by the dynamic linker's own word."""
    try:
        said = subprocess.run(["ldd", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = {}
    for line in said.splitlines():
        match = re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line)
        if match:
            found[match.group(2)] = os.path.realpath(match.group(2))
    return found


def _stripped(path):
    """Its content without what only a debugger reads."""
    if shutil.which("strip"):
        with tempfile.NamedTemporaryFile(prefix="ringside-") as f:
            done = subprocess.run(["strip", "-o", f.name, path], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=120, check=False)
            if done.returncode == 0:
                with open(f.name, "rb") as stripped:
                    return stripped.read()
    with open(path, "rb") as f:
        return f.read()


def gather(programs):
    """{path in the lab: File} of programs ([path], to /bin) and their libraries."""
    files = {}
    for program in programs:
        files[f"bin/{os.path.basename(program)}"] = File(0o100755, _stripped(program))
        for name, real in _needed(program).items():
            where = name.lstrip("/")
            if where not in files:
                files[where] = File(0o100755, path=real)
    return files
