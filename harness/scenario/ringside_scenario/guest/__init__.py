# SPDX-License-Identifier: BSD-3-Clause
"""What a driver in a guest asks of a hypervisor, and how its console is followed."""
import time

from ringside_scenario.outcome import Failed
from ringside_scenario.process import wait_any

LIMIT = 16 << 20  # bytes that a guest may say


class Guest:
    """What is booted."""

    def __init__(self, args=(), memory="256M", machine=None, bootable=False, interactive=False,
                 rom=None, kernel=None, append="", stream=None):
        self.args = list(args)
        self.memory = memory
        self.machine = machine  # None: the usual one
        self.bootable = bootable  # the firmware is to boot from the device
        self.interactive = interactive  # the console takes input, over `socket`
        self.rom = rom  # firmware of the device itself
        self.socket = None
        # The same, for who does not take QEMU's arguments: the probe, what it is told, where it says
        # what it found.
        self.kernel = kernel
        self.append = append
        self.stream = stream


class Console:
    """What a guest says, from a file that grows."""

    def __init__(self, path):
        self.path = path
        self.text = ""
        self.at = 0

    def read(self):
        """Take in what is new; is there anything?"""
        try:
            with open(self.path, "rb") as f:
                f.seek(self.at)
                new = f.read(LIMIT - self.at)
        except OSError:
            return False
        self.at += len(new)
        self.text += new.decode("utf-8", "replace")
        return bool(new)

    def last_line(self):
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""


def follow(ctx, running, backend, finished, drain=None):
    """Read the console until finished(text) is not None, and return that. What comes over the socket
    `drain` is thrown away: it is in the file, too.

    Failed when the guest, its hypervisor or the back-end ends before, or time is over.
    """
    console = Console(running.console)
    end = time.monotonic() + ctx.left()
    watched = [running.process] + ([backend.process] if backend else [])
    while True:
        # Looked at before the console: what is said last is read.
        over = [p for p in watched if p.ended]
        console.read()
        found = finished(console.text)
        if found is not None:
            return found
        if over:
            if backend:
                backend.check()
            blame = running.blame()
            said = console.last_line()
            if blame:
                raise Failed("hypervisor", blame)
            raise Failed("died", "the guest ended before its work was done" +
                         (f"; it said last: {said}" if said else ""))
        if time.monotonic() > end:
            said = console.last_line()
            raise Failed("hung", f"no end after {ctx.timeout:.0f} s" +
                         (f"; the guest said last: {said}" if said else
                          "; the guest said nothing"))
        _, readable = wait_any(watched, 0.05, [drain] if drain else [])
        for s in readable:
            s.recv(1 << 16)


