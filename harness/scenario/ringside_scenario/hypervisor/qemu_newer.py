# SPDX-License-Identifier: BSD-3-Clause
"""A QEMU that is newer than the host's, for devices that this one has not: Debian trixie's, unpacked into a root of
its own in the cache, where nothing of it meets the host's libraries."""
import os
import shutil
import tempfile

from ringside_scenario import debian
from ringside_scenario.zoo import source

PACKAGES = {"aarch64": "qemu-system-arm", "x86_64": "qemu-system-x86"}
# Device types whose vhost-user front-end came after QEMU 7.2, and the architecture of the guests that have them.
DEVICES = {"scmi": "aarch64"}


class NotThere(Exception):
    """It cannot be had; the text says why."""


def words(arch):
    """What runs it. It is fetched when it is not there yet. NotThere."""
    kind = source.Debian(None, {"debian": "trixie", "packages": [PACKAGES[arch]],
                                "program": f"usr/bin/qemu-system-{arch}"})
    folder = os.path.join(debian.cache(), "qemu-trixie", arch)
    try:
        if not os.path.isdir(folder):
            _build(kind, folder)
        return [*kind.program(folder), "-L", os.path.join(folder, "root/usr/share/qemu")]
    except source.NotBuilt as e:
        raise NotThere(f"QEMU of Debian trixie: {e}") from None


def _build(kind, folder):
    lacks = kind.missing()
    if not lacks and os.environ.get("RINGSIDE_OFFLINE"):
        lacks = f"it is not in {folder}, and RINGSIDE_OFFLINE is set"
    if lacks:
        raise NotThere(f"QEMU of Debian trixie: {lacks}")
    with debian.locked(os.path.dirname(folder)):
        if os.path.isdir(folder):
            return
        part = tempfile.mkdtemp(prefix=".part-", dir=os.path.dirname(folder))
        try:
            kind.build(part, debian.cache(), os.path.join(os.path.dirname(folder), "log"))
            os.rename(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
