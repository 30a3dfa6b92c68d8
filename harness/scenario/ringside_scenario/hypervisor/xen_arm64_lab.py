# SPDX-License-Identifier: BSD-3-Clause
"""Xen on arm64, in the lab of that name. There are no ports, and interrupts are lines of the interrupt controller."""
from ringside_scenario.hypervisor.lab import LabHypervisor
from ringside_scenario.hypervisor.xen_lab import XenLab
from ringside_scenario.lab import cross


class XenArm64Lab(XenLab):
    name = "xen-lab-arm64"
    lab = "xen-arm64"
    prefix = "xen-arm64"
    arch = "aarch64"
    mark = "0x02000808"
    connects = ("library", "vhost-user")

    def missing(self, cell, ctx):
        return cross.missing(self.arch) or LabHypervisor.missing(self, cell, ctx)

    def job_files(self, snapshot):
        return {"job/dom0-offset": f"{snapshot.facts['counter-offset']}\n".encode()}

    def _counter(self, cell):
        return ["--guest-counter", "/tmp/guest-offset"]

    def _command(self, cell):
        # Each is how far its domain's counter is behind the processor's.
        return super()._command(cell) + ("[ -s /tmp/guest-offset ] && echo $(($(cat /job/dom0-offset) - "
                                         "$(cat /tmp/guest-offset))) >/tmp/offset\n")

    def calibration(self, cell):
        return ["user=0x02000800", "inject=0x02000804", "line=33"]


def named(_name):
    return XenArm64Lab()
