# SPDX-License-Identifier: BSD-3-Clause
"""The probe: our own guest, which runs the same checks and loads as the host does."""
import os
import subprocess

from ringside_scenario import programs, recording, results
from ringside_scenario.drivers.base import Driver
from ringside_scenario.guest import Guest
from ringside_scenario.outcome import Failed, Outcome
from ringside_scenario.process import wait_any

COLLECT_DEADLINE = 60
EVENTS = 65536  # that the guest keeps at most
# How QEMU ends when the guest writes to isa-debug-exit: all done, a job could not be done, a panic.
EXITS = {33: None, 35: "a job could not be done", 37: "the probe met an exception"}
KEYS = {
    "conform": ("check", "clause", "timeout", "quiet"),
    "bench": ("block-size", "queue-depth", "rate", "requests", "duration"),
}


class Probe(Driver):
    name = "probe"
    jobs = ("conform", "bench")

    def missing(self, cell, ctx):
        if not programs.guest(f"ringside-probe-{cell.arch}"):
            return f"ringside-probe-{cell.arch} is not built: ci/bootstrap guests"
        return None

    def run(self, cell, ctx, hypervisor, backend):
        stream = os.path.join(ctx.folder, "stream")
        words = [f"job={cell.job}", f"device={cell.device}@{cell.transport}",
                 f"ring={cell.ring}"]
        words += [f"{key}={cell.options[key]}" for key in KEYS[cell.job] if key in cell.options]
        if cell.job == "bench":
            words.append(f"wait={cell.wait}")
            if "op" in cell.options or cell.device == "rng":
                words.append(f"op={cell.op}")
            if cell.stages:
                words.append(f"trace={EVENTS}")
        kernel, append = programs.guest(f"ringside-probe-{cell.arch}"), " ".join(words)
        args = ["-kernel", kernel, "-append", append]
        if cell.arch == "x86_64":
            args += ["-debugcon", f"file:{stream}", "-device", "isa-debug-exit"]
        if backend:
            backend.start()
        recorder = recording.start(cell, ctx, backend)
        running = hypervisor.start(cell, ctx, backend, Guest(
            args, memory="64M", kernel=kernel, append=append, stream=stream))
        if cell.arch != "x86_64":
            stream = running.console
        ended, _ = wait_any([running.process] + ([backend.process] if backend else []),
                            ctx.left())
        # What ends first is to blame, but a guest that has done its work has done it.
        if backend and backend.process in ended and running.process not in ended:
            ended = wait_any([running.process], min(5.0, ctx.left()))[0]
        hung = running.process not in ended
        running.process.stop()
        if recorder:
            recorder.stop()
        return self._collect(cell, ctx, hypervisor, backend, running, stream, hung)

    def _collect(self, cell, ctx, hypervisor, backend, running, stream, hung):
        """What the stream says, and how the guest ended."""
        result = os.path.join(ctx.folder, f"{cell.job}.json")
        argv = [ctx.ringside, "collect", "--from", stream, "--job", cell.job, "--name",
                cell.target_name, "--format", "json", "--output", result]
        if cell.stages:
            argv += ["--trace", os.path.join(ctx.folder, recording.FOLDER)]
        files = cell.expect_files + (hypervisor.expect_files(cell) if cell.job == "conform" else [])
        if files and cell.job == "conform":
            argv += ["--expect", results.join_expectations(files, ctx.folder)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, check=False,
                                  timeout=COLLECT_DEADLINE)
        except (OSError, subprocess.TimeoutExpired) as e:
            raise Failed("error", f"ringside collect: {e}") from None
        with open(os.path.join(ctx.folder, "ringside.log"), "w", encoding="utf-8") as f:
            f.write(done.stderr)
        # One line per thing: how the guest ended, during which check, …
        said = "; ".join(line.strip().removeprefix("ringside: ").removeprefix(f"{stream}: ")
                         for line in done.stderr.splitlines() if "guest" in line or "during" in line
                         or "stream" in line) or done.stderr.strip()[-200:]
        found = results.read(result)
        kept = [os.path.basename(result)] if found else []
        summary = results.summarise(found)
        if hung:
            return Outcome("hung", f"the guest had not ended after {cell.timeout:.0f} s" +
                           (f": {said}" if said else ""), kept, summary)
        if done.returncode == 0 and found:
            return Outcome("pass", "", kept, summary)
        if done.returncode == 1 and found:
            return Outcome("fail", results.first_finding(found), kept, summary)
        if backend:
            backend.check()
        status = running.process.popen.returncode
        if status in EXITS:
            why = ": ".join(t for t in (EXITS[status], said) if t)
            return Outcome("error" if status == 35 else "died", why, kept, summary)
        blame = running.blame()
        if blame:
            return Outcome("hypervisor", blame, kept, summary)
        said = "; ".join(t for t in (running.words(), said) if t)
        return Outcome("died", said or "the guest ended before its work was done", kept, summary)


def named(_name):
    return Probe()
