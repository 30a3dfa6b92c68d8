# SPDX-License-Identifier: BSD-3-Clause
"""Back-ends: ours, and the programs of scenarios/targets."""
import os
import shlex
import shutil

from ringside_scenario.outcome import Failed
from ringside_scenario.process import NotStarted, await_listening

LISTEN_DEADLINE = 20
MEMORY = "64M"
SCRATCH = 64 << 20  # bytes of the image that a command of its own may ask for


class Backend:
    """What is behind a device: how it is started, and the process once it is."""

    def __init__(self, cell, ctx):
        self.cell = cell
        self.ctx = ctx
        self.socket = os.path.join(ctx.work, "vhost.sock")
        self.log = os.path.join(ctx.folder, "backend.log")
        self.judge = None  # the file with the judge's verdicts
        self.process = None
        # Where its tracepoints go, when somebody wants to know.
        self.trace_buffer = os.path.join(ctx.work, "trace-buffer") if cell.stages and self.ours else None
        self.image = None  # what is on the medium; None: nothing
        # Of ours: what becomes its program in the end, and what a driver's workload asks of it.
        self.before, self.behind = [], []

    @property
    def ours(self):
        return self.cell.backend == "ringside-backend"

    def argv(self, socket=None):
        """The program's command line."""
        cell = self.cell
        socket = socket or self.socket
        if cell.backend_command:
            return self._by_command(socket)
        more = cell.more(cell.backend)
        if not self.ours:
            return [os.path.join(cell.scenario.folder, "targets", cell.backend), socket,
                    *([self.image] if self.image else []), *more]
        argv = [self.ctx.backend_program, cell.device, "--socket-path", socket]
        if cell.device == "blk":
            argv += ["--image", self.image] if self.image else ["--memory", MEMORY]
        if self.trace_buffer:
            argv += ["--trace-buffer", self.trace_buffer]
        if cell.judge:
            self.judge = os.path.join(self.ctx.folder, "judge.json")
            argv += ["--judge-output", self.judge]
        return self.before + argv + more + self.behind

    def _by_command(self, socket):
        """What a scenario says itself. It is sh's, so the paths that it is given are quoted for that."""
        text = self.cell.backend_command
        if "{image}" in text:
            text = text.replace("{image}", shlex.quote(self._scratch()))
        # '{socket}' stays as it is: ringside fills it in.
        text = text.replace("{socket}", socket if socket == "{socket}" else shlex.quote(socket))
        more = self.cell.more(self.cell.backend)
        return ["/bin/sh", "-c", " ".join(["exec", text, *map(shlex.quote, more)])]

    def _scratch(self):
        path = self.image or os.path.join(self.ctx.work, "scratch.img")
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.truncate(SCRATCH)
        return path

    def _program(self):
        """The first word that is a program."""
        if not self.cell.backend_command:
            return self.argv()[0]
        try:
            words = shlex.split(self.cell.backend_command)
        except ValueError as e:
            raise Failed("error", f"the command of {self.cell.backend}: {e}") from None
        return next((w for w in words if w != "exec" and "=" not in w), "")

    def check_program(self):
        """There must be something to start."""
        program = self._program()
        if not shutil.which(program):
            raise Failed("error", f"{program} is not there, or no program")

    def command(self):
        """The same for ringside's --command, which starts it again and again."""
        if self.cell.backend_command:
            return f"{self._by_command('{socket}')[-1]} 2>>{shlex.quote(self.log)}"
        words = [w if w == "{socket}" else shlex.quote(w) for w in self.argv("{socket}")]
        return f"exec {' '.join(words)} 2>>{shlex.quote(self.log)}"

    def trigger(self):
        """The command that makes it change its configuration; None: there is none."""
        if self.cell.backend_command:
            known = self.cell.scenario.data.get("backends", {}).get(self.cell.backend, {})
            return known.get("trigger")
        if self.ours:
            return "kill -USR1 {pid}" if self.cell.device == "blk" else None
        path = os.path.join(self.cell.scenario.folder, "targets", self.cell.backend + "-resize")
        return f"{shlex.quote(path)} {{socket}}" if os.path.exists(path) else None

    def start(self):
        self.check_program()
        try:
            self.process = self.ctx.processes.start(self.cell.backend, self.argv(), self.log)
        except NotStarted as e:
            raise Failed("error", str(e)) from None
        trouble = await_listening(self.process, self.socket, LISTEN_DEADLINE)
        if trouble:
            raise Failed("died", trouble)

    def check(self):
        """It must still run."""
        if self.process and self.process.ended:
            words = self.process.last_words()
            raise Failed("died", f"{self.cell.backend} {self.process.how()}" +
                         (f": {words}" if words else ""))
