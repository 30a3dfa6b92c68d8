# SPDX-License-Identifier: BSD-3-Clause
"""What hypervisors in labs have in common: a cell is a job that runs inside, and what comes out of it
becomes the same results as elsewhere. Measurements are run twice, and must not differ."""
import copy
import gzip
import json
import os
import shutil
import subprocess
import tempfile

from ringside_scenario import exact, lab as labs, programs, results
from ringside_scenario.hypervisor.base import Hypervisor
from ringside_scenario.lab import image as image_of
from ringside_scenario.lab import recipe, run
from ringside_scenario.outcome import Failed, Outcome
from ringside_scenario.rundir import now

COLLECT_DEADLINE = 120
RUNS = 2
HZ = 1000000000  # the clock of a lab: an instruction is a nanosecond
REQUESTS = 200
SAMPLES = 50  # of each single thing that is calibrated
EVENTS = 8192  # that a traced run keeps of each side
# Where the device is; the monitors of ours have it on virtio-mmio.
TRANSPORTS = {"direct": "vhost-user", "library-pci": "pci", "eventfd-pci": "pci", "qemu": "pci",
              "qemu-vhost-user": "pci"}
# How the program that runs the guest ends: ringside-vmm(1), ringside-xen(1).
JOB_FAILED = 35
EXITS = {JOB_FAILED: ("error", "a job could not be done"), 37: ("died", "the probe met an exception"),
         3: ("died", "the back-end went away"), 4: ("hypervisor", "it cannot run the guest"),
         5: ("died", "the guest crashed")}


class LabHypervisor(Hypervisor):
    """A module overrides name, lab, prefix, connects and script()."""

    whole = True  # it does cells by itself, back-end and all
    lab = ""  # the lab's name
    prefix = ""  # of approaches: PREFIX-CONNECT
    connects = ()  # ways to connect a device
    recorded = ()  # … of which the hypervisor's own events can be had, with stages: kernel
    arch = "x86_64"

    def fold(self, axes):
        connect = axes["connect"]
        if axes["driver"] != "probe" or connect not in self.connects or axes["backend"] == "qemu":
            return None
        # Where the device model is linked in there is one back-end: ours, or QEMU's own.
        if not self._has_backend(connect) and axes["backend"] != "ringside-backend":
            return None
        if connect == "qemu":
            axes = {**axes, "backend": "qemu"}
        return {**axes, "arch": self.arch, "transport": TRANSPORTS.get(connect, "mmio")}

    @staticmethod
    def _has_backend(connect):
        return connect in ("direct", "vhost-user", "vhost-user-grants", "qemu-vhost-user")

    def missing(self, cell, ctx):
        if cell.connect == "direct" and cell.job != "bench":
            return "checks without a guest are for the host: hypervisor none"
        if cell.stages == "kernel" and cell.connect not in self.recorded:
            return "there is no kernel that sees both sides of it: stages: true"
        if not programs.guest(f"ringside-probe-{self.arch}"):
            return f"ringside-probe-{self.arch} is not built"
        return self.missing_lab()

    def missing_lab(self):
        """What the lab itself lacks, in words, or None."""
        try:
            found = labs.named(self.lab)
        except recipe.BadRecipe as e:
            return str(e)
        from ringside_scenario.lab.machine import Machine
        return Machine(found, None, "", "", "").missing()

    def approach(self, cell):
        return "direct" if cell.connect == "direct" else f"{self.prefix}-{cell.connect}"

    # --- the job ------------------------------------------------------------------------------------

    def words(self, cell):
        """The probe's command line."""
        words = [f"counter-hz={HZ}"]
        options = cell.options
        if cell.job == "conform":
            words += ["job=conform", f"device={cell.device}@{cell.transport}"]
            return words + [f"{k}={options[k]}" for k in ("check", "clause", "timeout", "quiet")
                            if k in options]
        n = options.get("requests", REQUESTS)
        if self.calibrates(cell) and not cell.traced:
            words += ["job=calibrate", f"samples={SAMPLES}", *self.calibration(cell)]
        words += ["job=bench", f"device={cell.device}@{cell.transport}", f"wait={cell.wait}",
                  f"requests={n}", f"trace={EVENTS}" if cell.traced else f"raw={n}", "warmup=0ms", "notified=on",
                  f"queue-depth={options.get('queue-depth', 1)}"]
        size = options.get("block-size", 4096 if cell.device == "blk" else 512)
        return words + [f"op={cell.op}", f"block-size={size}"]

    def calibrates(self, cell):
        # A monitor of ours has what is needed for it.
        return cell.job == "bench" and not cell.connect.startswith(("direct", "qemu"))

    def calibration(self, cell):
        """Words of job=calibrate: user=, event=, inject=, line=."""
        return []

    def job_files(self, snapshot):
        """What goes into the job beside the script: {path: bytes}."""
        return {}

    def script(self, cell):
        """Shell, run in the lab. It gives `stream` (or `raw`), `counts`, `stamps`, `log`, and says
        `verdict exit STATUS` with the exit status of what ran the guest."""
        raise NotImplementedError

    # --- a cell -----------------------------------------------------------------------------------------

    def run(self, cell, ctx):
        try:
            place = run.prepare(self.lab)
        except (image_of.NoImage, recipe.BadRecipe) as e:
            raise Failed("error", f"lab {self.lab}: {e}") from None
        # Building it is not the cell's time.
        ctx.restart_clock()
        if cell.job == "conform":
            return self._conform(cell, ctx, self._runs(cell, ctx, place, 1)[0])
        return self._bench(cell, ctx, self._runs(cell, ctx, place, RUNS), place)

    def _runs(self, cell, ctx, place, count, folder="lab"):
        """The files of each run, {name: path}. They go side by side: what else the machine does changes
        nothing in a lab."""
        started = []
        job = run.Job(self.script(cell), self.job_files(place[2]))
        try:
            for n in range(count):
                logs = os.path.join(ctx.folder, f"{folder}-{n + 1}" if n else folder)
                os.makedirs(logs, exist_ok=True)
                work = tempfile.mkdtemp(dir=ctx.work)
                started.append((run.Run(*place, ctx.processes, work, logs).launch(job), logs))
            for one, _ in started:
                one.take_up(ctx.left())
            return [self._files(cell, ctx, one.wait(ctx.left()), logs) for one, logs in started]
        except run.LabFailed as e:
            raise Failed(e.status, e.reason) from None

    def _files(self, cell, ctx, channel, logs):
        """What one run has given, when what ran the guest has done its work."""
        files = {}
        for name, data in channel.files.items():
            if name.endswith(".gz"):
                name, data = name.removesuffix(".gz"), gzip.decompress(data)
            files[name] = os.path.join(logs, name)
            with open(files[name], "wb") as f:
                f.write(data)
        self._judge(cell, ctx, channel, files)
        return files

    def _judge(self, cell, ctx, channel, files):
        """How what ran the guest has ended; Failed when that is no end of work done."""
        if not channel.verdict:
            raise Failed("hypervisor", "the lab's job said nothing of how it ended")
        what, text = channel.verdict
        if what != "exit":
            raise Failed("died" if what == "died" else "error", text)
        status = int(text) if text.isdigit() else -1
        if status in (0, 33):
            return
        kind, why = EXITS.get(status, ("hypervisor", f"exit status {text}"))
        if status == JOB_FAILED and "stream" in files:
            # The guest's own word; a monitor may have complained of something else.
            why += f": {self._collect(cell, ctx, files).stderr.strip().rpartition(': ')[2][-200:]}"
        elif "log" in files:
            with open(files["log"], encoding="utf-8", errors="replace") as f:
                lines = [line.strip() for line in f if line.strip()]
            why += f": {lines[-1][:200]}" if lines else ""
        raise Failed(kind, why)

    def _collect(self, cell, ctx, files, *more):
        return _ringside(ctx, "collect", "--from", files["stream"], "--job", cell.job, "--name",
                         cell.target_name, *more)

    def _conform(self, cell, ctx, files):
        if "stream" not in files:
            raise Failed("died", "the guest said nothing")
        result = os.path.join(ctx.folder, "conform.json")
        more = ["--format", "json", "--output", result]
        if cell.expect_files:
            more += ["--expect", results.join_expectations(cell.expect_files, ctx.folder)]
        done = self._collect(cell, ctx, files, *more)
        found = results.read(result)
        kept = ["conform.json"] if found else []
        if done.returncode == 0 and found:
            return Outcome("pass", "", kept, results.summarise(found))
        if done.returncode == 1 and found:
            return Outcome("fail", results.first_finding(found), kept, results.summarise(found))
        return Outcome("died", done.stderr.strip()[-300:], kept, results.summarise(found))

    def _sample(self, cell, ctx, files):
        texts = {"raw": "", "counts": "", "figures": ""}
        if "stream" in files:
            places = {n: f"{files['stream']}.{n}" for n in ("raw", "figures")}
            done = self._collect(cell, ctx, files, "--raw", places["raw"], "--figures",
                                 places["figures"])
            if done.returncode:
                raise Failed("died", done.stderr.strip()[-300:])
            files = {**files, **places}
        for name in texts:
            if name in files and os.path.exists(files[name]):
                with open(files[name], encoding="ascii", errors="replace") as f:
                    texts[name] = f.read()
        stamps = b""
        if "stamps" in files:
            with open(files["stamps"], "rb") as f:
                stamps = f.read()
        return exact.Sample(stamps=stamps, offset=self._offset(files), **texts)

    @staticmethod
    def _offset(files):
        """The guest's clock, less the back-end's."""
        try:
            with open(files["offset"], encoding="ascii") as f:
                return int(f.read())
        except (KeyError, OSError, ValueError):
            return 0

    def _bench(self, cell, ctx, runs, place):
        lab, _, snapshot = place
        samples = [self._sample(cell, ctx, files) for files in runs]
        for other in samples[1:]:
            differs = samples[0].difference(other)
            if differs:
                raise Failed("error", f"two runs differ: {differs}")
        options = cell.options
        load = {"op": cell.op,
                "block_size": options.get("block-size", 4096 if cell.device == "blk" else 512),
                "queue_depth": options.get("queue-depth", 1), "wait": cell.wait,
                "requests": options.get("requests", REQUESTS), "burn": options.get("burn", 0)}
        head = {"ringside": _version(ctx.ringside), "created": now(),
                "target": {"name": cell.target_name, "approach": self.approach(cell),
                           "device": cell.device, "ring": cell.ring, "backend": cell.backend,
                           "transport": cell.transport},
                "lab": {"name": lab.name, "snapshot": snapshot.key}, "load": load}
        traced = self._traced(cell, ctx, place) if cell.stages else None
        try:
            found = exact.document(samples[0], head, RUNS, traced)
        except (exact.NotExact, ValueError, KeyError, IndexError, json.JSONDecodeError) as e:
            raise Failed("error", f"stamps of the lab: {e}") from None
        results.write(os.path.join(ctx.folder, "exact.json"), found)
        return Outcome("pass", "", ["exact.json"], results.summarise(found))


    # --- traced ---------------------------------------------------------------------------------------------

    def _traced(self, cell, ctx, place):
        """The same load once more, with all events of both sides: what `ringside trace stages` says of them."""
        cell = copy.copy(cell)
        cell.traced = True
        files = self._runs(cell, ctx, place, 1, "lab-traced")[0]
        folder = os.path.join(ctx.folder, "trace")
        os.makedirs(folder)
        for name, path in files.items():
            if name.startswith("trace"):
                shutil.copyfile(path, os.path.join(folder, f"{name}.events"))
            elif name == "kernel":
                shutil.copyfile(path, os.path.join(folder, "kernel.bpf"))
        result = os.path.join(ctx.work, "traced.json")
        clock = ["--counter-hz", str(HZ), "--format", "json", "--output", result]
        if "stream" in files:
            done = self._collect(cell, ctx, files, "--trace", folder, "--counter-ahead",
                                 str(self._offset(files)), *clock)
        else:
            done = _ringside(ctx, "trace", "stages", *clock, folder)
        found = results.read(result)
        if done.returncode or not found or not found.get("stages"):
            raise Failed("error", f"the traced run: {done.stderr.strip()[-300:] or 'no stages'}")
        return {"stages": found["stages"], "trace": found["trace"]}


def _ringside(ctx, *argv):
    try:
        return subprocess.run([ctx.ringside, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=COLLECT_DEADLINE)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Failed("error", f"ringside {argv[0]}: {e}") from None


def _version(ringside):
    try:
        said = subprocess.run([ringside, "--version"], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=20, check=False).stdout.split()
        return said[1]
    except (OSError, subprocess.TimeoutExpired, IndexError):
        return "?"
