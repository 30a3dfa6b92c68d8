# SPDX-License-Identifier: BSD-3-Clause
"""Cells: what a scenario's matrix multiplies out to, each with one job."""
import itertools
import os
import platform

from ringside_scenario import drivers, hypervisor
from ringside_scenario.load import BadScenario, dotted, seconds

AXES = ("hypervisor", "driver", "arch", "transport", "ring", "device", "backend", "wait",
        "connect")
ARCHES = ("x86_64", "aarch64", "riscv64")
RINGS = ("split", "packed")
TRANSPORTS = ("vhost-user", "pci", "mmio")
WAITS = ("event", "poll")
# How a device is connected, where a hypervisor leaves the choice; "usual" where it does not.
CONNECTS = ("usual", "direct", "library", "library-pci", "eventfd", "eventfd-pci", "vhost-user",
            "vhost-user-grants", "qemu", "qemu-vhost-user", "vdpa-sim", "vduse", "vhost")
DEFAULT_TIMEOUT = 300.0
DEFAULT_BLOCK = 4096  # bytes, as of ringside bench

# What is meant where a matrix does not say.
DEFAULTS = {
    "hypervisor": "none",
    "driver": "host",
    "arch": platform.machine(),
    "transport": "pci",
    "ring": "split",
    "device": "blk",
    "backend": "ringside-backend",
    "wait": "event",
    "connect": "usual",
}
# Only these jobs differ by how a completion is waited for.
WAITING_JOBS = ("bench",)
OPS = {"rng": "fill", "net": "send", "vsock": "send"}


class Cell:
    """One item of a run: a scenario's job with one value on each axis."""

    def __init__(self, scenario, axes, job, options):
        self.scenario = scenario
        self.axes = axes
        self.job = job  # conform, bench, workload, boot
        self.options = options or {}
        self.timeout = seconds(scenario.data["timeout"]) if "timeout" in scenario.data \
            else DEFAULT_TIMEOUT
        self.judge = scenario.data.get("judge", False)
        # Whether a measurement tells the machine's floor, too.
        self.floor = True
        self.iommu = scenario.data.get("iommu", False)
        self.traced = False  # this is the traced one of its measurements
        # What starts the back-end, when that is not for its name to say.
        self.backend_command = scenario.data.get("backends", {}).get(axes["backend"], {}).get("command")

    def __getattr__(self, name):
        try:
            return self.__dict__["axes"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def op(self):
        """What a measurement's requests are; only disks have several kinds."""
        return self.options.get("op", OPS.get(self.device, "read"))

    @property
    def stages(self):
        """Is it to be told where the time of its requests goes?"""
        return self.job == "bench" and self.options.get("stages", False)

    @property
    def label(self):
        """The job and what tells it from others of its kind."""
        if self.job == "bench":
            bytes_ = self.options.get("block-size", DEFAULT_BLOCK)
            return (f"bench-{self.op}-qd{self.options.get('queue-depth', 1)}" +
                    (f"-bs{bytes_}" if bytes_ != DEFAULT_BLOCK else "") +
                    "".join(f"-{key}{self.options[key]}" for key in ("rate", "burn")
                            if key in self.options) +
                    ("-stages-kernel" if self.stages == "kernel" else "-stages" if self.stages else ""))
        if self.job == "workload":
            return self.options["name"]
        return self.job

    @property
    def values(self):
        """Its values, without those that say nothing about this job."""
        return [self.axes[a] for a in AXES
                if (a != "ring" or self.packed) and
                (a != "connect" or self.axes[a] != DEFAULTS[a]) and (a != "wait" or self.job in WAITING_JOBS)]

    @property
    def timed(self):
        """Is it a measurement that the machine's other work would disturb?"""
        return self.job == "bench" and self.scenario.data.get("clock") != "instructions"

    @property
    def packed(self):
        """Are its rings packed ones? What is said of a ring is said of those only."""
        return self.axes["ring"] == "packed"

    @property
    def name(self):
        return f"{self.label}[{'-'.join(self.values)}]"

    @property
    def id(self):
        """What tells it from all other cells of a run, wherever its file lies."""
        return f"{self.scenario.name}::{self.name}"

    @property
    def folder(self):
        """Where its results lie, below the run's folder."""
        return os.path.join(self.scenario.name, f"{self.label}.{'-'.join(self.values)}")

    @property
    def target_name(self):
        """What reports call it: short, since it heads a column."""
        ring = ", packed" if self.packed else ""
        if self.connect != DEFAULTS["connect"]:
            ours = "" if self.backend == DEFAULTS["backend"] else f", {self.backend}"
            return f"{self.device}, {self.hypervisor} {self.connect}{ours}{ring}"
        if self.hypervisor == "none":
            return f"{self.backend} {self.device}, direct{ring}"
        return (f"{self.backend} {self.device}, {self.hypervisor} {self.arch} {self.transport}, "
                f"{self.driver}{ring}")

    def more(self, backend):
        """Arguments that the scenario has for this back-end: of all its devices, or by their names."""
        found = self.scenario.data.get("options", {}).get(backend, [])
        return list(found.get(self.device, []) if isinstance(found, dict) else found)

    @property
    def expect_files(self):
        """Expectation files of the scenario that are about this cell."""
        return [os.path.join(self.scenario.folder, e["file"])
                for e in self.scenario.data.get("expect", []) if self.matches(e.get("when", {}))]

    def matches(self, where):
        for axis, wanted in where.items():
            value = self.job if axis == "job" else self.axes[axis]
            if value not in ([wanted] if isinstance(wanted, str) else wanted):
                return False
        return True


def _known(scenario, axis):
    """The values that an axis can have; None: not told beforehand."""
    if axis == "hypervisor":
        return list(hypervisor.NAMES)
    if axis == "driver":
        return list(drivers.NAMES)
    if axis == "backend":
        targets = os.path.join(scenario.folder, "targets")
        ours = ["ringside-backend", "qemu", *scenario.data.get("backends", {})]
        return ours + sorted(os.listdir(targets)) if os.path.isdir(targets) else ours
    return {"arch": list(ARCHES), "transport": list(TRANSPORTS), "ring": list(RINGS),
            "wait": list(WAITS), "connect": list(CONNECTS)}.get(axis)


def _check_values(scenario):
    """Values that do not exist, each with its line."""
    matrix = scenario.data.get("matrix", {})
    places = [(("matrix", axis), values) for axis, values in matrix.items()]
    for i, where in enumerate(scenario.data.get("exclude", [])):
        places += [(("exclude", i, axis), values) for axis, values in where.items()]
    for i, e in enumerate(scenario.data.get("expect", [])):
        places += [(("expect", i, "when", axis), values)
                   for axis, values in e.get("when", {}).items()]
    complaints = []
    for keys, values in places:
        known = _known(scenario, keys[-1])
        listed = [values] if isinstance(values, str) else values
        for n, value in enumerate(listed):
            at = keys if isinstance(values, str) else keys + (n,)
            if known is not None and value not in known:
                complaints.append(scenario.complaint(
                    at, f"{dotted(at)}: '{value}' is none of {', '.join(known)}"))
    for i, e in enumerate(scenario.data.get("expect", [])):
        if not scenario.find(e["file"]):
            at = ("expect", i, "file")
            complaints.append(scenario.complaint(
                at, f"{dotted(at)}: there is no file '{e['file']}' beside the scenario"))
    for backend in ("ringside-backend", "qemu"):
        if backend in scenario.data.get("backends", {}):
            at = ("backends", backend)
            complaints.append(scenario.complaint(
                at, f"{dotted(at)}: that name is taken: it is ours"))
    for backend in scenario.data.get("options", {}):
        if backend not in _known(scenario, "backend"):
            at = ("options", backend)
            complaints.append(scenario.complaint(
                at, f"{dotted(at)}: '{backend}' is none of "
                    f"{', '.join(_known(scenario, 'backend'))}"))
    if complaints:
        raise BadScenario("\n".join(complaints))


def _excluded(scenario, cell):
    return any(cell.matches(where) for where in scenario.data.get("exclude", []))


def cells(scenario):
    """All cells of a scenario, in the order of its file; BadScenario when a value is unknown."""
    _check_values(scenario)
    matrix = scenario.data.get("matrix", {})
    choices = []
    for axis in AXES:
        values = matrix.get(axis, [DEFAULTS[axis]])
        choices.append([values] if isinstance(values, str) else values)
    found, seen = [], {}
    for n, job in enumerate(scenario.data["jobs"]):
        (kind, options), = job.items()
        for values in itertools.product(*choices):
            hv = hypervisor.named(values[0])
            axes = hv.fold(dict(zip(AXES, values)))
            if axes is None or axes["connect"] not in hv.connects:
                continue
            # Only a lab counts instructions.
            if kind == "bench" and not hv.whole and scenario.data.get("clock") == "instructions":
                continue
            if kind not in WAITING_JOBS:
                axes["wait"] = DEFAULTS["wait"]
            if kind not in drivers.named(axes["driver"]).jobs:
                continue
            cell = Cell(scenario, axes, kind, options)
            if _excluded(scenario, cell):
                continue
            first = seen.setdefault(cell.name, (n, values))
            if first[0] != n:
                raise BadScenario(scenario.complaint(
                    ("jobs", n), f"jobs[{n}]: {cell.name} is also a cell of jobs[{first[0]}]"))
            # Others of its job that differ in nothing that matters to it are the same cell.
            if first[1] == values:
                found.append(cell)
    if not found:
        at = ("matrix",)
        raise BadScenario(scenario.complaint(at, "matrix: no cell is left: no job goes with any "
                                                 "combination"))
    return found
