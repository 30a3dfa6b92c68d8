# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen whose dom0 is a PVH guest, and whose kernel turns notifications into eventfds and
eventfds into interrupts by itself. Debian's kernel is built without that: its module xen_privcmd is built
once more, from Debian's source, with the option."""
from ringside_scenario import modules
from ringside_scenario.lab import base, xen

SOURCES = ("drivers/xen/privcmd.c", "drivers/xen/privcmd-buf.c", "drivers/xen/privcmd.h")
KBUILD = """\
obj-m := xen-privcmd.o
xen-privcmd-y := privcmd.o privcmd-buf.o
ccflags-y := -DCONFIG_XEN_PRIVCMD_EVENTFD
"""
# QEMU takes up no machine that was saved while a guest ran, and dom0 is one. So a watchdog stops it while dom0
# sleeps and the hypervisor has the processor: ib700, 2 s after a 14 in its port, and off by another port.
STOP = """\
port()
{
	printf "$2" | dd of=/dev/port bs=1 seek=$(($1)) 2>/dev/null
}

stop()
{
	port 0x443 '\\016'
	sleep 3
	port 0x441 '\\001'
}
"""


class XenPvh(xen.Xen):
    hypervisor = f"{xen.HYPERVISOR} dom0=pvh"

    def start_script(self):
        return super().start_script() + STOP

    def more_packages(self, roots):
        return modules.packages(self._linux(roots).release)

    def modules(self, roots):
        found = self._linux(roots).in_order(self.recipe.modules)
        return [(name, self._privcmd(roots) if name == "xen_privcmd" else content)
                for name, content in found]

    def _privcmd(self, roots):
        try:
            built = modules.build(self._linux(roots).release, roots, SOURCES, KBUILD, "privcmd")
        except modules.NotBuilt as e:
            raise base.NotMade(f"xen_privcmd: {e}") from None
        return built["xen_privcmd"]


LAB = XenPvh
