# SPDX-License-Identifier: BSD-3-Clause
"""Our programs for a lab whose processor is another one than the host's. They are built in the build tree, from the
source that this is part of, with Debian's cross compiler and the libraries of the lab's packages."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from ringside_scenario import debian, programs
from ringside_scenario.lab.base import NotMade

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../.."))
NAMES = ("ringside", "ringside-backend", "ringside-xen")
DEADLINE = 1800


def _beside():
    return os.path.dirname(os.path.abspath(programs.find()["ringside"]))


def _built_in():
    """The build tree, when this is run from one; None: it is an installation."""
    build = os.path.dirname(_beside())
    there = os.path.exists(os.path.join(SOURCE, "CMakeLists.txt")) and \
        os.path.exists(os.path.join(build, "CMakeCache.txt"))
    return build if there else None


def missing(arch):
    """Why programs cannot be built here, in words; None: they can."""
    if not _built_in():
        return f"programs for {arch} are built in a build tree only"
    for program in (f"{arch}-linux-gnu-gcc", "cmake", "ninja", "pkg-config"):
        if not shutil.which(program):
            return f"programs for {arch} cannot be built without {program}"
    return None


def sysroot(arch, packages, top):
    """A folder below `top` with what is in these packages. NotMade."""
    archive = debian.Archive(arch)
    try:
        roots = [archive.unpacked(package, recorded=True) for package in packages]
    except debian.NotThere as e:
        raise NotMade(str(e)) from None
    known = json.dumps([archive.record(package) for package in packages], sort_keys=True)
    folder = os.path.join(top, f"sysroot-{hashlib.sha256(known.encode()).hexdigest()[:16]}")
    if os.path.isdir(folder):
        return folder
    with debian.locked(top):
        if not os.path.isdir(folder):
            part = tempfile.mkdtemp(prefix=".part-", dir=top)
            try:
                for root in roots:
                    shutil.copytree(root, part, symlinks=True, dirs_exist_ok=True)
                os.chmod(part, 0o755)
                os.rename(part, folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return folder


def _run(what, *argv):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=DEADLINE, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise NotMade(f"{what}: {e}") from None
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        wrong = [line for line in lines if "rror:" in line or line.startswith("FAILED")] or lines[-1:] or ["?"]
        raise NotMade(f"{what}: {wrong[0][:200]}")


def build(arch, root):
    """[path] of our programs for that architecture; what is there and up to date is kept. NotMade."""
    why = missing(arch)
    if why:
        raise NotMade(why)
    folder = os.path.join(_built_in(), arch)
    stamp = os.path.join(folder, ".sysroot")
    with debian.locked(folder):
        try:
            with open(stamp, encoding="utf-8") as f:
                same = f.read() == root
        except OSError:
            same = False
        if not same:
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                elif name != ".lock":
                    os.unlink(path)
            _run("cmake", "cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                 f"-DCMAKE_TOOLCHAIN_FILE={SOURCE}/ci/cmake/cross.cmake", f"-DRINGSIDE_ARCH={arch}",
                 f"-DRINGSIDE_SYSROOT={root}", "-DRINGSIDE_PROBE=OFF",
                 f"-DRINGSIDE_SPEC_GEN={_built_in()}/harness/spec/spec-gen")
            with open(stamp, "w", encoding="utf-8") as f:
                f.write(root)
        _run("ninja", "ninja", "-C", folder, *NAMES)
    return [os.path.join(folder, "bin", name) for name in NAMES]
