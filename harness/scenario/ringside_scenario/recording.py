# SPDX-License-Identifier: BSD-3-Clause
"""Recording what a back-end does while a guest drives it: `ringside trace record`, around the guest's life."""
import os
import signal
import time

from ringside_scenario.outcome import Failed
from ringside_scenario.process import NotStarted

FOLDER = "trace"
READY = "recording into"
DEADLINE = 20  # seconds, to begin or to end


class Recorder:
    def __init__(self, process):
        self.process = process

    def await_ready(self):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and not self.process.ended:
            with open(self.process.log, encoding="utf-8", errors="replace") as f:
                if READY in f.read():
                    return
            self.process.wait(.02)
        raise Failed("error", f"ringside trace: {self.process.last_words() or self.process.how()}")

    def stop(self):
        """What was recorded is then on disk."""
        self.process.popen.send_signal(signal.SIGINT)
        if not self.process.wait(DEADLINE):
            raise Failed("hung", "ringside trace did not end")


def start(cell, ctx, backend):
    """Of a cell that wants stages and has a back-end with tracepoints of ours, or is to be seen by the kernel; else
    None: what the guest itself keeps is all that there is."""
    if not cell.stages or not backend or not (backend.trace_buffer or cell.stages == "kernel"):
        return None
    argv = [ctx.ringside, "trace", "record", "--pid", str(backend.process.pid),
            *(["--bpf"] if cell.stages == "kernel" else []), os.path.join(ctx.folder, FOLDER)]
    try:
        recorder = Recorder(ctx.processes.start("ringside-trace", argv,
                                                os.path.join(ctx.folder, "trace.log")))
    except NotStarted as e:
        raise Failed("error", str(e)) from None
    recorder.await_ready()
    return recorder
