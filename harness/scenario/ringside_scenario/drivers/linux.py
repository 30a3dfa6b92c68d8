# SPDX-License-Identifier: BSD-3-Clause
"""Linux in a guest: Debian's kernel with its own drivers, and a script that makes them work."""
import os
import re

from ringside_scenario import debian, initramfs
from ringside_scenario.drivers import judged
from ringside_scenario.drivers.base import Driver
from ringside_scenario.guest import Guest, follow
from ringside_scenario.outcome import Failed

CONSOLES = {"x86_64": "ttyS0", "aarch64": "ttyAMA0"}
# KiB to copy, or blocks of 512 bytes to read.
SIZES = {"blk-copy": 8192, "hwrng": 16}


class Linux(Driver):
    name = "linux"
    jobs = ("workload",)

    def missing(self, cell, ctx):
        if cell.options["name"] not in SIZES:
            return f"there is no workload '{cell.options['name']}': {', '.join(SIZES)}"
        if cell.arch not in CONSOLES:
            return f"Debian 12 has no kernel for {cell.arch}"
        try:
            initramfs.Kernel(cell.arch)
            debian.Archive(cell.arch).unpacked("busybox-static")
        except debian.NotThere as e:
            return str(e)
        return None

    def run(self, cell, ctx, hypervisor, backend):
        kernel = initramfs.Kernel(cell.arch)
        path = os.path.join(ctx.work, "initramfs.gz")
        name = cell.options["name"]
        initramfs.build(cell.arch, kernel, {
            "workload": name, "size": cell.options.get("size", SIZES[name])}, path)
        if backend:
            backend.start()
        guest = Guest(["-kernel", kernel.image, "-initrd", path, "-append",
                       f"console={CONSOLES[cell.arch]} quiet panic=-1 oops=panic"])
        running = hypervisor.start(cell, ctx, backend, guest)
        said = follow(ctx, running, backend, self._end)
        running.process.stop()
        if said != "ok":
            raise Failed("fail", f"Linux {kernel.release}: {said}")
        return judged.outcome(cell, ctx, backend, f"Linux {kernel.release}",
                              self._summary(running.console))

    @staticmethod
    def _end(text):
        match = re.search(r"^ringside: end (.*?)\r?$", text, re.M)
        if match:
            return match.group(1)
        panic = re.search(r"Kernel panic.*", text)
        return panic.group(0).strip() if panic else None

    @staticmethod
    def _summary(console):
        with open(console, encoding="utf-8", errors="replace") as f:
            match = re.search(r"^ringside: found (.*?)\r?$", f.read(), re.M)
        return match.group(1) if match else ""


def named(_name):
    return Linux()


