# SPDX-License-Identifier: BSD-3-Clause
"""A conformance result against another: a new deviation gates, a known one stays quiet."""
from ringside_results import findings, series
from ringside_results.findings import BETTER, LOST, NEW, WORSE, Finding

GRADE = {"pass": 0, "skip": 0, "info": 1, "hazard": 2, "warn": 3, "fail": 4, "error": 4}
RAN = ("pass", "info", "hazard", "warn", "fail")
_LOG_LINES = 12


def checks_of(results):
    """{id: check} of repeated runs: the worst verdict of a check counts, so that none is hidden."""
    found = {}
    for result in results:
        for check in result.data["checks"]:
            known = found.get(check["id"])
            if not known or GRADE[check["verdict"]] > GRADE[known["verdict"]] or \
                    known["verdict"] == "skip":
                found[check["id"]] = check
    return found


def _evidence(check):
    e = check.get("evidence") or {}
    lines = [f"{name}: {e[name]}" for name in ("stimulus", "oracle", "expected", "observed")
             if e.get(name)]
    log = e.get("log", [])
    return tuple(lines + log[-_LOG_LINES:])


def _finding(kind, title, check, old, **more):
    return Finding(kind, "verdict", title, check["id"], old, check["verdict"],
                   f"{check['verdict']}, was {old}", clause=check.get("clause", ""),
                   because=check.get("reason", ""), evidence=_evidence(check), **more)


def _one(comparison, policy, title, old, new):
    """One check on both sides; `old` is None when the baseline has not heard of it."""
    was = old["verdict"] if old else "not run"
    verdict = new["verdict"]
    quiet = not new.get("unexpected", verdict not in ("pass", "skip", "info"))
    gates = policy.gates(title)
    if verdict in ("fail", "error", "warn", "hazard") and quiet:
        comparison.expected += 1
    elif GRADE[verdict] > GRADE.get(was, 0):
        comparison.add(_finding(WORSE, title, new, was,
                                gates=gates and verdict in policy.verdicts["gate"]))
    elif old and verdict == "skip" and was in RAN:
        comparison.add(_finding(LOST, title, new, was,
                                gates=gates and policy.verdicts["lost"] == "gate"))
    elif old and verdict == "pass" and GRADE[was] > 1:
        comparison.add(_finding(BETTER, title, new, was))
    elif not old:
        comparison.add(_finding(NEW, title, new, was))


def _died(results):
    return next((r.data["died"] for r in results if r.data.get("died")), None)


def compare(comparison, policy, baseline, candidate):
    """Both are conformance results."""
    old_series, new_series = findings.by_series(baseline), findings.by_series(candidate)
    for key, results in new_series.items():
        title = series.title(key)
        old, new = checks_of(old_series.get(key, [])), checks_of(results)
        comparison.compared["verdict"] += len(new)
        for check in new.values():
            _one(comparison, policy, title, old.get(check["id"]), check)
        for check_id in old.keys() - new.keys():
            was = old[check_id]["verdict"]
            if was in RAN:
                comparison.add(Finding(LOST, "verdict", title, check_id, was, "not run",
                                       f"not run, was {was}", gates=policy.gates(title) and
                                       policy.verdicts["lost"] == "gate"))
        died = _died(results)
        if died and not _died(old_series.get(key, [])):
            comparison.add(Finding(WORSE, "verdict", title, "the target", "alive", "died",
                                   "died", gates=policy.gates(title), because=died))
    for key in old_series.keys() - new_series.keys():
        title = series.title(key)
        comparison.add(Finding(LOST, "verdict", title, "all checks", "run", "not run",
                               "not run any more", gates=policy.gates(title) and
                               policy.verdicts["lost"] == "gate"))
