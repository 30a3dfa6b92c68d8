# SPDX-License-Identifier: BSD-3-Clause
"""What targets are called, and anchors."""
import os
import re


def target_name(target):
    """The name that was given; else what the URI or the command says, in few words.

    Of a socket its name without folder and ending, of a device inside QEMU the device, of what a
    command starts the program.
    """
    uri = target["uri"]
    name = target.get("name") or uri
    if name != uri:
        return name
    kind, _, rest = uri.partition(":")
    if kind == "qemu":
        return qemu_device(rest) or uri
    words = [w for w in (target.get("command") or "").split() if w != "exec"]
    program = os.path.basename(words[0]) if words else ""
    if kind == "machine":
        return program or uri
    return os.path.basename(rest).removesuffix(".sock") or program or uri


def qemu_device(spec):
    """virtio-blk-pci of "virtio-blk-pci,drive=d?arch=aarch64&…", with what tells it from others."""
    device, _, query = spec.partition("?")
    keys = [key for key in query.split("&") if key.startswith(("arch=", "machine="))]
    return " ".join([device.split(",", 1)[0], *(key.partition("=")[2] for key in keys)])


def unique(names, details=None):
    """The same names, told apart: by their details where these differ, then by a number.

    The detail goes in brackets behind each name that several have.
    """
    if details:
        kinds = {}
        for name, detail in zip(names, details):
            kinds.setdefault(name, set()).add(detail)
        names = [f"{name} ({detail})" if detail and len(kinds[name]) > 1 else name
                 for name, detail in zip(names, details)]
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
