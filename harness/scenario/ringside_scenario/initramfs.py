# SPDX-License-Identifier: BSD-3-Clause
"""A small initramfs for a Linux guest: busybox, the modules it needs, a script, a job."""
import glob
import gzip
import lzma
import os
import re

from ringside_scenario import debian

INIT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest", "linux-init")
# Everything that any workload needs, in no order. Those that a kernel has built in are not found.
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_rng", "ext4", "crc32c_generic",
           "i2c_dev", "virtio_net", "vmw_vsock_virtio_transport",
           "virtio_console")


def entry(name, mode, data=b"", ino=1, rdev=(0, 0)):
    """One entry of a cpio archive in the format that the kernel reads."""
    path = name.encode() + b"\0"
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + path
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def _newc(name, mode, data=b"", ino=[1], rdev=(0, 0)):  # pylint: disable=dangerous-default-value
    """The next entry."""
    ino[0] += 1
    return entry(name, mode, data, ino[0], rdev)


class Kernel:
    """Debian's kernel image and its modules."""

    def __init__(self, arch):
        flavour = {"x86_64": "cloud-amd64", "aarch64": "cloud-arm64"}[arch]
        self._look(debian.Archive(arch).unpacked(f"linux-image-{flavour}"))

    @classmethod
    def of(cls, root):
        """That of an unpacked package."""
        kernel = cls.__new__(cls)
        kernel._look(root)  # pylint: disable=protected-access
        return kernel

    @classmethod
    def uml(cls, root):
        """That of Debian's User-mode Linux."""
        kernel = cls.__new__(cls)
        kernel.root = root
        kernel.image = os.path.join(root, "usr/bin/linux.uml")
        (folder,) = glob.glob(os.path.join(glob.escape(root), "usr/lib/uml/modules/*"))
        kernel.release = os.path.basename(folder)
        kernel._find_modules(folder)  # pylint: disable=protected-access
        return kernel

    def _look(self, root):
        self.root = root
        (self.image,) = glob.glob(os.path.join(glob.escape(self.root), "boot/vmlinuz-*"))
        self.release = os.path.basename(self.image).removeprefix("vmlinuz-")
        self._find_modules(os.path.join(self.root, "lib/modules", self.release))

    def _find_modules(self, top):
        self.paths = {}
        for folder, _, files in os.walk(top):
            for name in files:
                match = re.fullmatch(r"(.*)\.ko(\.xz)?", name)
                if match:
                    self.paths[match.group(1).replace("-", "_")] = os.path.join(folder, name)

    def module(self, name):
        path = self.paths[name]
        with (lzma.open if path.endswith(".xz") else open)(path, "rb") as f:
            return f.read()

    def in_order(self, names):
        """[(name, content)] with each after those it depends on."""
        found = {}

        def add(name):
            if name in found or name not in self.paths:
                return
            content = self.module(name)
            match = re.search(rb"\0depends=([^\0]*)\0", content)
            for other in (match.group(1).decode().split(",") if match else ()):
                if other:
                    add(other.replace("-", "_"))
            found[name] = content
        for name in names:
            add(name)
        return list(found.items())


def build(arch, kernel, job, path, more=None, files=None):
    """Write an initramfs whose job is {name: value} in /job; with `more` modules that the kernel does not bring,
    {name: content}, and `files`, {path in it: path here}."""
    busybox = os.path.join(debian.Archive(arch).unpacked("busybox-static"), "bin/busybox")
    parts = [_newc(name, 0o40755) for name in ("bin", "dev", "proc", "sys", "mnt", "modules")]
    parts.append(_newc("dev/console", 0o20600, rdev=(5, 1)))
    with open(busybox, "rb") as f:
        parts.append(_newc("bin/busybox", 0o100755, f.read()))
    parts.append(_newc("bin/sh", 0o120777, b"busybox"))
    with open(INIT, "rb") as f:
        parts.append(_newc("init", 0o100755, f.read()))
    parts.append(_newc("job", 0o100644, "".join(f"{k}='{v}'\n" for k, v in job.items()).encode()))
    folders = {os.path.dirname(name) for name in files or {}}
    for name in sorted({"/".join(f.split("/")[:n + 1]) for f in folders for n in range(f.count("/") + 1)}):
        if name != "bin":
            parts.append(_newc(name, 0o40755))
    for name, here in (files or {}).items():
        with open(here, "rb") as f:
            parts.append(_newc(name, 0o100755, f.read()))
    for n, (name, content) in enumerate(kernel.in_order(MODULES) + list((more or {}).items())):
        parts.append(_newc(f"modules/{n:02}-{name}.ko", 0o100644, content))
    parts.append(_newc("TRAILER!!!", 0))
    with gzip.open(path, "wb", compresslevel=1) as f:
        f.write(b"".join(parts))
