# SPDX-License-Identifier: BSD-3-Clause
"""Conformance results by clause: a column per target, a row per clause that a check is about.

A check that finds something accuses one clause; what it would have found of its others is not known, and
counts for nothing. A clause has the worst verdict of the checks that judged it.
"""

# The worst first. A check that does not apply says less than one that passed.
ORDER = ("fail", "error", "warn", "hazard", "info", "pass", "skip")


class Cell:
    """A clause's verdict on one target, and the check that it is from."""

    def __init__(self, verdict, check):
        self.verdict = verdict
        self.check = check


class Row:
    def __init__(self, clause, cells):
        self.id = clause["id"]
        self.level = clause.get("level", "").replace("_", " ")
        self.section = clause.get("section", "")
        self.number = clause.get("number", "")
        self.summary = clause.get("summary", "")
        self.cells = cells

    @property
    def verdicts(self):
        return {cell.verdict for cell in self.cells if cell}

    @property
    def differs(self):
        return len(self.verdicts - {"skip"}) > 1

    @property
    def text(self):
        return " ".join((self.id, self.number, self.section, self.summary)).lower()


def _told(check, record):
    """[(clause, verdict)] that one check's record says something of."""
    verdict = record["verdict"]
    if verdict in ("pass", "skip"):
        return [(clause, verdict) for clause in record["clauses"]]
    accused = record.get("clause")
    return [(accused, verdict)] if accused in check.clauses else \
        [(clause, verdict) for clause in record["clauses"]]


class ByClause:
    """Of a Matrix of checks."""

    def __init__(self, matrix):
        self.targets = matrix.targets
        found = {}
        for check in matrix.checks:
            for column, record in enumerate(check.cells):
                for clause, verdict in _told(check, record) if record else ():
                    cells = found.setdefault(clause, [None] * len(matrix.targets))
                    old = cells[column]
                    if not old or ORDER.index(verdict) < ORDER.index(old.verdict):
                        cells[column] = Cell(verdict, check)
        self.rows = [Row(matrix.clauses[clause], found.get(clause, [None] * len(matrix.targets)))
                     for clause in matrix.clauses]
        self.rows.sort(key=lambda row: (_place(row.number), row.section, _natural(row.id)))
        self.groups = {}
        for row in self.rows:
            self.groups.setdefault(row.section or "Elsewhere", []).append(row)
        self.sections = list(self.groups)
        self.levels = sorted({row.level for row in self.rows if row.level})
        self.totals = {v: sum(v in row.verdicts for row in self.rows) for v in ORDER}


def _number(part):
    """A part of a number or an id as one; None when it is a word."""
    return int(part) if part.isdecimal() and len(part) < 10 else None


def _place(number):
    """2.7.13.3 before 5.2; what has no number comes last."""
    parts = [n for n in map(_number, number.split(".")) if n is not None]
    return (not parts, parts)


def _natural(name):
    """dev.2 before dev.10"""
    return [(_number(p) is not None, _number(p) or 0, p) for p in name.split(".")]
