# SPDX-License-Identifier: BSD-3-Clause
"""The emulated machine: QEMU's command line, the same for what is saved and what takes it up."""
import os
import shlex
import shutil

# What makes a run the same, instruction for instruction: one processor whose clock counts instructions
# and does not wait for the host's, a date, and numbers that only look random.
EXACT = ["-smp", "1", "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm",
         "-seed", "1"]
JOB = "opt/ringside/job"
# What QEMU calls a machine that was stopped from inside: by pvpanic, by a watchdog.
STOPPED = ("guest-panicked", "watchdog")


class Machine:
    """One QEMU. `work` is a folder for sockets and the job, `logs` for what is kept."""

    def __init__(self, lab, image, initrd, work, logs):
        self.lab = lab
        self.image = image
        self.initrd = initrd
        self.work = work
        self.console = os.path.join(logs, "console.log")
        self.channel = os.path.join(logs, "channel.log")
        self.log = os.path.join(logs, "qemu.log")
        self.monitor = os.path.join(work, "qmp.sock")

    @property
    def program(self):
        return f"qemu-system-{self.lab.recipe.arch}"

    def missing(self):
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def argv(self, job=None, state=None, interactive=False):
        """`job`: an archive for fw_cfg. `state`: a file to take up from."""
        recipe = self.lab.recipe
        argv = [self.program, "-machine", recipe.machine, "-accel", "tcg", "-cpu", recipe.cpu,
                "-m", str(recipe.memory), "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", *EXACT, "-qmp", f"unix:{self.monitor},server=on,wait=off"]
        if recipe.snapshot:
            argv += ["-device", "pvpanic-pci", "-action", "panic=pause"]
        argv += ["-serial", "stdio" if interactive else f"file:{self.console}"]
        if recipe.channel != "console":
            argv += self.lab.channel_args(self.channel)
        argv += self.lab.boot_args(self.image.folder, self.initrd) + recipe.qemu
        if job:
            argv += ["-fw_cfg", f"name={JOB},file={job}"]
        if state:
            argv += ["-incoming", f"exec:exec cat {shlex.quote(state)}"]
        return argv

    def start(self, processes, interactive=False, **kwargs):
        return processes.start("qemu", self.argv(interactive=interactive, **kwargs), self.log,
                               **({"stdin": None, "stdout": 1} if interactive else {}))

    def said(self, limit=16 << 20):
        """What came out of the console, and of the channel."""
        def read(path):
            try:
                with open(path, "rb") as f:
                    return f.read(limit).decode("utf-8", "replace")
            except OSError:
                return ""
        console = read(self.console)
        return console, console if self.lab.recipe.channel == "console" else read(self.channel)
