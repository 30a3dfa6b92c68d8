# SPDX-License-Identifier: BSD-3-Clause
"""Xen of this machine with ringside-xen(1), where this is its dom0: a device in each of the ways to connect it,
on time and not on instructions."""
import os

from ringside_scenario.hypervisor.kvm_host import KvmHost

CAPABILITIES = "/proc/xen/capabilities"
GUEST_TYPE = "/sys/hypervisor/guest_type"


def _read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return None


class XenHost(KvmHost):
    name = "xen"
    monitor = ("ringside-xen", "--silence", "120")

    def missing(self, cell, ctx):
        if not os.path.exists(self.program(ctx)):
            return "ringside-xen is not built: it needs libxen-dev"
        found = _read(CAPABILITIES)
        if found is None:
            return f"this is no dom0 of Xen's: there is no {CAPABILITIES}"
        if "control_d" not in found:
            return f"this is no dom0 of Xen's: {CAPABILITIES} says '{found}'"
        if cell.connect == "eventfd" and _read(GUEST_TYPE) == "PV":
            return "the kernel's eventfds need a PVH dom0"
        return None


def named(_name):
    return XenHost()
