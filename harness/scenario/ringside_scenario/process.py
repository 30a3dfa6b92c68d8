# SPDX-License-Identifier: BSD-3-Clause
"""Processes of a run: started in sessions of their own, watched, and ended with all they started.

Nothing outlives a run. A child dies with its parent (PR_SET_PDEATHSIG); what a child left behind
comes to us (PR_SET_CHILD_SUBREAPER) and is ended by its number.
"""
import ctypes
import os
import select
import shutil
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE = 3.0  # seconds between SIGTERM and SIGKILL


class NotStarted(Exception):
    """A program could not be started; the text says which and why."""


def adopt_orphans():
    """From now on orphans among our descendants become our children."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    """Its children, as /proc tells."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += [int(p) for p in f.read().split()]
    except OSError:
        pass
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def _signal(pid, number, group=False):
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def sweep(spare=()):
    """End whatever is still below us, and reap it. How many there were."""
    count = 0
    for _ in range(100):
        left = [p for p in descendants(os.getpid()) if p not in spare]
        if not left:
            break
        for pid in left:
            _signal(pid, signal.SIGKILL)
        for pid in left:
            try:
                os.waitpid(pid, 0)
                count += 1
            except ChildProcessError:
                pass
    return count


class Process:
    """A program in a session of its own, with its output in a log."""

    def __init__(self, name, argv, log, cwd=None, env=None, stdin=subprocess.DEVNULL,
                 stdout=None, pass_fds=()):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log = log
        if not shutil.which(self.argv[0]):
            raise NotStarted(f"{self.argv[0]} is not installed")
        try:
            with open(log, "ab") as out:
                self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                                              stdin=stdin, stdout=stdout or out, stderr=out,
                                              cwd=cwd, env=env, start_new_session=True,
                                              pass_fds=pass_fds)
        except OSError as e:
            raise NotStarted(f"{name} could not be started: {e.strerror or e}") from None
        self.pidfd = os.pidfd_open(self.popen.pid)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def ended(self):
        return self.popen.poll() is not None

    def wait(self, seconds):
        """Until it has ended, or for so long. Has it?"""
        return bool(wait_any([self], seconds)[0])

    def how(self):
        """How it ended, in words."""
        status = self.popen.returncode
        if status is None:
            return "still runs"
        if status < 0:
            try:
                return f"was ended by {signal.Signals(-status).name}"
            except ValueError:
                return f"was ended by signal {-status}"
        return f"ended with exit status {status}"

    def last_words(self):
        """The last line of its log."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                lines = [line.strip() for line in f if line.strip()]
        except OSError:
            return ""
        return lines[-1][:300] if lines else ""

    def stop(self, grace=GRACE):
        """SIGTERM, then SIGKILL, to it and its group."""
        if not self.ended:
            _signal(self.pid, signal.SIGTERM, group=True)
            try:
                self.popen.wait(grace)
            except subprocess.TimeoutExpired:
                pass
        _signal(self.pid, signal.SIGKILL, group=True)
        self.popen.wait()
        self.close()

    def close(self):
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def wait_any(processes, seconds, fds=()):
    """Wait until one has ended or one of `fds` can be read; those that have, and those that can."""
    poll = select.poll()
    for p in processes:
        poll.register(p.pidfd, select.POLLIN)
    for fd in fds:
        poll.register(fd, select.POLLIN)
    ready = {fd for fd, _ in poll.poll(max(0, seconds) * 1000)}
    return ([p for p in processes if p.pidfd in ready and p.ended],
            [f for f in fds if (f if isinstance(f, int) else f.fileno()) in ready])


class Processes:
    """All processes of one cell. Leaving it ends them, the last first, and all that they left."""

    def __init__(self):
        self.list = []

    def __enter__(self):
        return self

    def start(self, name, argv, log, **kwargs):
        p = Process(name, argv, log, **kwargs)
        self.list.append(p)
        return p

    def __exit__(self, *exc):
        # An interruption while one is being ended must not leave the others.
        pending = None
        while self.list:
            try:
                self.list[-1].stop()
            except KeyboardInterrupt as e:
                pending = e
                _signal(self.list[-1].pid, signal.SIGKILL, group=True)
                continue
            self.list.pop()
        sweep()
        if pending and not exc[0]:
            raise pending


def is_listening(path, pid="self"):
    """Asks the kernel, since a connection would already be a session to a back-end. A process may be in a network
    namespace of its own."""
    accepting = 0x10000  # __SO_ACCEPTCON
    try:
        with open(f"/proc/{pid}/net/unix", encoding="utf-8", errors="replace") as f:
            lines = f.readlines()[1:]
    except OSError:
        return False
    for line in lines:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7].rstrip("\n") == path:
            if int(fields[3], 16) & accepting:
                return True
    return False


def await_listening(process, path, seconds):
    """Wait until a process listens on a socket. None, or what went wrong."""
    end = time.monotonic() + seconds
    while not is_listening(path, process.pid):
        if process.ended:
            words = process.last_words()
            return f"{process.name} {process.how()} before it listened" + (
                f": {words}" if words else "")
        if time.monotonic() > end:
            return f"{process.name} did not listen within {seconds:.0f} s"
        wait_any([process], 0.005)
    return None
