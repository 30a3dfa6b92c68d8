# SPDX-License-Identifier: BSD-3-Clause
"""Conformance results: a column per target, a row per check, a view of each check."""
from ringside_report import names, plot

# In the order of the page's filters and bars; what a cell says.
VERDICTS = {
    "pass": "Pass",
    "fail": "Fail",
    "warn": "Warn",
    "hazard": "Hazard",
    "info": "Info",
    "skip": "Skip",
    "error": "Error",
}
MEANING = {
    "pass": "did what the clauses ask",
    "fail": "a MUST is broken",
    "warn": "a SHOULD is broken",
    "hazard": "allowed, but known to break real drivers",
    "info": "the text is ambiguous; what was seen",
    "skip": "does not apply to this target",
    "error": "the check itself could not run",
}
# What a reader looks for first.
FINDINGS = ["fail", "error", "warn", "hazard", "info"]

GROUPS = {
    "basic": "Basic facilities",
    "blk": "Block device",
    "console": "Console device",
    "config": "Configuration space",
    "features": "Feature negotiation",
    "gpio": "GPIO device",
    "i2c": "I2C adapter",
    "mmio": "Registers of virtio-mmio",
    "net": "Network device",
    "judge": "Drivers and front-ends, as the judge sees them",
    "packed": "Packed virtqueue",
    "pci": "PCI function and its registers",
    "regs": "Device registers",
    "ring": "Ring states",
    "rng": "Entropy device",
    "scmi": "SCMI device",
    "split": "Split virtqueue",
    "status": "Device status",
    "vu": "vhost-user protocol",
}


class Target:
    """One conformance result: a column."""

    def __init__(self, result, label):
        d = result.data
        self.label = label
        self.file = result.file
        self.target = d["target"]
        self.transport = self.target.get("transport") or ""
        # Its column's head says the transport in a line of its own.
        self.head = label.replace(f" ({self.transport})", "", 1) if self.transport else label
        self.host = d.get("host", {})
        self.summary = d["summary"]
        self.unexpected = d.get("unexpected", 0)
        self.fixed = d.get("fixed", 0)
        self.died = d.get("died")
        self.duration_s = d.get("duration_s")
        self.created = d["created"]
        self.checks = {c["id"]: c for c in d["checks"]}
        self.total = sum(self.summary[v] for v in VERDICTS)
        self.bar = plot.share_bar(f"verdicts of {label}",
                                  [(v, v, self.summary[v]) for v in VERDICTS])
        self.findings = []


class Check:
    """One check: a row of the matrix and a view with its evidence."""

    def __init__(self, name, anchor):
        self.id = name
        self.anchor = anchor
        self.clauses = []
        self.stimulus = self.oracle = None
        self.cells = []  # one per target: the target's own record, or None
        self.proof = None  # what ringside prove says of it

    @property
    def verdicts(self):
        return {cell["verdict"] for cell in self.cells if cell}

    @property
    def differs(self):
        """Targets do not agree on it, those left out that skip it or did not run it."""
        return len(self.verdicts - {"skip"}) > 1

    @property
    def has_finding(self):
        return bool(self.verdicts & set(FINDINGS))

    def merge(self, record):
        """Take what one result says of the check itself."""
        for clause in record["clauses"]:
            if clause not in self.clauses:
                self.clauses.append(clause)
        evidence = record.get("evidence", {})
        self.stimulus = self.stimulus or evidence.get("stimulus")
        self.oracle = self.oracle or evidence.get("oracle")


class Matrix:
    def __init__(self, results, catalogue):
        targets = [r.data["target"] for r in results]
        labels = names.unique([names.target_name(t) for t in targets],
                              [t.get("transport") for t in targets])
        self.targets = [Target(r, label) for r, label in zip(results, labels)]
        self.checks = self._collect()
        self._ask(catalogue)
        self.clauses = {c: catalogue.clause(c) for check in self.checks for c in check.clauses}
        self.groups = self._group()
        for check in self.checks:
            for target, cell in zip(self.targets, check.cells):
                if cell and cell["verdict"] in FINDINGS:
                    target.findings.append((check, cell))
        for target in self.targets:
            target.findings.sort(key=lambda f: FINDINGS.index(f[1]["verdict"]))
        self.totals = {v: sum(1 for check in self.checks if v in check.verdicts)
                       for v in VERDICTS}

    def _collect(self):
        anchor = names.Anchors("check-")
        checks = {}
        for target in self.targets:
            for name, record in target.checks.items():
                if name not in checks:
                    checks[name] = Check(name, anchor(name))
                checks[name].merge(record)
        for check in checks.values():
            check.cells = [t.checks.get(check.id) for t in self.targets]
        return list(checks.values())

    def _ask(self, catalogue):
        """Results explain a check only where it did not pass; ringside knows them all."""
        catalogue.learn_checks([c.id for c in self.checks if not c.stimulus])
        for check in self.checks:
            known = catalogue.checks.get(check.id, {})
            check.stimulus = check.stimulus or known.get("stimulus")
            check.oracle = check.oracle or known.get("oracle")

    def _group(self):
        """Checks by the first part of their id, in the order they came."""
        groups = {}
        for check in self.checks:
            groups.setdefault(check.id.split(".", 1)[0], []).append(check)
        return [(GROUPS.get(key, key), checks) for key, checks in groups.items()]
