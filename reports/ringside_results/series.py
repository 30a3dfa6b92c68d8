# SPDX-License-Identifier: BSD-3-Clause
"""What makes two results comparable, and what a result measures.

A series is what a result is about: a target, how it was reached, and the load. Two results of the same
series can be compared; several of one side are repeated measurements.
"""
from ringside_report import names, units
from ringside_report.stages import parts

LOAD = ("device", "op", "block_size", "queue_depth", "batch", "indirect", "rate", "wait", "ring",
        "pattern", "in_order", "notification_data", "queues", "memory")
# What a reader need not be told, since it is what is meant when nothing is said.
PLAIN = {"ring": "split", "batch": 1, "queues": 1, "memory": "direct", "pattern": "random"}


class Metric:
    """Something that is measured: which way is better, and in which words."""

    def __init__(self, name, unit, better, tier):
        self.name = name
        self.unit = unit
        self.better = better  # "lower" or "higher"
        self.tier = tier  # "exact", "paired", "trend"

    @property
    def is_time(self):
        return self.unit == "ns"

    def worse(self, old, new):
        return new > old if self.better == "lower" else new < old

    def change(self, old, new):
        """The direction, spelled out."""
        if new == old:
            return "the same"
        if self.is_time:
            return "slower" if new > old else "faster"
        return "more" if new > old else "fewer"

    def show(self, value):
        if self.is_time:
            return units.time(value)
        if self.unit == "/s":
            return f"{units.rate(value)}/s"
        return f"{value:,.10g}"


_TREND = [
    Metric("p50", "ns", "lower", "trend"),
    Metric("p99", "ns", "lower", "trend"),
    Metric("requests_per_s", "/s", "higher", "trend"),
    Metric("syscalls_per_request", "", "lower", "trend"),
    Metric("kicks_per_request", "", "lower", "trend"),
    Metric("calls_per_request", "", "lower", "trend"),
]
# Requests that fail are no matter of measurement.
_ERRORS = Metric("errors", "", "lower", "exact")


def percent(share):
    """A share in words: '3.1 %', '1,050 %'."""
    return f"{share * 100:.3g} %" if share < 10 else f"{share * 100:,.0f} %"


def known_metrics():
    return {m.name: m for m in [*_TREND, _ERRORS]}


def kept_metric(name):
    """What a store keeps by that name."""
    better = "higher" if name == "verdicts.pass" else "lower"
    return known_metrics().get(name) or Metric(name, "", better, "trend")


def exact_metric(name):
    """A count of the exact tier: less is better, whatever is counted."""
    return Metric(name, "", "lower", "exact")


def _load(workload):
    """Of exact results the number of requests is none of it: they are counted one by one."""
    return tuple((k, workload[k]) for k in LOAD
                 if workload.get(k) not in (None, False, 0, PLAIN.get(k)))


def _load_words(load):
    values = dict(load)
    words = [values.pop("op", "")]
    if "block_size" in values:
        words.append(units.size(values.pop("block_size")))
    values.pop("device", None)
    words.append(f"depth {values.pop('queue_depth', 1)}")
    words += [v if isinstance(v, str) else k.replace("_", " ") if v is True else f"{k} {v}"
              for k, v in values.items()]
    return ", ".join(w for w in words if w)


def key(result):
    """The series of a result: hashable, and the same wherever and whenever it was found."""
    d = result.data
    target, guest = d.get("target", {"uri": ""}), d.get("guest") or {}
    if result.kind == "exact":
        return (result.kind, target["name"], target["device"], target.get("transport", ""),
                "", target["approach"], _load({**d["load"], "ring": target["ring"]}))
    return (result.kind, names.target_name(target), target.get("device", ""),
            target.get("transport", ""), guest.get("arch", ""), guest.get("machine", ""),
            _load(d.get("workload", {})))


def title(series):
    """What reports call it."""
    _, target, _, transport, arch, machine, load = series
    parts = [p for p in (target, transport if transport not in target else "",
                         " ".join(p for p in (arch, machine) if p and p not in target)) if p]
    words = _load_words(load) if load else ""
    return ": ".join(p for p in (", ".join(parts), words) if p)


def _bench_values(d):
    untraced = (d.get("trace") or {}).get("untraced")
    shown = untraced or d["latency_ns"]
    notifications = d.get("notifications_per_request") or {}
    values = {
        "p50": shown["p50"],
        "p99": shown["p99"],
        "requests_per_s": shown.get("requests_per_s", d["requests_per_s"]),
        "syscalls_per_request": d.get("syscalls_per_request"),
        "kicks_per_request": notifications.get("kicks"),
        "calls_per_request": notifications.get("calls"),
    }
    found = [(m, values[m.name]) for m in _TREND if values[m.name] is not None]
    return found + [(_ERRORS, d["errors"])] if "errors" in d else found


def _exact_values(d):
    """What one request costs, and what happened during the whole load."""
    return [(exact_metric("instructions"), d["instructions"]["median"])] + \
        [(exact_metric(name), value) for name, value in sorted(d["counts"].items())]


def values(result):
    """[(Metric, value)] of one result."""
    if result.kind == "bench":
        return _bench_values(result.data)
    if result.kind == "exact":
        return _exact_values(result.data)
    return []


def stages(result):
    """{stage: share of a request's time or instructions}, as means that add up."""
    d = result.data
    if result.kind == "exact":
        if d.get("traced"):
            return dict(parts(d["traced"]["stages"], d["traced"]["trace"]))
        return {s["stage"]: s["instructions"]["median"] for s in d.get("stages", [])}
    return dict(parts(d.get("stages", []), d.get("trace") or {}))
