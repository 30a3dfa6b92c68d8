# SPDX-License-Identifier: BSD-3-Clause
"""KVM in the lab of that name, with ringside-vmm(1); and what there is without any hypervisor, two
processes and a socket, on the same machine."""
import shlex

from ringside_scenario.hypervisor.kvm_host import queues
from ringside_scenario.hypervisor.lab import EVENTS, HZ, LabHypervisor

SOCKET = "/tmp/back.sock"
STAMP_HEAD, STAMP = 32, 24  # bytes: measure.h
TRACE, SHIM_TRACE = "/tmp/trace", "/tmp/trace-shim"
TRACE_KEEP = 4096 + 3 * EVENTS * 32  # bytes: traces/ring/buffer.h

BACKEND = """\
{command} 2>/tmp/backend.log &
backend=$!
n=0
until [ -S {socket} ]; do
	n=$((n + 1))
	if [ $n -gt 500 ] || ! kill -0 $backend; then
		verdict died "the back-end did not listen: $(tail -n 1 /tmp/backend.log)"
		give log /tmp/backend.log
		return 1
	fi
	usleep 10000
done
"""

# What the kernel sees of the back-end and of whoever comes to be its front-end, and the back-end's own events.
RECORDER = """\
ringside trace record --tracer buffer,bpf --pid $backend /tmp/recorded 2>/tmp/recorder.log &
recorder=$!
until grep -q 'recording into' /tmp/recorder.log; do
	if ! kill -0 $recorder 2>/dev/null; then
		verdict error "the kernel's events: $(tail -n 1 /tmp/recorder.log)"
		return 1
	fi
	usleep 10000
done
"""
RECORDED = """\
kill -INT $recorder
wait $recorder || verdict error "the kernel's events: $(tail -n 1 /tmp/recorder.log)"
[ -s /tmp/recorded/kernel.bpf ] && gzip </tmp/recorded/kernel.bpf >/tmp/kernel.gz && give kernel.gz /tmp/kernel.gz
"""

# QEMU tells nobody of its guest's clock, but the kernel does, while there is one.
QEMU_RUN = """\
{command} >/tmp/said 2>/tmp/log &
qemu=$!
until [ -s /tmp/stream ] || ! kill -0 $qemu 2>/dev/null; do usleep 20000; done
cat /sys/kernel/debug/kvm/$qemu-*/vcpu0/tsc-offset >/tmp/offset 2>/dev/null
wait $qemu
status=$?
"""
# Of QEMU itself, without anything behind them that would wait.
QEMU_DEVICES = {
    "blk": ["-blockdev", "driver=null-co,node-name=disk,size=67108864,read-zeroes=on", "-device",
            "virtio-blk-pci,drive=disk,disable-legacy=on"],
    "rng": ["-object", "rng-builtin,id=source", "-device",
            "virtio-rng-pci,rng=source,disable-legacy=on"],
}


class KvmLab(LabHypervisor):
    name = "kvm-lab"
    lab = "kvm"
    prefix = "kvm"
    monitor = ("ringside-vmm",)  # what runs the guest, and its options
    mark = "0xea"  # where the guest tells what is to be counted
    connects = ("direct", "library", "library-pci", "eventfd", "eventfd-pci", "vhost-user", "qemu",
                "qemu-vhost-user")
    recorded = ("vhost-user", "qemu-vhost-user")

    def calibration(self, cell):
        return ["user=0xfeb01000", "event=0xfeb02000", "inject=0xfeb03000", "line=6"]

    @property
    def guest(self):
        return f"/guest/ringside-probe-{self.arch}"

    def mode(self, cell):
        """Of the monitor's --mode, and what goes with it."""
        if cell.transport == "pci":
            return [cell.connect.removesuffix("-pci"), "--transport", "pci"]
        return [cell.connect]

    @staticmethod
    def _medium(cell):
        return ["--memory", "64m"] if cell.device == "blk" else []

    @staticmethod
    def _recorded(cell):
        """Does somebody take the events out while it runs?"""
        return cell.traced and (cell.connect == "direct" or cell.stages == "kernel")

    def _measured(self, cell):
        argv = ["--stamps", "/tmp/stamps"] if cell.job == "bench" else []
        if cell.traced:
            argv += ["--trace-buffer", f"{TRACE},events={EVENTS}" +
                     ("" if self._recorded(cell) else ",on")]
        if cell.options.get("burn"):
            argv += ["--burn", str(cell.options["burn"])]
        return argv

    def _backend(self, cell):
        argv = ["ringside-backend", cell.device, "--socket-path", SOCKET, *self._medium(cell),
                *self._measured(cell),
                *cell.more("ringside-backend")]
        if cell.device == "blk":
            argv += ["--num-queues", "1"]
        # QEMU's vhost-user-rng never passes DRIVER_OK on: reports/findings.
        elif cell.connect == "qemu-vhost-user":
            argv.append("--no-status")
        return BACKEND.format(command=shlex.join(argv), socket=SOCKET)

    def _vmm(self, cell):
        argv = [self.monitor[0], cell.device, *self.monitor[1:], "--kernel", self.guest, "--mode",
                *self.mode(cell), "--stream", "/tmp/stream"]
        words = self.words(cell)
        if cell.job == "bench":
            argv += ["--counts", "/tmp/counts"]
            words.append(f"mark={self.mark}")
        argv += ["--append", " ".join(words)]
        if self._has_backend(cell.connect):
            argv += ["--socket-path", SOCKET, *queues(cell)]
            # The kernel says more of what comes by.
            if cell.traced and cell.stages != "kernel":
                argv += ["--trace-buffer", f"{SHIM_TRACE},events={EVENTS},on"]
        else:
            argv += self._medium(cell) + self._measured(cell) + cell.more("ringside-backend")
        if cell.job == "bench":
            argv += self._counter(cell)
        return shlex.join(argv)

    def _counter(self, cell):
        """Options that relate the guest's counter to the back-end's."""
        # Who stamps makes the guest's counter its own.
        return ["--stamps", "/tmp/unused"] if self._has_backend(cell.connect) else []

    def _direct(self, cell):
        options = cell.options
        argv = ["ringside", "bench", f"vhost-user:{SOCKET}", "--device", cell.device, "--wait",
                cell.wait, "--notified", "--warmup", "0", "--counter-hz", str(HZ), "--no-floor",
                *(["--trace", "/tmp/recorded"] if cell.traced else ["--raw", "/tmp/raw"]),
                "--requests", str(options.get("requests", 200)),
                "--queue-depth", str(options.get("queue-depth", 1)), "--block-size",
                str(options.get("block-size", 4096 if cell.device == "blk" else 512))]
        if cell.device == "blk":
            argv += ["--op", cell.op]
        return shlex.join(argv)

    def _qemu(self, cell):
        argv = ["qemu-system-x86_64", "-L", "/usr/share/qemu", "-machine",
                "q35,accel=kvm,memory-backend=ram", "-cpu", "host", "-m", "64M", "-object",
                "memory-backend-memfd,id=ram,size=64M,share=on", "-smp", "1", "-nodefaults",
                "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
                "-debugcon", "file:/tmp/stream", "-device", "isa-debug-exit", "-kernel", self.guest,
                "-append", " ".join(self.words(cell))]
        if cell.connect == "qemu":
            argv += QEMU_DEVICES[cell.device]
        else:
            argv += ["-chardev", f"socket,id=back,path={SOCKET}", "-device",
                     f"vhost-user-{cell.device}-pci,chardev=back"]
        return shlex.join(argv)

    def _command(self, cell):
        """Shell that runs the driver and leaves its exit status."""
        run = "{command} >/tmp/said 2>/tmp/log\nstatus=$?\n"
        if cell.connect == "direct":
            return run.format(command=self._direct(cell))
        if cell.connect.startswith("qemu"):
            return QEMU_RUN.format(command=self._qemu(cell))
        return run.format(command=self._vmm(cell))

    def script(self, cell):
        with_backend = self._has_backend(cell.connect)
        keep = STAMP_HEAD + STAMP * (cell.options.get("requests", 200) + 8)
        kernel = cell.traced and cell.stages == "kernel"
        text = self._backend(cell) if with_backend else ""
        text += RECORDER if kernel else ""
        text += self._command(cell)
        text += RECORDED if kernel else ""
        if with_backend:
            text += "kill -0 $backend 2>/dev/null || gone=$?\n"
        for name, path in (("stream", "/tmp/stream"), ("raw", "/tmp/raw"),
                           ("counts", "/tmp/counts"), ("offset", "/tmp/offset"), ("log", "/tmp/log")):
            text += f"[ -s {path} ] && give {name} {path}\n"
        if cell.traced:
            # Of a buffer, the header and the rings of three threads; most of it is empty, and a serial line is slow.
            text += "".join(f"[ -s {path} ] && head -c {TRACE_KEEP} {path} | gzip >{path}.gz && give "
                            f"{name}.gz {path}.gz\n"
                            for name, path in (("trace-device", TRACE), ("trace-shim", SHIM_TRACE))
                            if not self._recorded(cell))
            text += ("n=0\nfor f in /tmp/recorded/*.events; do\n\t[ -s \"$f\" ] || continue\n"
                     "\tn=$((n + 1))\n\tgzip <\"$f\" >/tmp/one.gz\n\tgive trace-$n.gz /tmp/one.gz\ndone\n")
        text += (f"[ -s /tmp/stamps ] && head -c {keep} /tmp/stamps >/tmp/stamps.cut && "
                 "give stamps /tmp/stamps.cut\n")
        text += "verdict exit $status\n"
        if with_backend:
            text += ("if [ \"$gone\" ]; then\n\twait $backend\n\tverdict died \"the back-end ended "
                     "with status $?: $(tail -n 1 /tmp/backend.log)\"\nfi\n")
        return text


def named(_name):
    return KvmLab()
