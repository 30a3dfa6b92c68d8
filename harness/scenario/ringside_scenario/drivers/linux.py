# SPDX-License-Identifier: BSD-3-Clause
"""Linux in a guest: Debian's kernel with its own drivers, and a script that makes them work."""
import glob
import os
import platform
import re

from ringside_scenario import debian, initramfs, modules, network, programs, sockets, terminals
from ringside_scenario.drivers import judged
from ringside_scenario.drivers.base import Driver
from ringside_scenario.guest import Guest, follow
from ringside_scenario.hypervisor import uml
from ringside_scenario.outcome import Failed

CONSOLES = {"x86_64": "ttyS0", "aarch64": "ttyAMA0"}
# KiB to copy or to send, blocks of 512 bytes to read, messages, or times.
SIZES = {"blk-copy": 8192, "hwrng": 16, "i2c-bus": 8, "gpio-lines": 8, "net-transfer": 4096,
         "vsock-echo": 2048, "vsock-messages": 110, "scmi-platform": 8, "console-ports": 64}
# Drivers that Debian's kernel is built without: they are made for its general one.
GENERAL = {"x86_64": "linux-image-6.12-amd64", "aarch64": "linux-image-6.12-arm64"}
MADE = {
    "i2c-bus": (["drivers/i2c/busses/i2c-virtio.c"], "obj-m := i2c-virtio.o\n"),
    "gpio-lines": (["drivers/gpio/gpio-virtio.c", "drivers/gpio/gpiolib.h"],
                   "obj-m := gpio-virtio.o\n"),
    "scmi-platform": ([
        *((f"drivers/firmware/arm_scmi/{name}", name) for name in ("common.h", "protocols.h", "notify.h")),
        ("drivers/firmware/arm_scmi/transports/virtio.c", "transports/virtio.c"), "drivers/hwmon/scmi-hwmon.c"],
        "obj-m := scmi_transport_virtio.o scmi-hwmon.o\n"
        "scmi_transport_virtio-objs := transports/virtio.o\n"),
}
# Of guests that are not of x86_64.
ARCHES = {"scmi-platform": "aarch64"}
LOADER = "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
# Programs that busybox has not, with the libraries that they want.
LIBRARIES = "usr/lib/x86_64-linux-gnu/"
SOCAT = {
    "socat": ("usr/bin/socat",),
    "libwrap0": (LIBRARIES + "libwrap.so.0",),
    "libnsl2": (LIBRARIES + "libnsl.so.2",),
    "libtirpc3": ("lib/x86_64-linux-gnu/libtirpc.so.3",),
    "libgssapi-krb5-2": (LIBRARIES + "libgssapi_krb5.so.2",),
    "libkrb5-3": (LIBRARIES + "libkrb5.so.3",),
    "libk5crypto3": (LIBRARIES + "libk5crypto.so.3",),
    "libkrb5support0": (LIBRARIES + "libkrb5support.so.0",),
    "libcom-err2": ("lib/x86_64-linux-gnu/libcom_err.so.2",),
    "libkeyutils1": ("lib/x86_64-linux-gnu/libkeyutils.so.1",),
    "libssl3": (LIBRARIES + "libcrypto.so.3", LIBRARIES + "libssl.so.3"),
    "libc6": ("lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libresolv.so.2",
              "lib/x86_64-linux-gnu/libutil.so.1", LOADER),
}
PROGRAMS = {"net-transfer": {
    "iperf3": ("usr/bin/iperf3",),
    "libiperf0": (LIBRARIES + "libiperf.so.0",),
    "libsctp1": (LIBRARIES + "libsctp.so.1",),
    "libssl3": (LIBRARIES + "libcrypto.so.3", LIBRARIES + "libssl.so.3"),
    "libc6": ("lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libm.so.6", LOADER),
}, "vsock-echo": SOCAT, "vsock-messages": SOCAT, "gpio-lines": {
    "gpiod": ("usr/bin/gpiodetect", "usr/bin/gpioget", "usr/bin/gpioset", "usr/bin/gpiomon"),
    "libgpiod2": ("usr/lib/x86_64-linux-gnu/libgpiod.so.2",),
    "libc6": ("lib/x86_64-linux-gnu/libc.so.6", LOADER),
}}
# Of ours, which need nothing.
OURS = {"vsock-messages": "tiny-vsock-messages"}


def _kernel(cell):
    if cell.hypervisor == "uml":
        return initramfs.Kernel.uml(debian.Archive(cell.arch).unpacked(uml.PACKAGE))
    if cell.options["name"] not in MADE:
        return initramfs.Kernel(cell.arch)
    return initramfs.Kernel.of(debian.Archive(cell.arch).unpacked(GENERAL[cell.arch]))


def _made(cell, kernel):
    """{module: content}, made once for each kernel. debian.NotThere, modules.NotBuilt."""
    if cell.options["name"] not in MADE:
        return {}
    archive = debian.Archive(cell.arch)
    files, kbuild = MADE[cell.options["name"]]
    names = [n.replace("-", "_") for n in re.findall(r"(\S+)\.o\b", kbuild.splitlines()[0])]
    folder = os.path.join(debian.cache(), "modules", kernel.release)
    paths = {name: os.path.join(folder, f"{name}.ko") for name in names}
    if not all(os.path.exists(path) for path in paths.values()):
        # Linux's source is large: who cannot build it need not fetch it.
        why = modules.missing(cell.arch)
        if why:
            raise modules.NotBuilt(why)
        # The programs that build it are this machine's.
        host = debian.Archive(platform.machine())
        roots = {p: (host if p.startswith("linux-kbuild-") else archive).unpacked(p)
                 for p in modules.packages(kernel.release)}
        made = modules.build(kernel.release, roots, files, kbuild, arch=cell.arch)
        os.makedirs(folder, exist_ok=True)
        for name, path in paths.items():
            with open(f"{path}.{os.getpid()}", "wb") as f:
                f.write(made[name])
            os.rename(f.name, path)
    content = {}
    for name, path in paths.items():
        with open(path, "rb") as f:
            content[name] = f.read()
    return content


def _files(cell):
    """{path in the guest: path here}"""
    archive, found = debian.Archive(cell.arch), {}
    for package, paths in PROGRAMS.get(cell.options["name"], {}).items():
        root = archive.unpacked(package)
        for path in paths:
            (here,) = glob.glob(os.path.join(glob.escape(root), path))
            inside = {LOADER: "lib64/" + os.path.basename(LOADER)}.get(path, path)
            found["bin/" + os.path.basename(path) if "/bin/" in path else inside] = here
    if cell.options["name"] in OURS:
        found["bin/" + cell.options["name"]] = programs.guest(OURS[cell.options["name"]])
    return found


def _by_itself(files, program):
    """The command line by which one of the guest's programs runs here: with its own loader and libraries, of which
    this host may have none."""
    (loader,) = [here for inside, here in files.items() if inside.endswith(os.path.basename(LOADER))]
    folders = {os.path.dirname(here) for here in files.values() if ".so" in here}
    return [loader, "--library-path", ":".join(sorted(folders)), files[f"bin/{program}"]]


class Linux(Driver):
    name = "linux"
    jobs = ("workload",)

    def missing(self, cell, ctx):
        if cell.options["name"] not in SIZES:
            return f"there is no workload '{cell.options['name']}': {', '.join(SIZES)}"
        if cell.arch not in CONSOLES:
            return f"Debian 12 has no kernel for {cell.arch}"
        arch = ARCHES.get(cell.options["name"], "x86_64")
        if cell.options["name"] in (*MADE, *PROGRAMS) and cell.arch != arch:
            return f"'{cell.options['name']}' is for {arch}: its driver, or its programs, are of that"
        if cell.options["name"] == "net-transfer" and network.missing():
            return network.missing()
        if cell.options["name"] in OURS and not programs.guest(OURS[cell.options["name"]]):
            return f"{OURS[cell.options['name']]} is not built"
        try:
            _made(cell, _kernel(cell))
            _files(cell)
            debian.Archive(cell.arch).unpacked("busybox-static")
        except (debian.NotThere, modules.NotBuilt) as e:
            return str(e)
        return None

    def run(self, cell, ctx, hypervisor, backend):
        kernel = _kernel(cell)
        path = os.path.join(ctx.work, "initramfs.gz")
        name = cell.options["name"]
        files = _files(cell)
        initramfs.build(cell.arch, kernel, {
            "workload": name, "size": cell.options.get("size", SIZES[name])}, path,
            more=_made(cell, kernel), files=files)
        if name == "net-transfer" and backend:
            network.attach(backend, _by_itself(files, "iperf3"))
        if name.startswith("vsock-") and backend:
            sockets.attach(backend, os.path.join(ctx.work, "vsock"))
        ends = None
        if name == "console-ports" and backend:
            ends = terminals.Terminals(ctx, cell.options.get("size", SIZES[name]), ctx.left())
            ends.attach(backend)
        if backend:
            backend.start()
        if ends:
            ends.start(backend.process.pid)
        # What is not mapped any more is invalidated at once, not some time later with much else.
        words = " intel_iommu=on iommu.passthrough=0 iommu.strict=1" if cell.iommu else ""
        guest = Guest(["-kernel", kernel.image, "-initrd", path, "-append",
                       f"console={CONSOLES[cell.arch]} quiet panic=-1 oops=panic{words}"])
        running = hypervisor.start(cell, ctx, backend, guest)
        try:
            said = follow(ctx, running, backend, self._end)
        finally:
            trouble = ends.finish() if ends else None
        running.process.stop()
        if said != "ok" or trouble:
            raise Failed("fail", f"Linux {kernel.release}: {said if said != 'ok' else trouble}")
        return judged.outcome(cell, ctx, backend, f"Linux {kernel.release}",
                              self._summary(running.console))

    @staticmethod
    def _end(text):
        match = re.search(r"^ringside: end (.*?)\r?$", text, re.M)
        if match:
            return match.group(1)
        panic = re.search(r"Kernel panic.*", text)
        return panic.group(0).strip() if panic else None

    @staticmethod
    def _summary(console):
        with open(console, encoding="utf-8", errors="replace") as f:
            match = re.search(r"^ringside: found (.*?)\r?$", f.read(), re.M)
        return match.group(1) if match else ""


def named(_name):
    return Linux()


