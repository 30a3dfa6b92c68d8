# SPDX-License-Identifier: BSD-3-Clause
"""QEMU, with TCG everywhere and with KVM where an ordinary guest runs."""
import os
import shutil
import subprocess

from ringside_scenario import devicetree, kvm
from ringside_scenario.hypervisor import qemu_devices, qemu_newer
from ringside_scenario.hypervisor.base import Hypervisor, Running
from ringside_scenario.outcome import Failed
from ringside_scenario.process import NotStarted

MEMORY = "256M"
IMAGE_BYTES = 64 << 20
# Machine and processor by architecture and transport. microvm is the one on x86 that has virtio-mmio.
MACHINES = {
    ("x86_64", "pci"): "q35",
    ("x86_64", "mmio"): "microvm",
    ("aarch64", "pci"): "virt,gic-version=3",
    ("aarch64", "mmio"): "virt,gic-version=3",
    ("riscv64", "pci"): "virt",
    ("riscv64", "mmio"): "virt",
}
# Device types whose vhost-user-…-pci has no legacy interface to be taken away.
MODERN = ("rng", "i2c", "gpio", "vsock", "scmi")
PROCESSORS = {"x86_64": "qemu64", "aarch64": "cortex-a57", "riscv64": "rv64"}


class Qemu(Hypervisor):
    def __init__(self, accel):
        self.name = f"qemu-{accel}"
        self.accel = accel

    def fold(self, axes):
        if axes["transport"] == "vhost-user":
            return None
        # Driven by the host, the guest's processor is halted: nothing would be accelerated.
        if axes["driver"] == "host" and (self.accel == "kvm" or axes["arch"] == "riscv64"):
            return None
        return axes

    def missing(self, cell, ctx):
        program = f"qemu-system-{cell.arch}"
        if cell.device in qemu_newer.DEVICES:
            if cell.arch != qemu_newer.DEVICES[cell.device] or cell.transport != "pci":
                return f"{cell.device} is for PCI on {qemu_newer.DEVICES[cell.device]}"
            try:
                qemu_newer.words(cell.arch)
            except qemu_newer.NotThere as e:
                return str(e)
        elif not shutil.which(program):
            return f"{program} is not installed"
        if cell.iommu and (cell.arch, cell.transport) != ("x86_64", "pci"):
            return "a virtual IOMMU is there for PCI devices of x86_64"
        if self.accel == "kvm":
            return kvm.missing(cell.arch)
        if cell.backend == "qemu" and not self._row(cell):
            return f"qemu/targets.tsv has no {cell.device}-{cell.transport}"
        return None

    @staticmethod
    def _row(cell):
        return qemu_devices.row_of(cell.scenario.folder, cell.device, cell.transport, cell.arch,
                                   cell.backend)

    def expect_files(self, cell):
        """What is known of the device itself, where the host drives it."""
        row = self._row(cell)
        path = os.path.join(cell.scenario.folder, "expect", row["expect"]) if row else ""
        # What is known of its packed rings comes with what is known of the device.
        if cell.packed and os.path.isfile(path.replace(".expect", "-packed.expect")):
            path = path.replace(".expect", "-packed.expect")
        return [path] if os.path.isfile(path) else []

    def device(self, cell, ctx, backend):
        """The device with its properties, and the arguments that go with it."""
        if backend:
            device, args = qemu_devices.vhost_user(cell.device, cell.transport, backend.socket)
            return device + qemu_devices.ring(cell), args
        device, args = qemu_devices.split(self._row(cell)["uri"])
        if any("{image}" in a for a in args):
            image = os.path.join(ctx.work, "disk.img")
            with open(image, "wb") as f:
                f.truncate(IMAGE_BYTES)
            args = [a.replace("{image}", image) for a in args]
        return device + qemu_devices.ring(cell), args

    def uri(self, cell, ctx, backend):
        row = self._row(cell)
        # ringside itself fills in {image}, and {socket} when it starts a back-end.
        device, args = qemu_devices.split(row["uri"]) if row else \
            qemu_devices.vhost_user(cell.device, cell.transport, "{socket}")
        device += qemu_devices.ring(cell)
        return qemu_devices.uri(device, args, cell.transport, cell.arch)

    def command(self, cell, ctx, backend, guest):
        """QEMU's command line."""
        device, args = self.device(cell, ctx, backend)
        # A back-end may end the connection when it is given what no back-end can take; one that still
        # listens then is connected to again. Only the block device can do that.
        if cell.device == "blk":
            args = [f"{a},reconnect=1" if a.startswith("socket,") else a for a in args]
        if guest.bootable:
            device += ",bootindex=0"
        if guest.rom:
            device += f",romfile={guest.rom}"
        # The clauses are those of VIRTIO 1.4: a driver that finds both takes the legacy interface.
        if cell.judge and cell.transport == "pci" and cell.device not in MODERN:
            device += ",disable-legacy=on,disable-modern=off"
        # Without KVM QEMU 7.2 dies when a guest masks a vector of a network device that a back-end serves.
        if cell.device == "net" and cell.transport == "pci" and backend and self.accel == "tcg":
            device += ",vectors=0"
        if cell.iommu:
            # Each part of a ring in one page: to a guest behind an IOMMU pages that follow each other in its
            # addresses need not do so in memory, and back-ends (ours, DPDK's) want a ring in one piece.
            device = device.replace("queue-size=1024", "queue-size=256") + ",iommu_platform=on,ats=on"
        cpu = kvm.processor(cell.arch) if self.accel == "kvm" else PROCESSORS[cell.arch]
        machine = guest.machine or MACHINES[cell.arch, cell.transport]
        # Shared, since a back-end maps it.
        newer = cell.device in qemu_newer.DEVICES
        argv = [*(qemu_newer.words(cell.arch) if newer else [f"qemu-system-{cell.arch}"]), "-machine",
                f"{machine},accel={self.accel},memory-backend=ram" +
                (",kernel-irqchip=split" if cell.iommu and self.accel == "kvm" else ""), "-cpu", cpu,
                "-m", guest.memory, "-object",
                f"memory-backend-memfd,id=ram,size={guest.memory},share=on",
                "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                "-monitor", "none"]
        if newer:
            argv += ["-dtb", self._tree(argv, os.path.join(ctx.work, "tree.dtb"))]
        if cell.transport == "mmio":
            argv += ["-global", "virtio-mmio.force-legacy=off"]
        # Before the devices that it translates for.
        if cell.iommu:
            argv += ["-device", "intel-iommu,device-iotlb=on"]
        argv += guest.args + args + ["-device", device]
        return argv + cell.scenario.data.get("qemu", [])

    @staticmethod
    def _tree(argv, path):
        """The machine's device tree with a firmware that its SCMI device is the transport of. Failed."""
        at = argv.index("-machine") + 1
        asked = [*argv[:at], f"{argv[at]},dumpdtb={path}", *argv[at + 1:]]
        try:
            subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
            with open(path, "rb") as f:
                blob = devicetree.added(f.read(), devicetree.SCMI)
        except (OSError, subprocess.SubprocessError, ValueError) as e:
            raise Failed("error", f"the machine's device tree: {e}") from None
        with open(path, "wb") as f:
            f.write(blob)
        return path

    def start(self, cell, ctx, backend, guest):
        console = os.path.join(ctx.folder, "console.log")
        argv = self.command(cell, ctx, backend, guest)
        # With a socket, what it says is in the file as well.
        if guest.interactive:
            guest.socket = os.path.join(ctx.work, "console.sock")
            argv += ["-chardev", f"socket,id=con,path={guest.socket},server=on,wait=on,"
                                 f"logfile={console}"]
        else:
            argv += ["-chardev", f"file,id=con,path={console}"]
        argv += ["-serial", "chardev:con"]
        with open(os.path.join(ctx.folder, "command"), "w", encoding="utf-8") as f:
            f.write(" \\\n\t".join(argv) + "\n")
        try:
            process = ctx.processes.start("qemu", argv, os.path.join(ctx.folder, "qemu.log"))
        except NotStarted as e:
            raise Failed("error", str(e)) from None
        return QemuGuest(process, console)


class QemuGuest(Running):
    def blame(self):
        """An end by a signal, or with a complaint, is QEMU's own; else the guest ended it."""
        if self.process.popen.returncode:
            words = self.process.last_words()
            return f"qemu {self.process.how()}" + (f": {words}" if words else "")
        return None


def named(name):
    return Qemu(name.removeprefix("qemu-"))
