# SPDX-License-Identifier: BSD-3-Clause
"""User-mode Linux: Debian's kernel as a program, with a front-end of its own (virtio_uml) for any device type.

It is where Linux's drivers meet our back-ends that QEMU has no front-end for.
"""
import os
import platform

from ringside_scenario import debian
from ringside_scenario.hypervisor.base import Hypervisor, Running
from ringside_scenario.outcome import Failed
from ringside_scenario.process import NotStarted

PACKAGE = "user-mode-linux"
IDS = {"net": 1, "blk": 2, "console": 3, "vsock": 19}  # of what its kernel has a driver for


class Uml(Hypervisor):
    name = "uml"

    def fold(self, axes):
        if axes["driver"] != "linux" or axes["backend"] == "qemu" or axes["device"] not in IDS:
            return None
        return {**axes, "arch": "x86_64", "transport": "vhost-user"}

    def missing(self, cell, ctx):
        if platform.machine() != "x86_64":
            return "Debian has User-mode Linux for x86_64"
        try:
            debian.Archive("x86_64").unpacked(PACKAGE)
        except debian.NotThere as e:
            return str(e)
        return None

    def start(self, cell, ctx, backend, guest):
        options = dict(zip(guest.args[::2], guest.args[1::2]))
        console = os.path.join(ctx.folder, "console.log")
        words = [w for w in options["-append"].split() if not w.startswith("console=")]
        argv = [options["-kernel"], f"mem={guest.memory}", f"initrd={options['-initrd']}", "root=/dev/ram0",
                "con=null", "con0=null,fd:1", f"uml_dir={ctx.work}", "umid=uml",
                f"virtio_uml.device={backend.socket}:{IDS[cell.device]}", *words]
        with open(os.path.join(ctx.folder, "command"), "w", encoding="utf-8") as f:
            f.write(" \\\n\t".join(argv) + "\n")
        try:
            process = ctx.processes.start("linux.uml", argv, console)
        except NotStarted as e:
            raise Failed("error", str(e)) from None
        return Running(process, console)


def named(_name):
    return Uml()
