# SPDX-License-Identifier: BSD-3-Clause
"""Peers that Debian 12 has no package of: a root of Debian 13's, outside the tree and made once."""
import os
import shutil
import subprocess

SUITE = "trixie"
PACKAGES = ("libblkio-dev", "gcc", "libc6-dev")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main"
HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE = 900


class Missing(Exception):
    """A peer cannot be had; the text says why."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "ringside", "peers")


def _run(argv, what, **kwargs):
    try:
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=DEADLINE, **kwargs)
    except (OSError, subprocess.SubprocessError) as e:
        raise Missing(f"{what}: {e}") from None


def _root():
    root = os.path.join(cache(), SUITE)
    if os.path.exists(os.path.join(root, "usr/include/blkio.h")):
        return root
    if os.environ.get("RINGSIDE_OFFLINE"):
        raise Missing(f"{root} is not there, and RINGSIDE_OFFLINE is set")
    if not shutil.which("mmdebstrap"):
        raise Missing("mmdebstrap is not installed (ci/bootstrap peers)")
    print(f"peers: installing {', '.join(PACKAGES)} of Debian {SUITE} into {root}", flush=True)
    os.makedirs(cache(), exist_ok=True)
    part = f"{root}.part"
    shutil.rmtree(part, ignore_errors=True)
    _run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}", SUITE, part,
          MIRROR], "mmdebstrap")
    os.rename(part, root)
    return root


def blkio():
    """argv of the program over libblkio, compiled and linked there when it is not yet. Missing."""
    root = _root()
    source = os.path.join(os.path.dirname(HERE), "peer", "blkio.c")
    program = os.path.join(root, "usr/local/bin/ringside-blkio")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        shutil.copy(source, os.path.join(root, "tmp/blkio.c"))
        _run([*([] if os.geteuid() == 0 else ["unshare", "--map-root-user"]), "chroot", root, "gcc",
              "-O2", "-Wall", "-o", "/usr/local/bin/ringside-blkio", "/tmp/blkio.c", "-lblkio"],
             "compiling blkio.c", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    libraries = os.path.join(root, "usr/lib", f"{os.uname().machine}-linux-gnu")
    loader = next((os.path.join(root, p) for p in ("lib64/ld-linux-x86-64.so.2",
                                                   "lib/ld-linux-aarch64.so.1")
                   if os.path.exists(os.path.join(root, p))), None)
    if not loader:
        raise Missing(f"{root} has no loader that is known here")
    # The root's own loader and libraries: nothing of them meets the host's.
    return [loader, "--library-path", libraries, program]


def blkio_version():
    status = os.path.join(_root(), "var/lib/dpkg/status")
    with open(status, encoding="utf-8") as f:
        for stanza in f.read().split("\n\n"):
            if stanza.startswith("Package: libblkio1\n"):
                return next(line.split()[1] for line in stanza.splitlines()
                            if line.startswith("Version:"))
    return "unknown"
