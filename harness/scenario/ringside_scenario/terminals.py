# SPDX-License-Identifier: BSD-3-Clause
"""The other ends of a console's ports: a terminal and a socket, at which somebody sends, and wants it back."""
import fcntl
import os
import select
import signal
import socket
import struct
import termios
import threading
import time

NAME = "org.example.one"  # of port 1
GO, END = b"go!\n", b"end\n"
COLS, ROWS = 123, 45  # as the terminal becomes


class Trouble(Exception):
    """What one of them has not seen, in words."""


class Terminals:
    """Port 0 is at a terminal, port 1 at a socket. `kib`: how much each sends."""

    def __init__(self, ctx, kib, deadline):
        self.link = os.path.join(ctx.work, "terminal")
        self.socket = os.path.join(ctx.work, "port.sock")
        self.kib, self.end = kib, time.monotonic() + deadline
        self.trouble, self.threads, self.over = None, [], threading.Event()

    def attach(self, backend):
        backend.behind = ["--port", f"pty:{self.link}", "--port", f"socket:{self.socket},name={NAME}"]

    def start(self, pid):
        """The back-end, `pid`, runs."""
        self.threads = [threading.Thread(target=self._guard, args=(one, pid), daemon=True)
                        for one in (self._terminal, self._peer)]
        for thread in self.threads:
            thread.start()

    def finish(self):
        """What went wrong, in words, or None. Afterwards nobody is there any more."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.trouble

    def _guard(self, one, pid):
        try:
            one(pid)
        except (OSError, Trouble) as e:
            self.trouble = self.trouble or f"{one.__name__.strip('_')}: {e}"

    def _ready(self, fd, write=False):
        while not select.select([] if write else [fd], [fd] if write else [], [], 0.2)[0 if not write else 1]:
            if self.over.is_set() or time.monotonic() > self.end:
                raise Trouble("nothing comes any more")

    def _read(self, fd, length):
        got = b""
        while len(got) < length:
            self._ready(fd)
            got += os.read(fd, length - len(got)) or self._gone()
        return got

    @staticmethod
    def _gone():
        raise Trouble("the back-end is gone")

    def _echo(self, fd, name, change):
        """Send much, and have it come back."""
        if self._read(fd, len(GO)) != GO:
            raise Trouble(f"{name}: something else was written before all")
        data = os.urandom(self.kib << 10)
        at, got = 0, b""
        while len(got) < len(data):
            if at < len(data) and select.select([], [fd], [], 0)[1]:
                try:
                    at += os.write(fd, data[at:at + 4096])
                except BlockingIOError:
                    pass
            elif at == len(data):
                self._ready(fd)
            if select.select([fd], [], [], 0.01)[0]:
                got += os.read(fd, 65536) or self._gone()
            if self.over.is_set() or time.monotonic() > self.end:
                raise Trouble(f"{name}: {len(got)} of {len(data)} bytes have come back")
        if got != data:
            first = next((i for i, (a, b) in enumerate(zip(got, data)) if a != b), len(data))
            raise Trouble(f"{name}: byte {first} is not the one that was sent")
        change()
        os.write(fd, END)

    def _terminal(self, pid):
        fd = os.open(self.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            def change():
                fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("<HHHH", ROWS, COLS, 0, 0))
                os.kill(pid, signal.SIGUSR1)
            self._echo(fd, "the terminal", change)
            self.over.wait()
        finally:
            os.close(fd)

    def _peer(self, _pid):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.socket)
            s.setblocking(False)
            self._echo(s.fileno(), "the socket", lambda: None)
            self.over.wait()
