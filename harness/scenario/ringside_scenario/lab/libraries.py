# SPDX-License-Identifier: BSD-3-Clause
"""Programs with the libraries that they need, as files of an initramfs: the host's own, or those of another
architecture, whose libraries are in a folder."""
import os
import re
import shutil
import subprocess
import tempfile

from ringside_scenario.lab.base import File, NotMade


def _said(*argv):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _needed(program):
    """{where the program looks for it: where it is}, by the dynamic linker's own word."""
    found = {}
    for line in _said("ldd", program).splitlines():
        match = re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line)
        if match:
            found[match.group(2)] = os.path.realpath(match.group(2))
    return found


def _needed_in(root, arch, program):
    """The same for a program that does not run here, by what it and its libraries say of themselves."""
    if not shutil.which("readelf"):
        raise NotMade(f"what {os.path.basename(program)} needs cannot be told without readelf")
    folders = [f"/{top}lib/{arch}-linux-gnu" for top in ("", "usr/")]
    found, ahead = {}, [program]
    while ahead:
        path = ahead.pop()
        said = _said("readelf", "-l", "-d", path)
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", said) + \
                re.findall(r"program interpreter: (/.+)\]", said):
            places = [name] if name[0] == "/" else [f"{folder}/{name}" for folder in folders]
            if any(place in found for place in places):
                continue
            there = [p for p in places if os.path.exists(root + p)]
            if not there:
                raise NotMade(f"{os.path.basename(path)} needs {name}, which is in no package of the lab")
            found[there[0]] = os.path.realpath(root + there[0])
            ahead.append(found[there[0]])
    return found


def _stripped(path, strip):
    """Its content without what only a debugger reads."""
    if shutil.which(strip):
        with tempfile.NamedTemporaryFile(prefix="ringside-") as f:
            done = subprocess.run([strip, "-o", f.name, path], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=120, check=False)
            if done.returncode == 0:
                with open(f.name, "rb") as stripped:
                    return stripped.read()
    with open(path, "rb") as f:
        return f.read()


def gather(programs, root=None, arch=None):
    """{path in the lab: File} of programs ([path], to /bin) and their libraries. NotMade."""
    files = {}
    strip = f"{arch}-linux-gnu-strip" if root else "strip"
    for program in programs:
        files[f"bin/{os.path.basename(program)}"] = File(0o100755, _stripped(program, strip))
        needed = _needed_in(root, arch, program) if root else _needed(program)
        for name, real in needed.items():
            where = name.lstrip("/")
            if where not in files:
                files[where] = File(0o100755, path=real)
    return files
