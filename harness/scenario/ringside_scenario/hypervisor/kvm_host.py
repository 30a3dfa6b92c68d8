# SPDX-License-Identifier: BSD-3-Clause
"""KVM of this machine with ringside-vmm(1), the monitor that the lab has, too: a device in each of the ways
to connect it, on time and not on instructions."""
import functools
import os
import subprocess

from ringside_scenario.hypervisor.base import Hypervisor, Running
from ringside_scenario.outcome import Failed
from ringside_scenario.process import NotStarted

CHECK_DEADLINE = 30
MEMORY = "64m"
QUEUES = 16  # more than any of our devices has
CRASHED, GONE, SILENT = 5, 3, 6  # how a monitor ends when that is not its own failure


@functools.lru_cache(maxsize=None)
def _check(program):
    """Why ringside-vmm runs no guest here; None: it does."""
    if not os.path.exists(program):
        return "ringside-vmm is not built: it is for x86_64"
    try:
        done = subprocess.run([program, "--check"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=CHECK_DEADLINE, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"whether KVM works cannot be tried: {e}"
    return f"KVM runs no ordinary guest here: {done.stdout.strip()[:200]}" if done.returncode else None


def queues(cell):
    """A monitor before a back-end has one queue when it is not told: what most devices cannot do with. As many as the
    back-end has, which is one of the block devices here."""
    return [] if cell.device in ("blk", "rng") else ["--num-queues", str(QUEUES)]


class KvmHost(Hypervisor):
    name = "kvm"
    monitor = ("ringside-vmm",)  # what runs the guest, and its options
    connects = ("library", "eventfd", "vhost-user")

    def fold(self, axes):
        connect = "vhost-user" if axes["connect"] == "usual" else axes["connect"]
        if axes["driver"] != "probe" or axes["backend"] == "qemu" or axes["arch"] != "x86_64":
            return None
        # Where the device model is linked in there is one back-end: ours.
        if connect != "vhost-user" and axes["backend"] != "ringside-backend":
            return None
        return {**axes, "transport": "mmio", "connect": connect}

    def has_backend(self, cell):
        return cell.connect == "vhost-user"

    def program(self, ctx):
        return os.path.join(os.path.dirname(os.path.abspath(ctx.ringside)), self.monitor[0])

    def missing(self, cell, ctx):
        return _check(self.program(ctx))

    def start(self, cell, ctx, backend, guest):
        name = self.monitor[0]
        argv = [self.program(ctx), cell.device, *self.monitor[1:], "--mode", cell.connect, "--kernel", guest.kernel,
                "--append", guest.append, "--stream", guest.stream]
        if backend:
            argv += ["--socket-path", backend.socket, *queues(cell)]
        else:
            argv += ["--memory", MEMORY] if cell.device == "blk" else []
            argv += cell.more("ringside-backend")
        log = os.path.join(ctx.folder, f"{name}.log")
        with open(os.path.join(ctx.folder, "command"), "w", encoding="utf-8") as f:
            f.write(" \\\n\t".join(argv) + "\n")
        try:
            return Guest(ctx.processes.start(name, argv, log), log, name)
        except NotStarted as e:
            raise Failed("error", str(e)) from None


class Guest(Running):
    def __init__(self, process, log, monitor):
        super().__init__(process, log)
        self.monitor = monitor

    def blame(self):
        status = self.process.popen.returncode
        if status and status not in (CRASHED, GONE, SILENT):
            return f"{self.monitor} {self.process.how()}: {self.process.last_words()}"
        return None

    def words(self):
        return self.process.last_words()


def named(_name):
    return KvmHost()
