# SPDX-License-Identifier: BSD-3-Clause
"""What a judge wrote, as the tests of judges read it."""
import json


def of(path):
    """{clause: check}; each of a judge's checks is about one."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {c["clauses"][0]: c for c in found["checks"]}


def accused(verdicts):
    """The clauses that are held against the driver."""
    return {clause for clause, c in verdicts.items() if c["verdict"] in ("fail", "warn")}
