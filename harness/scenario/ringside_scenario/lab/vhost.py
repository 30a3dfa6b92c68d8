# SPDX-License-Identifier: BSD-3-Clause
"""The lab of devices that are Linux's: vhost, vDPA and VDUSE. There is no guest in it and no hypervisor: the
driver is ringside. Debian's kernel is built without the simulated devices of vDPA: those are made from its
source."""
import os
import shutil

from ringside_scenario import modules, programs
from ringside_scenario.lab import base

SOURCES = ("drivers/vdpa/vdpa_sim/vdpa_sim.c", "drivers/vdpa/vdpa_sim/vdpa_sim.h",
           "drivers/vdpa/vdpa_sim/vdpa_sim_blk.c", "drivers/vdpa/vdpa_sim/vdpa_sim_net.c",
           "drivers/vhost/vringh.c")
BUILT = ("vringh", "vdpa_sim", "vdpa_sim_blk", "vdpa_sim_net")  # in the order in which they are loaded
KBUILD = "obj-m := " + " ".join(f"{name}.o" for name in BUILT) + "\n"
# Of iproute2: what makes vDPA devices, TAP devices, and a loop of them.
TOOLS = ("vdpa", "ip", "tc", "qemu-storage-daemon")


class Vhost(base.LinuxLab):
    def more_packages(self, roots):
        return modules.packages(self.linux(roots).release)

    def modules(self, roots):
        linux = self.linux(roots)
        try:
            built = modules.build(linux.release, roots, SOURCES, KBUILD, "vdpa_sim")
        except modules.NotBuilt as e:
            raise base.NotMade(f"vdpa_sim: {e}") from None
        return linux.in_order(self.recipe.modules) + [(name, built[name]) for name in BUILT]

    def programs(self):
        tools = [shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") for name in TOOLS]
        found = programs.find()
        return [p for p in (found["ringside"], found["backend"], *tools) if p and os.path.exists(p)]

    def guests(self):
        return []


LAB = Vhost
