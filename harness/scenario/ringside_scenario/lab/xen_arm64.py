# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen on arm64. Debian's hypervisor hands no guest's access to a device model there, so it is built once
more, from Debian's source, with the option (CONFIG_IOREQ_SERVER). Our programs are built for the processor as well."""
import glob
import os
import platform
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

from ringside_scenario import debian
from ringside_scenario.lab import base, cross, gdb, image, xen

COMPILER = "aarch64-linux-gnu-"
DEADLINE = 1800
# What a build writes into the hypervisor about itself.
NAMELESS = ("XEN_WHOAMI=ringside", "XEN_DOMAIN=lab", "XEN_BUILD_HOST=lab", "XEN_BUILD_DATE=2026-01-01",
            "XEN_BUILD_TIME=00:00:00")
OPTIONS = ("CONFIG_EXPERT", "CONFIG_IOREQ_SERVER")
# What reads the hypervisor's Kconfig, each in a package of its name, and their libraries.
TOOLS = ("flex", "bison", "m4")
TOOL_LIBRARIES = ("libsigsegv2",)
# Libraries of our programs, and what they are built with.
LIBRARIES = ("libc6", "libgcc-s1", "libjansson4", "libjansson-dev", "liburing2", "liburing-dev", "libxen-dev",
             "libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxenforeignmemory1",
             "libxengnttab1", "libxenhypfs1", "libxenstore4", "libxentoolcore1", "libxentoollog1", "zlib1g")
# Behind what QEMU itself puts into memory: the hypervisor and the device tree.
DOM0_AT, INITRD_AT = 0x49000000, 0x50000000


class XenArm64(xen.Xen):
    sources = ("xen",)
    hypervisor = ("console=dtuart dtuart=/pl011@9000000 dom0_mem=512M dom0_max_vcpus=1 loglvl=all "
                  "guest_loglvl=all bootscrub=0")

    def more_packages(self, roots):
        return list(LIBRARIES)

    def kernel(self, roots):
        (config,) = glob.glob(os.path.join(glob.escape(roots[self._package("xen-hypervisor-")]),
                                           "boot/xen-*.config"))
        with open(self._linux(roots).image, "rb") as f:
            dom0 = f.read()
        return {"kernel": _hypervisor(roots["source/xen"], config), "dom0": _image(dom0)}

    def sysroot(self):
        return cross.sysroot(self.recipe.arch, LIBRARIES, image.Image(self).top)

    def programs(self):
        return cross.build(self.recipe.arch, self.sysroot())

    def channel_args(self, path):
        # The machine's own serial line is the hypervisor's.
        return ["-chardev", f"file,id=channel,path={_quoted(path)}", "-device", "pci-serial,chardev=channel"]

    def saved(self, monitor, work):
        # dom0 runs: what is in force is its offset. Nobody inside can tell.
        path = os.path.join(work, "gdb.sock")
        monitor.run("human-monitor-command", **{"command-line": f"gdbserver unix:{path},server=on,wait=off"})
        debugger = gdb.Gdb(path)
        try:
            return {"counter-offset": debugger.register("CNTVOFF_EL2")}
        finally:
            debugger.close()

    def boot_args(self, folder, initrd):
        dom0 = _quoted(os.path.join(folder, "dom0"))
        return ["-kernel", os.path.join(folder, "kernel"), "-append", self.hypervisor, "-device",
                f"guest-loader,addr={DOM0_AT:#x},kernel={dom0},bootargs={_quoted(self.recipe.cmdline)}",
                "-device", f"guest-loader,addr={INITRD_AT:#x},initrd={_quoted(initrd)}"]


def _quoted(text):
    return text.replace(",", ",,")


def _image(data):
    """The Image that is in a compressed EFI program; one that is none is returned as it is."""
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        at, size = struct.unpack_from("<II", data, 8)
        data = data[at:at + size]
    if data[:2] == b"\x1f\x8b":
        # What is behind the compressed part does not matter.
        data = zlib.decompressobj(31).decompress(data)
    if data[56:60] != b"ARM\x64":
        raise base.NotMade("dom0's kernel is packed in a way that is not known")
    return data


def _tools():
    """Environment in which TOOLS are found: on the host, else from packages that are not installed."""
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    if all(shutil.which(program) for program in TOOLS):
        return env
    archive = debian.Archive(platform.machine())
    try:
        roots = {package: archive.unpacked(package) for package in TOOLS + TOOL_LIBRARIES}
    except debian.NotThere as e:
        raise base.NotMade(f"the hypervisor's configuration: {e}") from None
    folders = [os.path.join(roots[program], "usr/bin") for program in TOOLS]
    libraries = [folder for package in TOOL_LIBRARIES
                 for folder in glob.glob(os.path.join(glob.escape(roots[package]), "usr/lib/*"))]
    env["PATH"] = os.pathsep.join([*folders, env["PATH"]])
    env["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    env["BISON_PKGDATADIR"] = os.path.join(roots["bison"], "usr/share/bison")
    env["M4"] = os.path.join(roots["m4"], "usr/bin/m4")
    return env


def _hypervisor(source, config):
    """Build it. NotMade."""
    for program in ("make", COMPILER + "gcc", "python3"):
        if not shutil.which(program):
            raise base.NotMade(f"the hypervisor cannot be built without {program}")
    env = _tools()
    work = tempfile.mkdtemp(prefix="ringside-")
    try:
        for name in ("xen", "config"):
            shutil.copytree(os.path.join(source, name), os.path.join(work, name), symlinks=True)
        shutil.copy(os.path.join(source, "Config.mk"), work)
        tree = os.path.join(work, "xen")
        _configure(tree, config, env)
        _make(tree, env, f"-j{os.cpu_count() or 1}")
        with open(os.path.join(tree, "xen"), "rb") as f:
            return f.read()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _configure(tree, config, env):
    with open(config, encoding="ascii") as f:
        lines = [line for line in f.read().splitlines()
                 if not any(re.search(rf"\b{option}\b", line) for option in OPTIONS)]
    path = os.path.join(tree, ".config")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines + [f"{option}=y" for option in OPTIONS]) + "\n")
    _make(tree, env, "olddefconfig")
    with open(path, encoding="ascii") as f:
        found = f.read().splitlines()
    for option in OPTIONS:
        if f"{option}=y" not in found:
            raise base.NotMade(f"the hypervisor's source knows no {option}")


def _make(tree, env, *more):
    argv = ["make", "-C", tree, "XEN_TARGET_ARCH=arm64", f"CROSS_COMPILE={COMPILER}", *NAMELESS, *more]
    try:
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        raise base.NotMade(f"the hypervisor was not built within {DEADLINE} s") from None
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if not line.startswith("make")]
        wrong = [line for line in said if "rror" in line] or said[-1:] or ["?"]
        raise base.NotMade(f"the hypervisor could not be built: {wrong[0][:200]}")


LAB = XenArm64
