# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plug-in: a scenario file is collected, each of its cells is a test.

    pytest -p ringside_scenario.plugin scenarios/blk.yaml -k aarch64

Selection, JUnit, sharding and re-runs are pytest's. `ringside run` calls it and prints its own table.
"""
import contextlib
import fcntl
import os
import signal
import tempfile

import pytest

from ringside_scenario import cell as cells_of
from ringside_scenario import outcome, programs, run
from ringside_scenario.load import BadScenario, load
from ringside_scenario.process import adopt_orphans
from ringside_scenario.rundir import RunDir


def pytest_addoption(parser):
    group = parser.getgroup("ringside", "scenarios")
    group.addoption("--ringside-out", metavar="DIR", help="folder of the run")
    group.addoption("--ringside-resume", action="store_true",
                    help="keep what an earlier run in the folder has finished")
    group.addoption("--ringside-hypervisor", metavar="NAME", action="append",
                    help="only cells on this hypervisor")
    group.addoption("--ringside-shard", metavar="I/N", help="only the Ith of N parts of the cells")
    group.addoption("--ringside-no-skip", action="store_true",
                    help="a cell that cannot be run here fails")


def _ended_from_outside(_number, _frame):
    raise KeyboardInterrupt


def pytest_configure(config):
    out = config.getoption("--ringside-out") or os.environ.get("RINGSIDE_OUT")
    config.ringside_made = None if out else tempfile.mkdtemp(prefix="ringside-run-")
    out = out or config.ringside_made
    config.ringside_dir = RunDir(out)
    config.ringside_programs = programs.find()
    os.makedirs(config.ringside_dir.cells, exist_ok=True)
    adopt_orphans()
    signal.signal(signal.SIGTERM, _ended_from_outside)


def pytest_unconfigure(config):
    """A folder of our own in which nothing is (cells were listed, or none was found) is of no use to anybody."""
    made = getattr(config, "ringside_made", None)
    if made:
        with contextlib.suppress(OSError):
            os.rmdir(config.ringside_dir.cells)
            os.rmdir(made)


def pytest_collect_file(file_path, parent):
    if file_path.suffix in (".yaml", ".yml"):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    def collect(self):
        try:
            scenario = load(os.path.relpath(self.path))
            found = cells_of.cells(scenario)
        except BadScenario as e:
            raise self.CollectError(str(e)) from None
        if scenario.explicit and not self.session.isinitpath(self.path):
            return
        only = self.config.getoption("--ringside-hypervisor")
        for cell in found:
            if not only or cell.hypervisor in only:
                yield CellItem.from_parent(self, name=cell.name, nodeid=cell.id, cell=cell)


class Unexpected(Exception):
    """A cell that was not as expected."""


class CellItem(pytest.Item):
    def __init__(self, *, cell, **kwargs):
        super().__init__(**kwargs)
        self.cell = cell
        groups = cell.scenario.data.get("groups", [])
        self.extra_keyword_matches.update(cell.values, groups, [cell.scenario.name, cell.job])
        self.user_properties += [("folder", cell.folder), *cell.axes.items()]

    def runtest(self):
        config = self.config
        folder = config.ringside_dir.folder(self.cell)
        found = None
        if config.getoption("--ringside-resume"):
            found = config.ringside_dir.outcome(self.cell.folder)
            if found and found.get("status") not in outcome.FINAL:
                found = None
        if not found:
            with _alone_if_timed(config.ringside_dir.path, self.cell):
                found = run.run(self.cell, folder, config.ringside_programs)
        self.user_properties += [("status", found["status"]), ("reason", found["reason"]),
                                 ("summary", found["summary"]),
                                 ("duration_s", found["duration_s"])]
        if found["status"] == "skip" and not config.getoption("--ringside-no-skip"):
            pytest.skip(found["reason"])
        if found["status"] not in ("pass",):
            raise Unexpected(f"{found['status']}: {found['reason']}")

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, Unexpected):
            return f"{excinfo.value}\n(logs and results: " \
                   f"{self.config.ringside_dir.folder(self.cell)})"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, f"{self.cell.scenario.name}::{self.cell.name}"


@contextlib.contextmanager
def _alone_if_timed(folder, cell):
    """A measurement runs alone, but for one that counts instructions; anything else beside its like."""
    with open(os.path.join(folder, ".alone"), "a", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX if cell.timed else fcntl.LOCK_SH)
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """A part of them, when there are shards; measurements last: they wait for each other."""
    shard = config.getoption("--ringside-shard")
    if shard:
        which, of = map(int, shard.split("/"))
        kept = [item for i, item in enumerate(items) if i % of == which - 1]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    items.sort(key=lambda item: isinstance(item, CellItem) and item.cell.timed)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Cells are handed out as they stand in the order of the run, no worker has many in store: what
    is last, is last for all."""
    from xdist.scheduler import LoadScheduling  # pylint: disable=import-outside-toplevel

    class InOrder(LoadScheduling):
        def _send_tests(self, node, num):
            # A worker that has less than two asks for more before it runs one.
            super()._send_tests(node, min(num, max(0, 2 - len(self.node2pending[node]))))
    return InOrder(config, log)
