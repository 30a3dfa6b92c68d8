# SPDX-License-Identifier: BSD-3-Clause
"""The lab of KVM: Debian's Linux with the kvm modules, on a processor with virtualization that
QEMU emulates."""
import os
import shutil
import subprocess

from ringside_scenario import programs
from ringside_scenario.lab import base

QEMU = "qemu-system-x86_64"
FIRMWARE = ("bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin", "pvh.bin")


class Kvm(base.LinuxLab):
    def modules(self, roots):
        return self.linux(roots).in_order(self.recipe.modules)

    def start_script(self):
        # Whoever asks for random bytes first waits a second for them: that is not a device's cost.
        return "head -c 16 /dev/random >/dev/null\n"

    def programs(self):
        found = programs.find()
        beside = os.path.dirname(os.path.abspath(found["ringside"]))
        paths = [found["ringside"], found["backend"], os.path.join(beside, "ringside-vmm"),
                 shutil.which(QEMU)]
        return [p for p in paths if p and os.path.exists(p)]

    def data(self):
        """What QEMU boots a guest with: it is there as a hypervisor's user space, too."""
        found = {}
        for folder in _data_folders():
            for name in FIRMWARE:
                path = os.path.join(folder, name)
                if name not in found and os.path.exists(path):
                    found[name] = path
        return {f"usr/share/qemu/{name}": base.File(path=path) for name, path in found.items()}


def _data_folders():
    try:
        return subprocess.run([QEMU, "-L", "help"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=60, check=False).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return []


LAB = Kvm
