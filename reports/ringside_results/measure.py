# SPDX-License-Identifier: BSD-3-Clause
"""Rounds of a paired comparison: both sides of a cell measured, one right after the other."""
import math
import os
import random
import shutil
import statistics
import sys

from ringside_report import load
from ringside_results import series, stats
from ringside_results.cli import INTERNAL, TARGET, USAGE, Failed
from ringside_results.ringside import program


def scenario_package():
    """Make the package of scenarios known: it lies beside the `ringside run` that we belong to."""
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    run = os.path.realpath(os.path.join(folder, "ringside-run"))
    if not os.path.exists(run):
        raise Failed(INTERNAL, "ringside run is not installed beside ringside ab")
    sys.path.insert(1, os.path.dirname(run))
    os.environ.setdefault("RINGSIDE", os.path.abspath(program()))
    os.environ.setdefault("RINGSIDE_LIBEXEC", folder)


def bench_cells(files, expression):
    """The measurements of scenarios; those whose names contain `expression`."""
    from ringside_scenario import cell as cells_of  # pylint: disable=import-outside-toplevel
    from ringside_scenario.load import BadScenario  # pylint: disable=import-outside-toplevel
    from ringside_scenario import load as scenarios  # pylint: disable=import-outside-toplevel

    found = []
    try:
        for path in files:
            found += [c for c in cells_of.cells(scenarios.load(path))
                      if c.job == "bench" and (not expression or expression in c.id) and
                      c.backend != "qemu"]
    except BadScenario as e:
        raise Failed(USAGE, e) from None
    except OSError as e:
        raise Failed(USAGE, f"cannot read '{e.filename}': {e.strerror}") from None
    if not found:
        raise Failed(USAGE, "no cell measures a back-end: 'ringside run --list' lists all cells")
    return found


class Side:
    """One of the two: what starts its back-end."""

    def __init__(self, name, command):
        self.name = name
        self.command = command


class Pair:
    """One cell, and the rounds made of it."""

    def __init__(self, cell, sides, metrics, folder, seed):
        self.cell = cell
        cell.floor = False  # it is the same for both
        self.sides = sides
        self.metrics = metrics
        self.folder = folder
        self.toss = random.Random(seed)
        self.noise = []  # rounds of the baseline against itself
        self.batches = []

    @property
    def name(self):
        return self.cell.id

    def _measure(self, side):
        from ringside_scenario import programs, run  # pylint: disable=import-outside-toplevel

        folder = os.path.join(self.folder, side.name)
        self.cell.backend_command = side.command
        document = run.run(self.cell, folder, programs.find())
        if document["status"] != "pass":
            status = TARGET if document["status"] in ("died", "hung") else INTERNAL
            raise Failed(status, f"{self.name}, side {side.name}: {document['status']}: "
                                 f"{document['reason']}")
        result = load.load(os.path.join(folder, document["results"][0]))
        shutil.rmtree(folder)
        values = {m.name: value for m, value in series.values(result)}
        return {m: values[m] for m in self.metrics}

    def round(self, batch, a, b):
        """Measure both, in an order drawn by chance."""
        found = {"order": self.toss.choice(("ab", "ba"))}
        for name in found["order"]:
            found[name] = self._measure(a if name == "a" else b)
        batch.append(found)

    def needed(self, smallest, level, power):
        """Rounds that a batch needs, by the noise of the baseline against itself."""
        return max(stats.rounds_needed(stats.logs(self.noise, metric), math.log1p(smallest), level,
                                       power) for metric in self.metrics)

    def document(self, noisy):
        every = [r for batch in self.batches for r in batch]
        return {
            "name": self.name,
            "metrics": list(self.metrics),
            "noisy": noisy,
            "noise": {"rounds": self.noise},
            "medians": {side: {m: statistics.median(r[side][m] for r in every)
                               for m in self.metrics} for side in ("a", "b")},
            "batches": [{"rounds": batch} for batch in self.batches],
        }
