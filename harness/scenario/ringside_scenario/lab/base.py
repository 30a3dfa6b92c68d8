# SPDX-License-Identifier: BSD-3-Clause
"""What a lab's own module says. It overrides what differs, and has `LAB = ItsClass` at its end."""
import os

from ringside_scenario import initramfs, programs

INIT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "init")


class NotMade(Exception):
    """Something of an image cannot be made; the text says why."""


class File:
    """A file of the initramfs: its content, or where that is."""

    def __init__(self, mode=0o100644, data=None, path=None):
        self.mode = mode
        self.data = data
        self.path = path

    def content(self):
        if self.data is not None:
            return self.data
        with open(self.path, "rb") as f:
            return f.read()


class Lab:
    sources = ()  # source packages that something of the image is built from

    def __init__(self, recipe):
        self.recipe = recipe
        self.name = recipe.name

    # --- the image: from packages alone, built once ------------------------------------------------

    def kernel(self, roots):
        """The files that QEMU loads beside the initramfs: {name: bytes}. `roots` are the unpacked
        packages, {package: folder}, and sources, {"source/PACKAGE": folder}. The one called "kernel" is
        what -kernel gets."""
        raise NotImplementedError

    def more_packages(self, roots):
        """Packages whose names follow from those that the recipe names."""
        return []

    def modules(self, roots):
        """[(name, content)] of kernel modules, in the order in which they are loaded."""
        return []

    def files(self, roots):
        """What else is in the image: {path: File}."""
        return {}

    def start_script(self):
        """Shell, run when the modules are loaded; what it leaves running is in the snapshot."""
        return ":\n"

    # --- the snapshot: with our programs --------------------------------------------------------------

    def programs(self):
        """Programs of the host, [path]; they go to /bin with the libraries that they need."""
        return []

    def sysroot(self):
        """Where libraries of its programs are, when they are not the host's own."""
        return None

    def guests(self):
        """Images of guests, [path]; they go to /guest."""
        path = programs.guest(f"ringside-probe-{self.recipe.arch}")
        return [path] if path else []

    def data(self):
        """Other files of the host: {path in the lab: File}."""
        return {}

    # --- the machine ------------------------------------------------------------------------------------

    def boot_args(self, folder, initrd):
        """QEMU's arguments that boot it. `folder` has what kernel() returned."""
        return ["-kernel", os.path.join(folder, "kernel"), "-initrd", initrd,
                "-append", self.recipe.cmdline]

    def channel_args(self, path):
        """QEMU's arguments of the line that results come out of, into the file `path`."""
        return ["-serial", f"file:{path}"]

    def saved(self, monitor, work):
        """What is to be known of a machine that has just been saved, and stands still: {name: value}.
        `monitor` is QEMU's, `work` a folder for sockets. qmp.Refused."""
        return {}

    def panicked(self, console):
        """The line of the console that tells of the hypervisor's or the kernel's own end, or None."""
        for line in console.splitlines():
            if "Kernel panic - not syncing" in line:
                return line.strip()
        return None


def linux(roots, package):
    """initramfs.Kernel of an unpacked linux-image package."""
    return initramfs.Kernel.of(roots[package])


class LinuxLab(Lab):
    """One that is Linux alone."""

    def linux(self, roots):
        (package,) = [p for p in self.recipe.packages if p.startswith("linux-image-")]
        return linux(roots, package)

    def kernel(self, roots):
        with open(self.linux(roots).image, "rb") as f:
            return {"kernel": f.read()}
