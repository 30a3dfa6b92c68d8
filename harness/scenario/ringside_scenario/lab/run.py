# SPDX-License-Identifier: BSD-3-Clause
"""One job in a lab, from beginning to end."""
import functools
import os
import time

from ringside_scenario.lab import image as image_of
from ringside_scenario.lab.base import File
from ringside_scenario.lab.channel import Channel
from ringside_scenario.lab.machine import STOPPED, Machine
from ringside_scenario.lab.qmp import Monitor, Refused
from ringside_scenario.process import NotStarted


class LabFailed(Exception):
    """The lab itself went wrong. `status` is an Outcome's: hypervisor, hung or error."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Job:
    """A script with the files that it needs: {path in the lab: bytes}."""

    def __init__(self, script, files=None):
        self.script = script
        self.files = files or {}

    def write(self, path):
        found = {name: File(data=data) for name, data in self.files.items()}
        found["job/run"] = File(data=self.script.encode())
        with open(path, "wb") as f:
            f.write(image_of.archive(found))


class Run:
    """A lab that does a job; wait() for it. `work` is for sockets, `logs` for what is kept."""

    def __init__(self, lab, image, snapshot, processes, work, logs):
        self.lab = lab
        self.snapshot = snapshot
        self.processes = processes
        self.machine = Machine(lab, image, snapshot.initrd, work, logs)
        self.work = work
        self.process = None

    def launch(self, job, interactive=False):
        """Start it; take_up() comes next. LabFailed."""
        path = os.path.join(self.work, "job.cpio")
        job.write(path)
        try:
            self.process = self.machine.start(self.processes, job=path, interactive=interactive,
                                              state=self.snapshot.state)
        except NotStarted as e:
            raise LabFailed("error", f"the lab could not be started: {e}") from None
        return self

    def take_up(self, seconds=60.0):
        """Let it go on from its snapshot. LabFailed."""
        try:
            if self.snapshot.state:
                self._take_up(seconds)
        except Refused as e:
            raise LabFailed("error", f"the lab could not be started: {e}") from None
        return self

    def start(self, job, seconds=60.0, interactive=False):
        """LabFailed."""
        return self.launch(job, interactive).take_up(seconds)

    def _take_up(self, seconds):
        """Wait until the state is in, and let it go on."""
        monitor = Monitor(self.machine.monitor, self.process, seconds)
        end = time.monotonic() + seconds
        while (status := monitor.status()) == "inmigrate":
            if self.process.wait(0.01) or time.monotonic() > end:
                raise Refused(f"the saved state was not taken up: {self.process.last_words()}")
        if status not in STOPPED:
            raise Refused(f"the saved state is '{status}'")
        monitor.run("cont")
        monitor.close()

    def _watch(self, seconds):
        """Has the machine ended in time? A hypervisor that has panicked may take long to reset it."""
        end = time.monotonic() + seconds
        while not self.process.wait(max(0.0, min(1.0, end - time.monotonic()))):
            if time.monotonic() > end or self.lab.panicked(self.machine.said()[0]):
                return False
        return True

    def wait(self, seconds):
        """The Channel, when the job came to its end; LabFailed."""
        ended = self._watch(seconds)
        if not ended:
            self.process.stop(0)
        console, said = self.machine.said()
        channel = Channel(said)
        panic = self.lab.panicked(console)
        last = [line.strip() for line in console.splitlines() if line.strip()]
        tail = f"; the lab said last: {last[-1][:200]}" if last else ""
        if panic:
            raise LabFailed("hypervisor", f"the lab panicked: {panic[:200]}")
        if not ended:
            raise LabFailed("hung", f"the lab had not ended after {seconds:.0f} s{tail}")
        if self.process.popen.returncode:
            raise LabFailed("hypervisor", f"the lab's qemu {self.process.how()}: "
                                          f"{self.process.last_words()}")
        if channel.trouble:
            raise LabFailed("hypervisor", f"the lab's channel: {channel.trouble}")
        if channel.over is None:
            raise LabFailed("hypervisor", f"the lab ended before its job did{tail}")
        return channel


@functools.lru_cache(maxsize=None)
def prepare(name, say=None):
    """(lab, image, snapshot), built when they are not there. NoImage, BadRecipe."""
    say = say or (lambda text: None)
    from ringside_scenario import lab as labs  # pylint: disable=import-outside-toplevel
    lab = labs.named(name)
    image = image_of.Image(lab, say)
    image.ensure()
    from ringside_scenario.lab.snapshot import Snapshot  # pylint: disable=import-outside-toplevel
    snapshot = Snapshot(lab, image, say)
    snapshot.ensure()
    return lab, image, snapshot
