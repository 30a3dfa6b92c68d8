# SPDX-License-Identifier: BSD-3-Clause
"""The page: everything in one file, nothing fetched from elsewhere."""
import base64
import hashlib
import os
import re

import jinja2
from markupsafe import Markup

from ringside_report import exact, plot, stages, units
from ringside_report.by_clause import ByClause
from ringside_report.clauses import Catalogue
from ringside_report.compare import Comparison
from ringside_report.gate import Gate
from ringside_report.history import History
from ringside_report.latency import Latency, stage_styles
from ringside_report.load import clean
from ringside_report.matrix import FINDINGS, MEANING, VERDICTS, Matrix
from ringside_report.proof import Proof

TEMPLATES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "templates")


def _asset(name):
    with open(os.path.join(TEMPLATES, name), encoding="utf-8") as f:
        return f.read()


def _digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def breakable(name):
    """An id that may be broken at its dots and dashes, where a line or a column is too short."""
    return Markup("<wbr>").join(re.split(r"(?<=[.\-_])(?=[^.\-_])", name))


def _environment():
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True,
                             undefined=jinja2.StrictUndefined, trim_blocks=True,
                             lstrip_blocks=True)
    env.filters.update(time=units.time, size=units.size, rate=units.rate, ratio=units.ratio,
                       seconds=units.seconds, significant=units.significant,
                       breakable=breakable)
    env.globals.update(VERDICTS=VERDICTS, MEANING=MEANING, FINDINGS=FINDINGS,
                       series_style=plot.style, EXACT_STAGES=exact.STAGES, stage_styles=stage_styles,
                       STAGE_ORDER=stages.ORDER, stage_style=stages.style,
                       stage_signed=stages.signed)
    return env


def render(results, title):
    """The page of these results, as text."""
    def of(kind):
        return [r for r in results if r.kind == kind]
    catalogue = Catalogue()
    matrix = Matrix(of("conform"), catalogue) if of("conform") else None
    latency = Latency(of("bench")) if of("bench") else None
    proofs = [Proof(r, catalogue) for r in of("prove")]
    if matrix and proofs:
        for check in matrix.checks:
            check.proof = proofs[-1].of_check(check.id)
    script, style = _asset("page.js"), _asset("page.css")
    return _environment().get_template("page.html.j2").render(
        title=clean(title), results=results, matrix=matrix, latency=latency, proofs=proofs,
        by_clause=ByClause(matrix) if matrix else None, comparison=Comparison(results),
        gates=[Gate(r) for r in of("gate")], history=History(of("entry")) if of("entry") else None,
        exact=exact.groups(of("exact")), stages=stages.of(of("bench") + of("trace") + of("exact")),
        traces=of("trace"), script=Markup(script), style=Markup(style),
        script_digest=_digest(script), style_digest=_digest(style))
