# SPDX-License-Identifier: BSD-3-Clause
"""Firmware as the driver: it reads and writes a block device before any operating system does, or sends on
a network device.

What is done differs, but with a block device data on the disk is always copied to another place on it,
compared by the guest, and looked at again from outside. SeaBIOS runs a boot sector, UEFI its shell's
script, U-Boot and iPXE commands that are typed to them.
"""
import os
import re
import shutil
import socket

from ringside_scenario import debian, programs
from ringside_scenario.drivers import judged
from ringside_scenario.drivers.base import Driver
from ringside_scenario.guest import Guest, disk, follow
from ringside_scenario.outcome import Failed

STARTUP = """\
@echo -off
for %d in fs0 fs1 fs2
  if exist %d:\\DATA.BIN then
    %d:
    cp -q DATA.BIN COPY.BIN
    comp DATA.BIN COPY.BIN
    if %lasterror% eq 0 then
      echo ringside: end ok
    else
      echo ringside: end what was read is not what was written
    endif
    reset -s
  endif
endfor
echo ringside: end no file system with the data was found
reset -s
"""


class Firmware(Driver):
    jobs = ("boot",)
    arches = ()
    package = None  # of Debian, None: QEMU brings it
    machines = {}  # by architecture, where the usual one will not do
    interactive = False

    def missing(self, cell, ctx):
        if cell.arch not in self.arches:
            return f"there is no {self.name} for {cell.arch}"
        if cell.device != "blk" or cell.backend == "qemu":
            return "firmware drives a block device with a back-end"
        try:
            self.arguments(cell, ctx)
        except debian.NotThere as e:
            return str(e)
        return None

    def file(self, *inside):
        # Packages for all architectures: that of the host's archive will do.
        return debian.find("x86_64", self.package, *inside)

    def arguments(self, cell, ctx):
        """QEMU's arguments."""
        raise NotImplementedError

    def prepare(self, path, data):
        """Make the disk."""
        disk.raw(path, data)

    def copied(self, path, data):
        return disk.raw_copy(path) == data

    def talk(self, cell, ctx, guest, running, backend):
        """What the guest says in the end: "ok", or what went wrong."""
        def end(text):
            match = re.search(r"ringside: end ([^\r\n]*)[\r\n]", text)
            return match.group(1) if match else None
        return follow(ctx, running, backend, end)

    def version(self, text):
        """How reports call it, from what it said."""
        return self.name

    def run(self, cell, ctx, hypervisor, backend):
        data = disk.random_data()
        backend.image = os.path.join(ctx.work, "disk.img")
        self.prepare(backend.image, data)
        backend.start()
        guest = Guest(self.arguments(cell, ctx), bootable=True, interactive=self.interactive,
                      machine=self.machines.get(cell.arch))
        running = hypervisor.start(cell, ctx, backend, guest)
        said = self.talk(cell, ctx, guest, running, backend)
        running.process.stop()
        if said != "ok":
            raise Failed("fail", f"{self.name}: {said}")
        with open(running.console, encoding="utf-8", errors="replace") as f:
            version = self.version(f.read())
        outcome = judged.outcome(cell, ctx, backend, version,
                                 f"{version}: {len(data) >> 10} KiB copied and compared")
        backend.process.stop()
        if not self.copied(backend.image, data):
            raise Failed("fail", f"{version}: it says that it copied the data, and they are not there")
        return outcome


class SeaBios(Firmware):
    name = "seabios"
    arches = ("x86_64",)

    def missing(self, cell, ctx):
        if not programs.guest("tiny-boot-sector"):
            return "the boot sector is not built: it needs an x86 compiler"
        return super().missing(cell, ctx)

    def arguments(self, cell, ctx):
        # Its log tells its version.
        return ["-chardev", f"file,id=log,path={os.path.join(ctx.folder, 'seabios.log')}",
                "-device", "isa-debugcon,iobase=0x402,chardev=log"]

    def prepare(self, path, data):
        with open(programs.guest("tiny-boot-sector"), "rb") as f:
            disk.raw(path, data, f.read())

    def run(self, cell, ctx, hypervisor, backend):
        self.log = os.path.join(ctx.folder, "seabios.log")
        return super().run(cell, ctx, hypervisor, backend)

    def version(self, text):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            match = re.search(r"SeaBIOS \(version rel-([^ )]*)\)|SeaBIOS \(version ([^ )]*)\)",
                              f.read())
        return f"SeaBIOS {match.group(1) or match.group(2)}" if match else "SeaBIOS"


class Uefi(Firmware):
    def __init__(self, name, arch, package, code, variables):
        self.name = name
        self.arches = (arch,)
        self.package = package
        self.paths = (code, variables)

    def arguments(self, cell, ctx):
        code, variables = (self.file(*p.split("/")) for p in self.paths)
        copy = os.path.join(ctx.work, "variables.fd")
        shutil.copyfile(variables, copy)
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={copy}"]

    def prepare(self, path, data):
        disk.fat(path, {"STARTUP.NSH": STARTUP.replace("\n", "\r\n").encode(), "DATA.BIN": data})

    def copied(self, path, data):
        return disk.holds_twice(path, data)

    def version(self, text):
        match = re.search(r"EDK II\r?\n?.*?\(EDK II|UEFI v[\d.]+ \(([^)]*)\)", text)
        return f"{self.name.upper()} ({match.group(1)})" if match and match.group(1) \
            else self.name.upper()


class UBoot(Firmware):
    name = "u-boot"
    arches = ("x86_64", "aarch64", "riscv64")
    package = "u-boot-qemu"
    interactive = True
    # Debian's brings the device tree of an i440FX: on q35 its scan of PCI does not come to an end.
    machines = {"x86_64": "pc"}
    # The program, how QEMU takes it, and where memory is free.
    images = {
        "x86_64": ("qemu-x86_64/u-boot.rom", "-bios", 0x2000000),
        "aarch64": ("qemu_arm64/u-boot.bin", "-bios", 0x44000000),
        "riscv64": ("qemu-riscv64_smode/u-boot.bin", "-kernel", 0x84000000),
    }

    def arguments(self, cell, ctx):
        path, option, _ = self.images[cell.arch]
        return [option, self.file("usr", "lib", "u-boot", *path.split("/"))]

    def talk(self, cell, ctx, guest, running, backend):
        a = self.images[cell.arch][2]
        b, count = a + (1 << 20), disk.DATA_BYTES // disk.SECTOR
        commands = ("pci enum", "virtio scan", "virtio info",
                    f"virtio read {a:x} {disk.DATA:x} {count:x}",
                    f"virtio write {a:x} {disk.COPY:x} {count:x}",
                    f"virtio read {b:x} {disk.COPY:x} {count:x}",
                    f"cmp.b {a:x} {b:x} {disk.DATA_BYTES:x}")
        with socket.socket(socket.AF_UNIX) as console:
            connect(ctx, console, guest.socket)
            seen = follow(ctx, running, backend, lambda text: len(text)
                          if re.search(r"stop autoboot|=> ", text) else None, console)
            console.sendall(b"\r")
            seen = follow(ctx, running, backend, self._prompt(0), console)
            for command in commands:
                console.sendall(command.encode() + b"\r")
                seen = follow(ctx, running, backend, self._prompt(seen), console)
        with open(running.console, encoding="utf-8", errors="replace") as f:
            text = f.read()
        failed = re.search(r"virtio (?:read|write): .*ERROR", text)
        if failed:
            return failed.group(0)
        if f"Total of {disk.DATA_BYTES} byte(s) were the same" in text:
            return "ok"
        lines = [line.strip() for line in text.splitlines() if line.strip(" =>\r")]
        return "the copy is not what was read: " + (lines[-1] if lines else "")

    @staticmethod
    def _prompt(seen):
        """Position behind the next prompt that comes after `seen`."""
        def find(text):
            match = re.compile(r"\n=> ").search(text, seen)
            return match.end() if match else None
        return find

    def version(self, text):
        match = re.search(r"U-Boot (\d{4}\.\d\d)", text)
        return f"U-Boot {match.group(1)}" if match else "U-Boot"


class Ipxe(Driver):
    """The boot ROM of a network device, which a back-end gives back what it sends."""

    name = "ipxe"
    jobs = ("boot",)
    PACKETS = re.compile(r"Link:up, TX:(\d+) TXE:(\d+) RX:(\d+) RXE:(\d+)")

    def missing(self, cell, ctx):
        if cell.arch != "x86_64":
            return f"there is no ipxe for {cell.arch}"
        if cell.device != "net" or cell.backend == "qemu":
            return "iPXE drives a network device with a back-end"
        try:
            self.rom()
        except debian.NotThere as e:
            return str(e)
        return None

    @staticmethod
    def rom():
        return debian.find("x86_64", "ipxe-qemu", "usr", "lib", "ipxe", "qemu", "pxe-virtio.rom")

    def run(self, cell, ctx, hypervisor, backend):
        backend.start()
        # Without graphics SeaBIOS's screen is the serial line, and so is that of its guests.
        guest = Guest(machine="pc,graphics=off", bootable=True, interactive=True, rom=self.rom())
        running = hypervisor.start(cell, ctx, backend, guest)
        with socket.socket(socket.AF_UNIX) as console:
            connect(ctx, console, guest.socket)
            seen = follow(ctx, running, backend, self._behind("for the iPXE command line", 0), console)
            console.sendall(b"\x02")
            for command in ("ifopen net0", "dhcp net0", "ifstat net0"):
                seen = follow(ctx, running, backend, self._behind("iPXE> ", seen), console)
                console.sendall(command.encode() + b"\r")
            found = follow(ctx, running, backend, self.PACKETS.search, console)
            # That of a line before may be seen first.
            seen = follow(ctx, running, backend, self._behind("iPXE> ", seen), console)
        running.process.stop()
        with open(running.console, encoding="utf-8", errors="replace") as f:
            text = f.read()
        found = list(self.PACKETS.finditer(text))[-1]
        version = re.search(r"iPXE ([\w.+-]+)\S* --", text)
        version = f"iPXE {version.group(1)}" if version else "iPXE"
        sent, _, received, _ = (int(n) for n in found.groups())
        # All of them, and none is an answer: each counts as an error, too.
        if not sent or received < sent:
            raise Failed("fail", f"{version}: of {sent} packets {received} came back")
        return judged.outcome(cell, ctx, backend, version,
                              f"{version}: {sent} packets sent, {received} came back")

    @staticmethod
    def _behind(what, seen):
        def find(text):
            at = text.find(what, seen)
            return at + len(what) if at >= 0 else None
        return find


def connect(ctx, console, path):
    """QEMU waits for us, but is still about to listen."""
    while True:
        try:
            return console.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if not ctx.left():
                raise Failed("hung", "QEMU's console did not appear") from None
            ctx.pause(0.02)


KINDS = {
    "seabios": SeaBios,
    "ovmf": lambda: Uefi("ovmf", "x86_64", "ovmf", "usr/share/OVMF/OVMF_CODE_4M.fd",
                         "usr/share/OVMF/OVMF_VARS_4M.fd"),
    "aavmf": lambda: Uefi("aavmf", "aarch64", "qemu-efi-aarch64", "usr/share/AAVMF/AAVMF_CODE.fd",
                          "usr/share/AAVMF/AAVMF_VARS.fd"),
    "u-boot": UBoot,
    "ipxe": Ipxe,
}


def named(name):
    return KINDS[name]()
