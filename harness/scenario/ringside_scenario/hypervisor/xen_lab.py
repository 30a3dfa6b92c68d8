# SPDX-License-Identifier: BSD-3-Clause
"""Xen in the lab of that name, with ringside-xen(1) in its dom0. A cell's job differs from the one under KVM
in what makes the guest, and in where the device is."""
import os
import shlex

from ringside_scenario.hypervisor.kvm_lab import GUEST, MARK, SOCKET, KvmLab


class XenLab(KvmLab):
    name = "xen-lab"
    lab = "xen"
    prefix = "xen"
    # The kernel's own eventfds for Xen (privcmd) are in no kernel of Debian's.
    connects = ("library", "vhost-user")

    def missing(self, cell, ctx):
        beside = os.path.dirname(os.path.abspath(ctx.ringside))
        if not os.path.exists(os.path.join(beside, "ringside-xen")):
            return "ringside-xen is not built: it needs libxen-dev"
        return super().missing(cell, ctx)

    def calibration(self, cell):
        return ["user=0xd0000800", "inject=0xd0000804", "line=5"]

    def _vmm(self, cell):
        argv = ["ringside-xen", cell.device, "--kernel", GUEST, "--mode", cell.connect,
                "--silence", "120", "--stream", "/tmp/stream"]
        words = self.words(cell)
        if cell.job == "bench":
            argv += ["--counts", "/tmp/counts"]
            words.append(f"mark={MARK}")
        argv += ["--append", " ".join(words)]
        if cell.connect == "vhost-user":
            argv += ["--socket-path", SOCKET]
            # The guest's counter must be the back-end's.
            argv += ["--stamps", "/tmp/unused"] if cell.job == "bench" else []
        else:
            argv += self._medium(cell) + self._measured(cell)
        return shlex.join(argv)


def named(_name):
    return XenLab()
