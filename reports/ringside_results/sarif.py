# SPDX-License-Identifier: BSD-3-Clause
"""A comparison as SARIF 2.1.0: what gates as errors, what is worse beside it as warnings.

A finding has no line of a source; it is placed where its target is described: the baseline's file.
"""
import json

from ringside_results.findings import BETTER, MOVED, NEW

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _rule(finding):
    """Findings of one clause, or of one metric, are of one rule."""
    return finding.clause or f"{finding.tier}/{finding.subject or 'all'}"


def _result(finding, where):
    message = f"{finding.subject or 'all'}: {finding.change} ({finding.title})"
    if finding.because:
        message += f": {finding.because}"
    return {
        "ruleId": _rule(finding),
        "level": "error" if finding.gates else "warning",
        "message": {"text": message},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": where}},
            "logicalLocations": [{"fullyQualifiedName": f"{finding.title}/{finding.subject}"}],
        }],
        "partialFingerprints": {"ringside/1": f"{finding.title}/{finding.tier}/{finding.subject}"},
    }


def render(comparison, version, where):
    """`where` is the file, relative to the repository, that findings are shown at."""
    told = [f for f in comparison.findings if f.kind not in (BETTER, MOVED, NEW)]
    rules = sorted({_rule(f) for f in told})
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ringside",
                "version": version,
                "rules": [{"id": r, "shortDescription": {"text": r}} for r in rules],
            }},
            "results": [_result(f, where) for f in told],
        }],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
