# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plug-in of the command: a table instead of pytest's own output, and the run's end."""
import os
import subprocess
import sys

import pytest

from ringside_scenario import outcome
from ringside_scenario.rundir import now
from ringside_scenario.table import Table

REPORT_DEADLINE = 120


class Quiet:
    """Takes pytest's own reporter out."""

    def __init__(self, cells):
        self.cells = cells
        self.config = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        self.config = config
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter:
            config.pluginmanager.unregister(reporter)


class Lister(Quiet):
    """--list."""

    count = 0

    def pytest_collection_finish(self, session):
        for item in session.items:
            print(item.nodeid)
        self.count = len(session.items)


class Display(Quiet):
    def __init__(self, cells, run_dir):
        super().__init__(cells)
        self.run_dir = run_dir
        self.began = now()
        self.table = None

    def _begin(self, nodeids):
        if self.table is None:
            chosen = [self.cells[n] for n in nodeids]
            self.table = Table({c.folder: c for c in chosen})

    def pytest_collection_finish(self, session):
        if session.items:
            self._begin([i.nodeid for i in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        if ids:
            self._begin(ids)

    def pytest_runtest_logstart(self, nodeid, location):
        self.table.start(self.cells[nodeid].folder)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or (report.failed and report.when != "teardown"):
            said = dict(report.user_properties)
            if "status" not in said:
                # Not a cell's own verdict: something in here went wrong.
                lines = report.longreprtext.strip().splitlines() or ["?"]
                said.update(status="error", reason=lines[-1], summary="", duration_s=0.0)
                sys.stderr.write(report.longreprtext + "\n")
            self.table.done(self.cells[report.nodeid].folder, said)

    def conclude(self, document, trouble, report, interrupted):
        """Print what is left, write the manifest and the report; the exit status."""
        table = self.table
        if not table:
            return 130  # before anything was known
        # An interrupted cell ends without pytest telling, and so does one that was done just before.
        for folder in table.cells if interrupted else ():
            found = self.run_dir.outcome(folder)
            if found and folder not in table.rows and found["created"] >= self.began:
                table.done(folder, found)
        table.finish(interrupted)
        statuses = [r["status"] for r in table.rows.values()]
        try:
            self.run_dir.conclude(document, table.cells)
            if report:
                trouble = trouble or _make_report(self.run_dir, table.cells)
        except OSError as e:
            trouble = f"{e.filename or self.run_dir.path}: {e.strerror}"
        if trouble:
            print(f"ringside: run: {trouble}", file=sys.stderr)
        if interrupted:
            return 130
        status = outcome.worst(statuses)
        if "skip" in statuses and self.config.getoption("--ringside-no-skip"):
            status = max(status, 1)
        return max(status, 4) if trouble else status


def _make_report(run_dir, folders):
    """One page of all results. None, or what went wrong."""
    files = [path for folder in folders for path in run_dir.result_files(folder)]
    if not files:
        print(f"results: {run_dir.path}")
        return None
    page = os.path.join(run_dir.path, "report")
    try:
        done = subprocess.run([os.environ["RINGSIDE"], "report", "-o", page, "--title",
                               os.path.basename(run_dir.path), *files],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=REPORT_DEADLINE,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"no report: {e}"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return f"no report: {lines[-1]}"
    print(f"report: {os.path.join(page, 'index.html')}")
    return None
