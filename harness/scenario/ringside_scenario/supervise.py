# SPDX-License-Identifier: BSD-3-Clause
"""Around the run: a process that passes signals on, once, and leaves nothing running behind.

The run is in a process group of its own, so that a Ctrl-C reaches it through here only: it comes
once, even when a terminal and somebody else both send it. Whatever the run leaves when it ends, even
by SIGKILL, comes here as an orphan and is ended.
"""
import ctypes
import os
import signal
import sys
import time
import traceback

from ringside_scenario.process import adopt_orphans, descendants, sweep

PR_SET_PDEATHSIG = 1
PATIENCE = 20.0  # seconds that an interrupted run has to end in good order
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _child(work, parent):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        status = work()
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                pass
    return status


def run(work):
    """Run work() in a supervised process; the exit status."""
    adopt_orphans()
    # Signals wait until they are asked for.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, signal.SIGCHLD))
    parent = os.getpid()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        status = 4
        try:
            status = _child(work, parent)
        finally:
            os._exit(status)
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has done so itself, or has ended
    status, got = _watch(pid)
    sweep()
    return 128 + got if got else status


def _watch(pid):
    """(exit status, signal that ended it early or 0)"""
    got, deadline = 0, None
    while True:
        patience = 0.2 if deadline else 3600
        info = signal.sigtimedwait((*SIGNALS, signal.SIGCHLD), patience)
        done, raw = os.waitpid(pid, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(raw)
            return (status, got) if status >= 0 else (4, got or -status)
        if info and info.si_signo != signal.SIGCHLD:
            if got:
                _end(pid)  # asked a second time: at once
            else:
                got, deadline = info.si_signo, time.monotonic() + PATIENCE
                _interrupt(pid)
        elif deadline and time.monotonic() > deadline:
            _end(pid)


def _interrupt(pid):
    """The run and its workers are a group; what they started is not in it."""
    try:
        os.killpg(pid, signal.SIGINT)
    except ProcessLookupError:
        pass


def _end(pid):
    for each in [*descendants(pid), pid]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            pass
