# SPDX-License-Identifier: BSD-3-Clause
"""Conformance results as Markdown: a row for each clause, a column for each implementation.

Beside it a table of all verdicts, and what each cell that is no pass is from: the check, and what was seen.
"""
from ringside_report.by_clause import ByClause
from ringside_report.clauses import Catalogue
from ringside_report.matrix import FINDINGS, VERDICTS, Matrix
from ringside_results.markdown import code, text

SHOWN = {"pass": "pass", "skip": "–", None: ""}


def _row(cells):
    return f"| {' | '.join(cells)} |"


def _table(heads, rows):
    return [_row(heads), _row("---" for _ in heads), *map(_row, rows)]


def _cell(cell):
    verdict = cell.verdict if cell else None
    return SHOWN.get(verdict, f"**{verdict}**")


def _summary(matrix):
    def row(target):
        known = sum(1 for _, record in target.findings if record.get("expected_because"))
        return [text(target.label), target.target.get("device", ""), *(str(target.summary[v]) for v in VERDICTS),
                str(known), str(target.unexpected)]
    return _table(["implementation", "device", *VERDICTS, "known", "unexpected"], map(row, matrix.targets))


def _clauses(by_clause):
    lines, left_out = [], 0
    heads = ["clause", "level", *(text(t.label) for t in by_clause.targets)]
    for section, rows in by_clause.groups.items():
        shown = [r for r in rows if r.verdicts - {"skip"}]
        left_out += len(rows) - len(shown)
        if shown:
            lines += ["", f"### {text(section)}", "",
                      *_table(heads, ([code(r.id), r.level, *map(_cell, r.cells)] for r in shown))]
    if left_out:
        lines += ["", f"{left_out} more clauses apply to none of them."]
    return lines


def _findings(matrix):
    lines = []
    for target in matrix.targets:
        if not target.findings:
            continue
        rows = [[check.id and code(check.id), record["verdict"], code(record.get("clause", "")),
                 text(record.get("expected_because") or record.get("reason", ""))]
                for check, record in target.findings]
        lines += ["", f"### {text(target.label)}", "", *_table(["check", "verdict", "clause", "why"], rows)]
    return lines


def render(results):
    matrix = Matrix(results, Catalogue())
    lines = ["## Implementations", "", *_summary(matrix), "",
             "Verdicts are of checks; *known* are those of an expectation file, with the reason. "
             + ", ".join(f"*{v}*" for v in FINDINGS) + " are told below.", "",
             "## Clauses", "",
             "Each has the worst verdict of the checks that judged it; – is one that does not apply, and nothing stands "
             "where no check of the device is about it.", *_clauses(ByClause(matrix)), "",
             "## What did not pass", *_findings(matrix)]
    return "\n".join(lines) + "\n"
