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
    connects = ("library", "eventfd", "vhost-user")

    def lab_of(self, cell):
        # The kernel's own eventfds for Xen need a PVH dom0, and a module that Debian builds without them.
        return "xen-pvh" if cell.connect == "eventfd" else self.lab

    def missing(self, cell, ctx):
        beside = os.path.dirname(os.path.abspath(ctx.ringside))
        if not os.path.exists(os.path.join(beside, "ringside-xen")):
            return "ringside-xen is not built: it needs libxen-dev"
        return super().missing(cell, ctx)

    def words(self, cell):
        # A guest that spins keeps dom0 from the only processor for a whole slice of time.
        rest = ["rest=200us"] if cell.job == "conform" else []
        return super().words(cell) + rest

    def calibration(self, cell):
        event = ["event=0xd0000860"] if cell.connect == "eventfd" else []
        return ["user=0xd0000800", *event, "inject=0xd0000804", "line=5"]


def named(_name):
    return XenLab()
