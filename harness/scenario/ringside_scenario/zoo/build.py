# SPDX-License-Identifier: BSD-3-Clause
"""The cache of what was built: a folder for each target, with a record of what it was built from.

$RINGSIDE_ZOO_CACHE, else ${XDG_CACHE_HOME:-~/.cache}/ringside/zoo.
"""
import hashlib
import json
import os
import shutil

from ringside_scenario import debian
from ringside_scenario.zoo.source import NotBuilt

RECORD = "built.json"


class CannotBuild(Exception):
    """This machine lacks something that building takes; the text says what."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("RINGSIDE_ZOO_CACHE") or os.path.join(base, "ringside", "zoo")


def folder(target):
    return os.path.join(cache(), "built", target.name)


def _fingerprint(target):
    return hashlib.sha256(json.dumps(target.source.facts, sort_keys=True).encode()).hexdigest()


def record(target):
    """What was built from what the description says now; None: nothing was."""
    try:
        with open(os.path.join(folder(target), RECORD), encoding="utf-8") as f:
            found = json.load(f)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("fingerprint") == _fingerprint(target) else None


def ensure(target, say=lambda text: None, again=False):
    """The folder with what was built; built when it is not there. CannotBuild, NotBuilt."""
    out = folder(target)
    with debian.locked(cache()):
        if not again and record(target):
            return out
        lacks = target.source.missing()
        if not lacks and os.environ.get("RINGSIDE_OFFLINE") and target.source.kind in ("crate", "debian"):
            lacks = "it is not built, and RINGSIDE_OFFLINE is set"
        if lacks:
            raise CannotBuild(lacks)
        say(f"building {target.name}")
        part = out + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        log = os.path.join(cache(), f"{target.name}.log")
        with open(log, "wb"):
            pass
        target.source.build(part, cache(), log)
        program = target.source.program(part)[-1]
        if not os.path.exists(program):
            raise NotBuilt(f"{os.path.relpath(program, part)} was not made: see {log}")
        made = {"fingerprint": _fingerprint(target), "version": target.source.version(part)}
        with open(os.path.join(part, RECORD), "w", encoding="utf-8") as f:
            json.dump(made, f)
        shutil.rmtree(out, ignore_errors=True)
        os.rename(part, out)
    return out
