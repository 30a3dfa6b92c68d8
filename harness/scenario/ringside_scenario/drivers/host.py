# SPDX-License-Identifier: BSD-3-Clause
"""Ringside on the host as the driver: over a socket, or on the registers of a QEMU that it starts."""
import os

from ringside_scenario import results
from ringside_scenario.drivers.base import Driver
from ringside_scenario.outcome import Failed, Outcome
from ringside_scenario.process import NotStarted, wait_any


class Host(Driver):
    name = "host"
    jobs = ("conform", "bench")

    def run(self, cell, ctx, hypervisor, backend):
        uri = hypervisor.uri(cell, ctx, backend)
        result = os.path.join(ctx.folder, f"{cell.job}.json")
        argv = [ctx.ringside, cell.job, uri, "--name", cell.target_name, "--format", "json",
                "--output", result]
        if backend:
            # It starts the back-end itself, and anew after each group of checks.
            backend.check_program()
            argv += ["--device", cell.device, "--command", backend.command()]
            if uri.startswith("vhost-user:") and backend.trigger() and cell.job == "conform":
                argv += ["--config-trigger", backend.trigger()]
        argv += ["--ring", cell.ring]
        argv += self._conform(cell, ctx, hypervisor) if cell.job == "conform" \
            else self._bench(cell)
        if cell.stages:
            argv += ["--trace", os.path.join(ctx.folder, "trace")]
        log = os.path.join(ctx.folder, "ringside.log")
        try:
            p = ctx.processes.start("ringside", argv, log)
        except NotStarted as e:
            raise Failed("error", str(e)) from None
        ended, _ = wait_any([p], ctx.left())
        if not ended:
            raise Failed("hung", f"ringside {cell.job} had not ended after {cell.timeout:.0f} s")
        return self._judge(cell, p, result)

    @staticmethod
    def _conform(cell, ctx, hypervisor):
        argv = ["--ring", cell.ring]
        for key in ("check", "clause", "timeout", "quiet"):
            if key in cell.options:
                argv += [f"--{key}", str(cell.options[key])]
        files = cell.expect_files + hypervisor.expect_files(cell)
        if files:
            argv += ["--expect", results.join_expectations(files, ctx.folder)]
        return argv

    @staticmethod
    def _bench(cell):
        argv = ["--wait", cell.wait, "--ring", cell.ring] + ([] if cell.floor else ["--no-floor"])
        for key in ("op", "block-size", "queue-depth", "rate", "duration", "requests"):
            if key in cell.options:
                argv += [f"--{key}", str(cell.options[key])]
        return argv

    @staticmethod
    def _judge(cell, process, result):
        """What ringside's exit status and its result say."""
        status = process.popen.returncode
        found = results.read(result)
        said = process.last_words().removeprefix("ringside: ")
        files = [os.path.basename(result)] if found else []
        summary = results.summarise(found)
        if status == 0 and found:
            return Outcome("pass", "", files, summary)
        if status == 1 and found:
            return Outcome("fail", results.first_finding(found), files, summary)
        if status == 3:
            return Outcome("died", said or "the target ended", files, summary)
        if status == 130:
            return Outcome("interrupted", "ended by a signal", files, summary)
        return Outcome("error", said or f"ringside {process.how()}", files, summary)


def named(_name):
    return Host()
