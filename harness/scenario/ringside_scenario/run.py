# SPDX-License-Identifier: BSD-3-Clause
"""Runs one cell from beginning to end, and writes down what became of it."""
import contextlib
import os
import shutil
import tempfile
import time

from ringside_scenario import drivers, hypervisor, needs, results
from ringside_scenario.backend import Backend
from ringside_scenario.outcome import Failed, Outcome
from ringside_scenario.process import Processes
from ringside_scenario.rundir import now

NO_ROOM = 64 << 10  # bytes that any result needs


class Context:
    """What a cell works with."""

    def __init__(self, cell, folder, programs, processes, work):
        self.folder = folder  # results and logs; stays
        self.work = work  # sockets and images; goes
        self.ringside = programs["ringside"]
        self.backend_program = programs["backend"]
        self.processes = processes
        self.timeout = cell.timeout
        self.end = time.monotonic() + cell.timeout

    @staticmethod
    def pause(seconds):
        time.sleep(seconds)

    def restart_clock(self):
        """What was done so far is not the cell's own."""
        self.end = time.monotonic() + self.timeout

    def left(self):
        """Seconds until the cell's time is over."""
        return max(0.0, self.end - time.monotonic())


def _full_disk(folders):
    """The first of the folders that has no room left."""
    for folder in folders:
        try:
            fs = os.statvfs(folder)
        except OSError:
            continue
        if fs.f_bavail * fs.f_frsize < NO_ROOM:
            return folder
    return None


def _run(cell, ctx):
    hv, driver = hypervisor.named(cell.hypervisor), drivers.named(cell.driver)
    reason = (needs.missing(cell.scenario.data.get("needs", [])) or hv.missing(cell, ctx) or
              driver.missing(cell, ctx))
    if reason:
        return Outcome("skip", reason)
    if hv.whole:
        return hv.run(cell, ctx)
    backend = Backend(cell, ctx) if hv.has_backend(cell) else None
    outcome = driver.run(cell, ctx, hv, backend)
    # A back-end that ended is the reason, whatever was seen of it from afar.
    if backend and outcome.status in ("hung", "hypervisor"):
        backend.check()
    return outcome


@contextlib.contextmanager
def _temporary_files_in(work):
    """What a program leaves that is killed goes with the cell, unless a socket's path would become too long."""
    before = os.environ.get("TMPDIR")
    if len(work) <= 40:
        os.environ["TMPDIR"] = work
    try:
        yield
    finally:
        os.environ.pop("TMPDIR", None)
        if before is not None:
            os.environ["TMPDIR"] = before


def _attempt(cell, folder, programs):
    work = tempfile.mkdtemp(prefix="ringside-")
    try:
        with _temporary_files_in(work), Processes() as processes:
            try:
                outcome = _run(cell, Context(cell, folder, programs, processes, work))
            except Failed as e:
                outcome = e.outcome
            full = None if outcome.good or outcome.status == "skip" else _full_disk([folder, work])
            if full:
                outcome = Outcome("error", f"the disk is full: {full}", outcome.results)
        return outcome
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run(cell, folder, programs):
    """The cell's document, which is also in FOLDER/cell.json."""
    shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    document = {
        "schema": "ringside.cell/1",
        "scenario": cell.scenario.name,
        "file": cell.scenario.path,
        "name": cell.name,
        "job": cell.label,
        "axes": cell.axes,
        "created": now(),
    }
    try:
        os.makedirs(folder)
        outcome = _attempt(cell, folder, programs)
    except OSError as e:
        full = _full_disk([os.path.dirname(folder), tempfile.gettempdir()])
        where = f": {e.filename}" if e.filename else ""
        outcome = Outcome("error", f"the disk is full: {full}" if full else
                          f"{e.strerror or e}{where}")
    except KeyboardInterrupt:
        _write(folder, document, Outcome("interrupted", "ended from outside"), start)
        raise
    return _write(folder, document, outcome, start)


def _write(folder, document, outcome, start):
    document.update(status=outcome.status, reason=outcome.reason, summary=outcome.summary,
                    results=outcome.results, duration_s=round(time.monotonic() - start, 3))
    try:
        results.write(os.path.join(folder, "cell.json"), document)
    except OSError as e:
        if outcome.status not in ("error", "interrupted"):
            document.update(status="error", reason=f"the outcome could not be written: "
                                                   f"{e.strerror}: {folder}")
    return document
