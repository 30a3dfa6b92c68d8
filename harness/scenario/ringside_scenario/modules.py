# SPDX-License-Identifier: BSD-3-Clause
"""Modules of Linux that Debian's kernel is built without: made from Debian's source of it, against its headers."""
import glob
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

DEADLINE = 600


class NotBuilt(Exception):
    """They cannot be; the text says why."""


def packages(release):
    """Of a kernel's release: its headers, those of all flavours, the build's programs, the source."""
    abi = re.sub(r"-[^-]*$", "", release)
    source = re.match(r"\d+\.\d+", release).group()
    return [f"linux-headers-{release}", f"linux-headers-{abi}-common", f"linux-kbuild-{abi}",
            f"linux-source-{source}"]


# What the kernel's makefiles call an architecture.
NAMES = {"x86_64": "x86_64", "aarch64": "arm64"}


def missing(arch="x86_64"):
    """Why none can be built here, in words; None: they can."""
    for program in ("make", f"{arch}-linux-gnu-gcc-12"):
        if not shutil.which(program):
            return f"modules cannot be built without {program}"
    return None


def build(release, roots, files, kbuild, name="modules", arch="x86_64"):
    """{module: content} of what `kbuild` says of `files`, which are paths in Linux's source, or such a path and the
    one that it is to have; `roots` has where the packages are unpacked; `name` is that of the folder, which a module
    may mention. NotBuilt."""
    headers, common, programs, source = packages(release)
    why = missing(arch)
    if why:
        raise NotBuilt(why)
    work = tempfile.mkdtemp(prefix="ringside-")
    try:
        tree = os.path.join(work, "usr/src", headers)
        # A tree of their own, since the packages refer to each other and to where they would be.
        for package, where in ((headers, "usr/src"), (common, "usr/src"), (programs, "usr/lib")):
            shutil.copytree(os.path.join(roots[package], where, package),
                            os.path.join(work, where, package), symlinks=True)
        with open(os.path.join(tree, "Makefile"), "w", encoding="ascii") as f:
            f.write(f"include {work}/usr/src/{common}/Makefile\n")
        folder = os.path.join(work, name)
        os.mkdir(folder)
        _take(roots[source], files, folder)
        with open(os.path.join(folder, "Kbuild"), "w", encoding="ascii") as f:
            f.write(kbuild)
        _make(tree, folder, arch)
        return {os.path.basename(path)[:-3].replace("-", "_"): _stripped(path, arch)
                for path in glob.glob(os.path.join(glob.escape(folder), "*.ko"))}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take(root, files, folder):
    (packed,) = glob.glob(os.path.join(glob.escape(root), "usr/src/linux-source-*.tar.xz"))
    wanted = dict(f if isinstance(f, tuple) else (f, os.path.basename(f)) for f in files)
    with tarfile.open(packed, "r|xz") as archive:
        for member in archive:
            inside = member.name.partition("/")[2]
            if inside in wanted:
                path = os.path.join(folder, wanted.pop(inside))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(archive.extractfile(member).read())
            if not wanted:
                return
    raise NotBuilt(f"{packed} has no {', '.join(sorted(wanted))}")


def _make(tree, folder, arch):
    argv = ["make", "-C", tree, f"M={folder}", "modules", "CONFIG_DEBUG_INFO_BTF_MODULES=",
            f"ARCH={NAMES[arch]}", f"CROSS_COMPILE={arch}-linux-gnu-",
            f"KCFLAGS=-ffile-prefix-map={os.path.dirname(folder)}=."]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        raise NotBuilt(f"modules were not built within {DEADLINE} s") from None
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if not line.startswith("make")]
        wrong = [line for line in said if "rror" in line] or said[-1:] or ["?"]
        raise NotBuilt(f"modules could not be built: {wrong[0][:200]}")


def _stripped(path, arch):
    subprocess.run([f"{arch}-linux-gnu-strip", "--strip-debug", path], stdin=subprocess.DEVNULL, check=False)
    with open(path, "rb") as f:
        return f.read()
