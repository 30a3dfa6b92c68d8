# SPDX-License-Identifier: BSD-3-Clause
"""What targets are called, and anchors."""
import os
import re


def target_name(target):
    """The name that was given, else the socket's without folder and ending, else the program's."""
    uri = target["uri"]
    name = target.get("name") or uri
    if name != uri:
        return name
    program = os.path.basename((target.get("command") or "").split(" ", 1)[0])
    return os.path.basename(uri.partition(":")[2]).removesuffix(".sock") or program or uri


def unique(names):
    """The same names, with a number behind each that was there before."""
    seen, result = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


class Anchors:
    """Ids for the page: safe in an attribute and a URL, different for different things."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.given = {}
        self.used = set()

    def __call__(self, name):
        if name not in self.given:
            base = self.prefix + (re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80] or "x")
            anchor, n = base, 1
            while anchor in self.used:
                n += 1
                anchor = f"{base}~{n}"
            self.used.add(anchor)
            self.given[name] = anchor
        return self.given[name]
