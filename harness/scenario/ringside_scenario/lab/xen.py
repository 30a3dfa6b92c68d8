# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen: Debian's hypervisor, and Debian's Linux as its dom0, on a processor with
virtualization that QEMU emulates. dom0 has no toolstack: ringside-xen makes its domains itself."""
import glob
import gzip
import os
import shutil

from ringside_scenario import programs
from ringside_scenario.lab import base, image

# loglvl, guest_loglvl: what a guest's end looks like. bootscrub: memory is zeroes already.
HYPERVISOR = ("console=com1 com1=115200,8n1 dom0_mem=768M,max:768M dom0_max_vcpus=1 loglvl=all "
              "guest_loglvl=all bootscrub=0")


class Xen(base.Lab):
    hypervisor = HYPERVISOR

    def _package(self, prefix):
        (package,) = [p for p in self.recipe.packages if p.startswith(prefix)]
        return package

    def _linux(self, roots):
        return base.linux(roots, self._package("linux-image-"))

    def kernel(self, roots):
        root = roots[self._package("xen-hypervisor-")]
        (packed,) = glob.glob(os.path.join(glob.escape(root), "boot/xen-*.gz"))
        # A loader that knows multiboot takes the 32-bit ELF file that is in it.
        with gzip.open(packed, "rb") as f:
            hypervisor = f.read()
        with open(self._linux(roots).image, "rb") as f:
            return {"kernel": hypervisor, "dom0": f.read()}

    def modules(self, roots):
        return self._linux(roots).in_order(self.recipe.modules)

    def start_script(self):
        # The first who asks for random numbers waits for them: here, and not while a device is tested.
        return "head -c 16 /dev/random >/dev/null\n"

    def programs(self):
        found = programs.find()
        beside = os.path.dirname(os.path.abspath(found["ringside"]))
        paths = [found["ringside"], found["backend"], os.path.join(beside, "ringside-xen"),
                 shutil.which("qemu-storage-daemon"),
                 # Other people's back-end for Xen, when ci/rust-vmm has built it.
                 os.path.join(image.cache(), "rust-vmm/bin/vhost-device-rng")]
        return [p for p in paths if p and os.path.exists(p)]

    def boot_args(self, folder, initrd):
        def quoted(path):
            return path.replace(",", ",,")
        dom0 = quoted(os.path.join(folder, "dom0"))
        return ["-kernel", os.path.join(folder, "kernel"), "-append", self.hypervisor,
                "-initrd", f"{dom0} {self.recipe.cmdline},{quoted(initrd)}"]

    def panicked(self, console):
        for line in console.splitlines():
            if "Panic on CPU" in line:
                return self._reason(console, line)
            if "Hardware Dom0 crashed" in line:
                return line.replace("(XEN)", "").strip()
        return super().panicked(console)

    @staticmethod
    def _reason(console, line):
        """The hypervisor's panic is a frame of stars around what it has to say."""
        after = console[console.index(line) + len(line):].splitlines()
        said = [text.replace("(XEN)", "").strip() for text in after[1:4]]
        return f"Panic on CPU: {' '.join(text for text in said if text.strip('*'))}"


LAB = Xen
