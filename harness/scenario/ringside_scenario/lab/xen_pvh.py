# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen whose dom0 is a PVH guest, and whose kernel turns notifications into eventfds and
eventfds into interrupts by itself. Debian's kernel is built without that: its module xen_privcmd is built
once more, from Debian's source, with the option."""
import glob
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

from ringside_scenario.lab import base, xen

SOURCES = ("privcmd.c", "privcmd-buf.c", "privcmd.h")
KBUILD = """\
obj-m := xen-privcmd.o
xen-privcmd-y := privcmd.o privcmd-buf.o
ccflags-y := -DCONFIG_XEN_PRIVCMD_EVENTFD
"""
DEADLINE = 600
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
        release = self._linux(roots).release
        abi = re.sub(r"-[^-]*$", "", release)
        source = re.match(r"\d+\.\d+", release).group()
        return [f"linux-headers-{release}", f"linux-headers-{abi}-common", f"linux-kbuild-{abi}",
                f"linux-source-{source}"]

    def modules(self, roots):
        found = self._linux(roots).in_order(self.recipe.modules)
        return [(name, self._privcmd(roots) if name == "xen_privcmd" else content)
                for name, content in found]

    def _privcmd(self, roots):
        headers, common, kbuild, source = self.more_packages(roots)
        for program in ("make", "x86_64-linux-gnu-gcc-12"):
            if not shutil.which(program):
                raise base.NotMade(f"xen_privcmd cannot be built without {program}")
        work = tempfile.mkdtemp(prefix="ringside-")
        try:
            tree = os.path.join(work, "usr/src", headers)
            # A tree of their own, since the packages refer to each other and to where they would be.
            for package, where in ((headers, "usr/src"), (common, "usr/src"), (kbuild, "usr/lib")):
                shutil.copytree(os.path.join(roots[package], where, package),
                                os.path.join(work, where, package), symlinks=True)
            with open(os.path.join(tree, "Makefile"), "w", encoding="ascii") as f:
                f.write(f"include {work}/usr/src/{common}/Makefile\n")
            return self._make(tree, self._sources(roots[source], work))
        finally:
            shutil.rmtree(work, ignore_errors=True)

    @staticmethod
    def _sources(root, work):
        (packed,) = glob.glob(os.path.join(glob.escape(root), "usr/src/linux-source-*.tar.xz"))
        folder = os.path.join(work, "privcmd")
        os.mkdir(folder)
        wanted = set(SOURCES)
        with tarfile.open(packed, "r|xz") as archive:
            for member in archive:
                inside = member.name.partition("/")[2]
                name = inside.removeprefix("drivers/xen/")
                if inside == f"drivers/xen/{name}" and name in wanted:
                    with open(os.path.join(folder, name), "wb") as f:
                        f.write(archive.extractfile(member).read())
                    wanted.remove(name)
                if not wanted:
                    break
        if wanted:
            raise base.NotMade(f"{packed} has no {', '.join(sorted(wanted))}")
        with open(os.path.join(folder, "Kbuild"), "w", encoding="ascii") as f:
            f.write(KBUILD)
        return folder

    @staticmethod
    def _make(tree, folder):
        argv = ["make", "-C", tree, f"M={folder}", "modules", "CONFIG_DEBUG_INFO_BTF_MODULES=",
                f"KCFLAGS=-ffile-prefix-map={os.path.dirname(folder)}=."]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
        except subprocess.TimeoutExpired:
            raise base.NotMade(f"xen_privcmd was not built within {DEADLINE} s") from None
        if done.returncode:
            said = [line for line in done.stdout.splitlines() if not line.startswith("make")]
            wrong = [line for line in said if "rror" in line] or said[-1:] or ["?"]
            raise base.NotMade(f"xen_privcmd could not be built: {wrong[0][:200]}")
        module = os.path.join(folder, "xen-privcmd.ko")
        subprocess.run(["strip", "--strip-debug", module], stdin=subprocess.DEVNULL, check=False)
        with open(module, "rb") as f:
            return f.read()


LAB = XenPvh
