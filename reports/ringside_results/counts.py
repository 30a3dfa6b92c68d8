# SPDX-License-Identifier: BSD-3-Clause
"""The exact tier, and the trend tier: figures of one result against those of another.

Counts are compared as they are, or with the allowance that the policy states. Times of single runs are
told, never gated: for those there are paired comparisons.
"""
import statistics

from ringside_results import findings, series
from ringside_results.findings import BETTER, LOST, MOVED, NEW, NOISY, WORSE, Finding

TOLD = 0.05  # a trend that moved less is not worth a line


def _samples(results):
    """{metric name: (Metric, [values])} of repeated measurements."""
    found = {}
    for result in results:
        for metric, value in series.values(result):
            found.setdefault(metric.name, (metric, []))[1].append(value)
    return found


def percent(old, new):
    """The change as a share, in words that say how much, not which way."""
    if old == 0:
        return "from nothing"
    return series.percent(abs(new - old) / old)


def _stage_means(results):
    found = {}
    for result in results:
        for name, value in series.stages(result).items():
            found.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in found.items()}


def moved(old_results, new_results, worse):
    """The stage that moved most in that direction, in words; '' when no stages are known."""
    old, new = _stage_means(old_results), _stage_means(new_results)
    changes = {name: new.get(name, 0) - old.get(name, 0) for name in old.keys() | new.keys()}
    if not changes:
        return ""
    name = (max if worse else min)(sorted(changes), key=lambda s: changes[s])
    by = changes[name]
    if (by <= 0) if worse else (by >= 0):
        return ""
    total = sum(c for c in changes.values() if (c > 0) == worse)
    return f"stage {name}: {by:+,.10g} of {total:+,.10g}"


def _repeats(comparison, policy, title, results):
    """A lab runs a load twice; what differed is no count."""
    bad = [r for r in results if r.kind == "exact" and not r.data["identical"]]
    if bad:
        comparison.add(Finding(
            NOISY, "exact", title, "instructions", "", "", "does not repeat",
            gates=policy.gates(title),
            because=f"two runs of the same load differed in {bad[0].file}"))
    return not bad


def _exact(comparison, policy, title, metric, old, new, cause):
    comparison.compared["exact"] += 1
    gates = policy.gates(title)
    for side, found in (("baseline", old), ("candidate", new)):
        if len(set(found)) > 1:
            comparison.add(Finding(
                NOISY, "exact", title, metric.name, "", "", f"does not repeat in the {side}",
                gates=gates, because=f"a count that is to be exact was "
                f"{metric.show(min(found))} to {metric.show(max(found))}"))
            return
    was, is_now = old[0], new[0]
    if was == is_now:
        return
    worse = metric.worse(was, is_now)
    allowed = policy.allowance(metric.name, was)
    over = abs(is_now - was) > allowed
    because = cause
    if worse and not over:
        because = ", ".join(p for p in (f"{allowed:,.10g} are allowed", cause) if p)
    comparison.add(Finding(
        WORSE if worse else BETTER, "exact", title, metric.name, metric.show(was),
        metric.show(is_now), f"{percent(was, is_now)} {metric.change(was, is_now)}",
        gates=gates and worse and over, because=because))


def _trend(comparison, title, metric, old, new, cause):
    comparison.compared["trend"] += 1
    was, is_now = statistics.median(old), statistics.median(new)
    if abs(is_now - was) <= TOLD * was:
        return
    comparison.add(Finding(MOVED, "trend", title, metric.name, metric.show(was), metric.show(is_now),
                           f"{percent(was, is_now)} {metric.change(was, is_now)}", because=cause))


def compare(comparison, policy, baseline, candidate):
    """Both are bench or exact results."""
    old_series, new_series = findings.by_series(baseline), findings.by_series(candidate)
    for key, results in new_series.items():
        title = series.title(key)
        old_results = old_series.get(key)
        if not old_results:
            comparison.add(Finding(NEW, "trend", title, "", "", "", "measured for the first time"))
            continue
        if not _repeats(comparison, policy, title, old_results + results):
            continue
        old, new = _samples(old_results), _samples(results)
        for name, (metric, values) in new.items():
            if name not in old:
                continue
            was = old[name][1]
            worse = metric.worse(statistics.median(was), statistics.median(values))
            cause = moved(old_results, results, worse) if metric.better == "lower" else ""
            if metric.tier == "exact":
                _exact(comparison, policy, title, metric, was, values, cause)
            else:
                _trend(comparison, title, metric, was, values, cause)
        for name in old.keys() - new.keys():
            if old[name][0].tier == "exact":
                comparison.add(Finding(LOST, "exact", title, name, "measured", "not measured",
                                       "not measured any more", gates=policy.gates(title)))
    for key in old_series.keys() - new_series.keys():
        title = series.title(key)
        exact = any(m.tier == "exact" for r in old_series[key] for m, _ in series.values(r))
        comparison.add(Finding(LOST, "exact" if exact else "trend", title, "", "measured",
                               "not measured", "not measured any more",
                               gates=exact and key[0] == "exact" and policy.gates(title)))
