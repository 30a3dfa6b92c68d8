# SPDX-License-Identifier: BSD-3-Clause
"""Xen in the lab of that name, with ringside-xen(1) in its dom0. A cell's job differs from the one under KVM
in what makes the guest, and in where the device is."""
import os

from ringside_scenario.hypervisor.kvm_lab import KvmLab


class XenLab(KvmLab):
    name = "xen-lab"
    lab = "xen"
    prefix = "xen"
    monitor = ("ringside-xen", "--silence", "120")
    # The kernel's own eventfds for Xen (privcmd) are in no kernel of Debian's.
    connects = ("library", "vhost-user")

    def missing(self, cell, ctx):
        beside = os.path.dirname(os.path.abspath(ctx.ringside))
        if not os.path.exists(os.path.join(beside, "ringside-xen")):
            return "ringside-xen is not built: it needs libxen-dev"
        return super().missing(cell, ctx)

    def calibration(self, cell):
        return ["user=0xd0000800", "inject=0xd0000804", "line=5"]


def named(_name):
    return XenLab()
