# SPDX-License-Identifier: BSD-3-Clause
"""A lab that has booted, with our programs in it, saved at one certain instruction: the guest stops the
machine itself (pvpanic). So all that takes it up goes on from the same state.

    CACHE/NAME/snapshot-KEY/{initrd,state,console.log,snapshot.json}

KEY follows from all that went into it: image, programs, QEMU. An older one of the lab is removed.
"""
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time

from ringside_scenario.lab import image as image_of
from ringside_scenario.lab import libraries
from ringside_scenario.lab.base import File
from ringside_scenario.lab.machine import STOPPED, Machine
from ringside_scenario.lab.qmp import Monitor, Refused
from ringside_scenario.process import NotStarted, Processes

KEPT = 3  # of one lab: several trees may use one cache


def _version(program):
    try:
        return subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=30, check=False).stdout.splitlines()[0]
    except (OSError, subprocess.TimeoutExpired, IndexError):
        return ""


class Snapshot:
    def __init__(self, lab, image, say=lambda text: None):
        self.lab = lab
        self.image = image
        self.say = say
        guests = {f"guest/{os.path.basename(p)}": File(0o100755, path=p) for p in lab.guests()}
        try:
            programs = libraries.gather(lab.programs(), lab.sysroot(), lab.recipe.arch)
        except image_of.NotMade as e:
            raise image_of.NoImage(f"programs for the lab: {e}") from None
        self._overlay = image_of.archive({**programs, **guests, **lab.data()})
        found = image.read()
        machine = Machine(lab, image, "initrd", "", "")
        h = hashlib.sha256(self._overlay)
        for text in (json.dumps(found["files"], sort_keys=True), _version(machine.program),
                     " ".join(machine.argv()).replace(image.folder, "")):
            h.update(text.encode())
        self.key = h.hexdigest()[:16]
        self.folder = os.path.join(image.top, f"snapshot-{self.key}")

    @property
    def facts(self):
        """What base.Lab.saved() found."""
        with open(os.path.join(self.folder, "snapshot.json"), encoding="utf-8") as f:
            return json.load(f).get("facts", {})

    @property
    def initrd(self):
        return os.path.join(self.folder, "initrd")

    @property
    def state(self):
        return os.path.join(self.folder, "state") if self.lab.recipe.snapshot else None

    def ensure(self):
        """Make it when it is not there. NoImage."""
        with image_of.locked(self.image.top):
            if os.path.exists(os.path.join(self.folder, "snapshot.json")):
                os.utime(self.folder)
                return False
            part = tempfile.mkdtemp(prefix=".part-", dir=self.image.top)
            try:
                self._make(part)
                os.chmod(part, 0o755)
                shutil.rmtree(self.folder, ignore_errors=True)
                os.rename(part, self.folder)
            except OSError as e:
                raise image_of.NoImage(f"the snapshot could not be made: {e}") from None
            finally:
                shutil.rmtree(part, ignore_errors=True)
            self._clean()
            return True

    def _clean(self):
        old = sorted((os.path.join(self.image.top, n) for n in os.listdir(self.image.top)
                      if n.startswith("snapshot-")), key=os.path.getmtime)
        for path in old[:-KEPT]:
            shutil.rmtree(path, ignore_errors=True)

    def _make(self, folder):
        initrd = os.path.join(folder, "initrd")
        with open(initrd, "wb") as out, open(self.image["base.cpio"], "rb") as f:
            out.write(f.read())
            out.write(self._overlay)
        began = time.monotonic()
        facts = {}
        if self.lab.recipe.snapshot:
            self.say("booting it once, to save what has booted")
            with Processes() as processes:
                facts = self._boot(processes, folder, initrd)
        with open(os.path.join(folder, "snapshot.json"), "w", encoding="utf-8") as f:
            json.dump({"schema": "ringside.lab-snapshot/1", "lab": self.lab.name, "key": self.key,
                       "facts": facts, "took_s": round(time.monotonic() - began, 1)}, f)

    def _boot(self, processes, folder, initrd):
        work = tempfile.mkdtemp(prefix="ringside-")
        machine = Machine(self.lab, self.image, initrd, work, folder)
        limit = self.lab.recipe.boot_timeout
        end = time.monotonic() + limit
        try:
            process = machine.start(processes)
            monitor = Monitor(machine.monitor, process, limit)
            while monitor.status() not in STOPPED:
                if process.wait(0.05) or time.monotonic() > end:
                    raise Refused("")
            part = os.path.join(folder, "state")
            monitor.run("migrate", uri=f"exec:cat > {shlex.quote(part)}")
            while (status := monitor.run("query-migrate").get("status")) != "completed":
                if status == "failed" or process.wait(0.02) or time.monotonic() > end:
                    raise Refused(f"its state could not be saved ({status})")
            facts = self.lab.saved(monitor, work)
            monitor.close()
            return facts
        except (Refused, NotStarted) as e:
            console = machine.said()[0]
            last = [line.strip() for line in console.splitlines() if line.strip()]
            why = str(e) or self.lab.panicked(console) or \
                f"it was not ready after {limit} s" + (f"; it said last: {last[-1]}" if last else "")
            raise image_of.NoImage(f"the lab does not boot: {why}") from None
        finally:
            shutil.rmtree(work, ignore_errors=True)
