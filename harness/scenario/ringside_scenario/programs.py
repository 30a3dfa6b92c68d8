# SPDX-License-Identifier: BSD-3-Clause
"""Where the programs are that a run needs."""
import os
import sys


def _beside():
    """bin of the tree or the installation that this program belongs to."""
    # argv[0] is the link in the build tree, or the installed file; a worker of xdist has neither.
    folder = os.environ.get("RINGSIDE_LIBEXEC") or os.path.dirname(os.path.abspath(sys.argv[0]))
    return os.path.normpath(os.path.join(folder, "../../bin"))


def find():
    """{"ringside": …, "backend": …}"""
    ringside = os.environ.get("RINGSIDE") or os.path.join(_beside(), "ringside")
    backend = os.environ.get("RINGSIDE_BACKEND") or os.path.join(
        os.path.dirname(ringside), "ringside-backend")
    return {"ringside": ringside, "backend": backend}


def guest(name):
    """An image that a guest boots: installed, or in the build tree. None: it is not there."""
    libexec = os.environ.get("RINGSIDE_LIBEXEC") or os.path.dirname(os.path.abspath(sys.argv[0]))
    for folder in (libexec, os.path.join(libexec, "..", "..", "probe")):
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(path):
            return path
    return None


def scenario(name):
    """A scenario, or a folder of them, that came with ringside: 'firmware', 'firmware.yaml',
    'scenarios/firmware.yaml', 'scenarios'. None: there is none."""
    libexec = os.environ.get("RINGSIDE_LIBEXEC") or os.path.dirname(os.path.abspath(sys.argv[0]))
    base = os.path.normpath(os.path.join(libexec, "../../share/ringside"))
    if os.path.isabs(name) or ".." in name.split(os.sep):
        return None
    for path in (os.path.join(base, name), os.path.join(base, "scenarios", name),
                 os.path.join(base, "scenarios", f"{name}.yaml")):
        if os.path.exists(path):
            return path
    return None
