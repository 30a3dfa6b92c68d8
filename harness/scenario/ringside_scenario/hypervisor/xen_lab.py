# SPDX-License-Identifier: BSD-3-Clause
"""Xen in the labs of that name, with ringside-xen(1) in its dom0. A cell's job differs from the one under KVM
in what makes the guest, and in where the device is. What a hypercall or an interrupt costs depends on what
dom0 is, so a lab's figures are to be compared with one another."""
import os

from ringside_scenario.hypervisor.kvm_lab import KvmLab

GRANTS = "vhost-user-grants"


class XenLab(KvmLab):
    name = "xen-lab"
    lab = "xen"
    prefix = "xen"
    monitor = ("ringside-xen", "--silence", "120")
    connects = ("library", "vhost-user", GRANTS)
    recorded = ()  # a dom0 does not see what its hypervisor does

    def missing(self, cell, ctx):
        beside = os.path.dirname(os.path.abspath(ctx.ringside))
        if not os.path.exists(os.path.join(beside, "ringside-xen")):
            return "ringside-xen is not built: it needs libxen-dev"
        return super().missing(cell, ctx)

    def mode(self, cell):
        return ["vhost-user", "--share", "grants"] if cell.connect == GRANTS else [cell.connect]

    def words(self, cell):
        # A guest that spins keeps dom0 from the only processor for a whole slice of time.
        rest = ["rest=200us"] if cell.job == "conform" else []
        return super().words(cell) + rest

    def calibration(self, cell):
        event = ["event=0xd0000860"] if cell.connect == "eventfd" else []
        return ["user=0xd0000800", *event, "inject=0xd0000804", "line=5"]


class XenPvhLab(XenLab):
    """dom0 is a PVH guest, whose kernel has eventfds for Xen."""

    name = "xen-pvh-lab"
    lab = "xen-pvh"
    prefix = "xen-pvh"
    connects = ("library", "eventfd", "vhost-user")


def named(name):
    return XenPvhLab() if name == XenPvhLab.name else XenLab()
