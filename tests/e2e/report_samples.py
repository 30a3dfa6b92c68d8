# SPDX-License-Identifier: BSD-3-Clause
"""Made-up results for the report's tests, the same on every run. As a program, writes them:

    report_samples.py DIR

clause-ids: made up
"""
import json
import math
import random
import sys
from pathlib import Path

CREATED = "2026-11-23T07:19:00Z"
HOST = {"cpu": "Some Processor 2.30GHz", "cores": 2, "kernel": "6.1.0-40-amd64",
        "machine": "x86_64", "os": "Debian GNU/Linux 12 (bookworm)"}
VERDICTS = ("pass", "fail", "warn", "hazard", "info", "skip", "error")

CHECKS = {
    "split.used-len.in": ["v14.split-ring.used-ring.dev.2", "ROB.used.complete-len"],
    "split.used-len.out": ["v14.split-ring.used-ring.dev.2"],
    "split.index.wrap": ["v14.split-ring.used-ring.dev.1"],
    "split.index.runaway": ["ROB.alive.avail-runaway"],
    "split.chain.cycle": ["ROB.alive.chain-cycle"],
    "split.event-idx.suppressed": ["v14.split-ring.used-notif.dev.1"],
    "split.indirect.usual": ["v14.split-ring.indirect.dev.1"],
    "blk.config.usable": ["v14.blk.init.dev.1"],
    "blk.read.inside": ["v14.blk.op.dev.1"],
    "blk.rw.sizes": ["v14.blk.op.dev.2"],
    "blk.flush.reconnect": ["v14.blk.op.dev.9"],
    "blk.features.flush": ["v14.blk.feature-bits.dev.1", "v14.blk.op.dev.4"],
    "blk.unknown.unsupp": ["v14.blk.op.dev.5"],
    "vu.features.barrier": ["VU.msg.features.be.1"],
    "vu.ring.no-fd": ["VU.ring.call.be.1"],
    "vu.config.offset-beyond-the-end-of-the-configuration-space": ["VU.msg.config.be.2"],
    "vu.reply-ack.every-request": ["VU.msg.ack.be.1"],
}

LOG = ["> GET_FEATURES", "< u64 0x0000000170006e54", "> SET_FEATURES 0x170000200",
       "q0: add head 0: [OUT 16 @0x10000] [IN 512 @0x20000] [IN 1 @0x30000]",
       "q0: publish avail idx 1, kick", "q0: used[0] = { id 0, len 0 } after 31 us"]


def target(name):
    return {"uri": f"vhost-user:/run/{name}.sock", "name": name, "device": "blk",
            "transport": "vhost-user", "features": "0x170006e54",
            "protocol_features": "0xd63b", "queues": 1,
            "command": f"{name} --socket-path /run/{name}.sock"}


def check(name, clauses, verdict="pass", reason="", **more):
    record = {"id": name, "clauses": list(clauses), "verdict": verdict, "reason": reason,
              "expected": "pass", "unexpected": verdict not in ("pass", "info", "skip"),
              "duration_ms": 1.25}
    if verdict not in ("pass", "skip"):
        record["clause"] = clauses[0]
        record["evidence"] = {
            "stimulus": "A request of one sector", "oracle": "used length 513",
            "expected": "513", "observed": reason, "log": LOG}
    record.update(more)
    return record


def conform(name, verdicts=None, checks=None):
    """A conformance result; `verdicts`: {check: (verdict, reason, members…)}."""
    records = []
    for ident, clauses in (checks or CHECKS).items():
        verdict, reason, *more = (verdicts or {}).get(ident, ("pass", ""))
        records.append(check(ident, clauses, verdict, reason, **(more[0] if more else {})))
    return {"schema": "ringside.conform/1", "ringside": "0.1.0", "created": CREATED,
            "target": target(name), "host": HOST,
            "summary": {v: sum(r["verdict"] == v for r in records) for v in VERDICTS},
            "unexpected": sum(r["unexpected"] for r in records), "fixed": 0,
            "duration_s": 4.2, "checks": records}


def histogram(median, requests, tail, seed):
    """Log-normal with a second hump: [[upper ns, count], …]."""
    rng = random.Random(seed)
    counts = {}
    for _ in range(requests):
        ns = median * math.exp(rng.gauss(0, .18))
        if rng.random() < .012:
            ns *= tail * math.exp(rng.gauss(0, .5))
        ns = int(float(f"{ns:.3g}"))
        counts[ns] = counts.get(ns, 0) + 1
    return [[ns, counts[ns]] for ns in sorted(counts)]


def quantile(buckets, share):
    total, seen = sum(n for _, n in buckets), 0
    for ns, n in buckets:
        seen += n
        if seen >= share * total:
            return ns
    return buckets[-1][0]


def latency(buckets):
    total = sum(n for _, n in buckets)
    return {"min": buckets[0][0], "p50": quantile(buckets, .5), "p90": quantile(buckets, .9),
            "p99": quantile(buckets, .99), "p999": quantile(buckets, .999),
            "max": buckets[-1][0], "mean": sum(ns * n for ns, n in buckets) // total}


# Latency over time: in the second slice nothing ended, and one request of the last took eight times as long.
HEAT = {"slice_ns": 10000000, "least_ns": 1024, "counts": [[3, 90], [], [0, 95, 2, 0, 1]]}


def outlier(seq, ns):
    """A request that waited in the device's work."""
    return {"seq": seq, "queue": 1, "head": 3, "begin_ns": 81000000, "latency_ns": ns, "points": [
        {"point": "submit", "ns": 0}, {"point": "fetch", "ns": ns // 10}, {"point": "serve_begin", "ns": ns // 8},
        {"point": "serve_end", "ns": ns - 200}, {"point": "reap", "ns": ns}]}


def bench(name, op="read", depth=1, wait="poll", median=3000, traced=False, requests=20000,
          tail=9, floor=None, rate=0):
    buckets = histogram(median, requests, tail, f"{name}{op}{depth}{wait}")
    floor = floor or (317 if wait == "poll" else 9100)
    result = {
        "schema": "ringside.bench/1", "ringside": "0.1.0", "created": CREATED,
        "target": target(name), "host": HOST,
        "workload": {"device": "blk", "op": op, "block_size": 4096, "queue_depth": depth,
                     "rate": rate, "loop": "open" if rate else "closed", "wait": wait,
                     "ring": "split", "pattern": "random", "requests": requests,
                     "duration_s": 2.0},
        "latency_ns": latency(buckets), "requests_per_s": depth * 1e9 / median,
        "requests": requests, "errors": 0, "syscalls_per_request": 0 if wait == "poll" else 2.02,
        "notifications_per_request": {"kicks": 1, "calls": 0 if wait == "poll" else .98},
        "clock": {"source": "tsc", "hz": 2299998010, "error_ppm": 3},
        "floor": {"kind": wait, "ns": floor, "ratio": quantile(buckets, .5) / floor},
        "histogram": buckets, "warnings": []}
    if traced:
        mean = result["latency_ns"]["mean"]
        untraced = histogram(median * .82, requests, tail, f"{name}{op}{depth}{wait}u")
        names = ["fetch", "serve", "publish"] + (["call"] if wait == "event" else [])
        shares = [.08, .42, .1, .12]
        result["stages"] = [
            {"name": n, "p50_ns": int(mean * s * .9), "p99_ns": int(mean * s * 3),
             "mean_ns": int(mean * s), "max_ns": int(mean * s * 40), "count": requests}
            for n, s in zip(names, shares)]
        result["trace"] = {"dir": f"/tmp/trace/{op}.{depth}", "events": requests * 4, "requests": requests,
                           "adds_up": True, "heat": HEAT, "outliers": [outlier(7, 9 * mean), outlier(5, 4 * mean)],
                           "discarded": 0, "untraced": {**latency(untraced), "histogram": untraced,
                                                  "requests_per_s": depth * 1e9 / median},
                           "cost_ratio": result["latency_ns"]["p50"] / quantile(untraced, .5)}
    return result


def prove(unproven=(), uncaught=(), accused=()):
    faults = [{"name": f"{name.replace('.', '-')}-broken", "clause": clauses[0],
               "summary": f"does the opposite of what {clauses[0]} asks",
               "caught_by": [] if name in uncaught else [name],
               "accused_wrongly": ["blk.rw.sizes"] if name in accused else [], "retried": False}
              for name, clauses in CHECKS.items()]
    checks = [{"id": name, "clean": "pass", "proven": name not in unproven,
               "faults": [] if name in unproven else
               [{"name": f["name"], "clause": f["clause"]} for f in faults
                if name in f["caught_by"]]}
              for name in CHECKS]
    return {"schema": "ringside.prove/1", "ringside": "0.1.0", "created": CREATED, "host": HOST,
            "summary": {"checks": len(checks), "proven": sum(c["proven"] for c in checks),
                        "faults": len(faults), "caught": sum(bool(f["caught_by"]) for f in faults),
                        "accused_wrongly": len(accused)},
            "duration_s": 42.0, "checks": checks, "faults": faults}


def trace():
    return {"schema": "ringside.trace/1", "ringside": "0.1.0", "created": CREATED,
            "trace": {"dir": "/tmp/trace", "events": 500, "requests": 100, "unmatched": 2,
                      "discarded": 0, "processes": 1},
            "stages": [{"name": "fetch", "p50_ns": 187, "p99_ns": 324, "mean_ns": 198,
                        "max_ns": 3475, "count": 100}]}


def exact(instructions=10000, serve=4000, identical=True, name="blk, kvm-library", approach="kvm-library", **counts):
    """A cost that was counted in a lab."""
    def figure(n):
        return {"median": n, "min": n, "max": n, "mean": n, "count": 100}
    return {
        "schema": "ringside.exact/1", "ringside": "0.1.0", "created": CREATED,
        "target": {"name": name, "approach": approach, "device": "blk", "ring": "split",
                   "backend": "ringside-backend"},
        "lab": {"name": "kvm", "snapshot": "0123"},
        "load": {"op": "read", "block_size": 4096, "queue_depth": 1, "wait": "event",
                 "requests": 100},
        "instructions": figure(instructions),
        "stages": [{"stage": "notify", "instructions": figure(instructions - serve)},
                   {"stage": "serve", "instructions": figure(serve)}],
        "counts": {"exits": 200, **counts}, "runs": 2, "identical": identical}


def gate(passed=False):
    """What 'ringside gate' found: a deviation with its evidence, and something better."""
    found = [{"kind": "worse", "tier": "verdict", "series": "ringside-backend", "subject": "blk.rw.sizes",
              "old": "pass", "new": "fail", "change": "fail, was pass", "gates": True,
              "because": "the status byte was 1", "clause": "v14.blk.op.dev.2", "evidence": LOG}]
    better = {"kind": "better", "tier": "exact", "series": "blk, kvm-library: read", "subject": "instructions",
              "old": "10,300", "new": "10,000", "change": "2.91 % fewer", "gates": False, "because": "",
              "clause": "", "evidence": []}
    return {"schema": "ringside.gate/1", "ringside": "0.1.0", "created": CREATED, "passed": passed,
            "headline": "1 better" if passed else "1 new deviation, 1 better",
            "compared": {"verdict": 17, "exact": 2, "paired": 0, "trend": 0}, "expected": 1,
            "findings": ([] if passed else found) + [better]}


def entries():
    """{file: entry} of a store: a figure that changes its level, and one that does not."""
    toss = random.Random(3)
    return {f"entry-{i:02}.json": {
        "schema": "ringside.entry/1", "created": f"2026-11-{i + 1:02}T00:00:00Z", "revision": f"r{i}", "host": HOST,
        "figures": {"blk, kvm-library: read": {"instructions": 10000 if i < 8 else 10300},
                    "ringside-backend: read": {"p50": round(3000 * toss.gauss(1, .02)), "verdicts.fail": 0}}}
        for i in range(16)}


def joined(files):
    """A set of results with what the cells combined that they are from: {file: (axes, result)}."""
    return {"schema": "ringside.set/1", "ringside": "0.1.0", "created": CREATED,
            "results": [{"file": name, "axes": axes, "result": result} for name, (axes, result) in files.items()]}


def ways():
    """Three ways to reach a device, and what was found and measured on each."""
    common = {"driver": "host", "arch": "x86_64", "ring": "split", "device": "blk", "backend": "ringside-backend",
              "wait": "poll", "connect": "usual"}
    files = {}
    for i, (hypervisor, transport) in enumerate((("none", "vhost-user"), ("qemu-tcg", "pci"), ("qemu-tcg", "mmio"))):
        axes = {**common, "hypervisor": hypervisor, "transport": transport}
        found = conform(f"way {i}", OTHER_VERDICTS if i else None)
        found["target"]["transport"] = transport
        files[f"way-{i}.conform.json"] = axes, found
        files[f"way-{i}.bench.json"] = axes, bench(f"way {i}", median=3000 * (i + 1))
    return joined(files)


OTHER_VERDICTS = {
    "split.used-len.in": ("fail", "used length 0 for a request of 513 bytes"),
    "split.index.runaway": ("hazard", "takes entries that were never made available"),
    "blk.features.flush": ("warn", "offers no flush although it caches", {
        "expected": "warn", "unexpected": False,
        "expected_because": "writes through; upstream bug 1234"}),
    "blk.unknown.unsupp": ("info", "IOERR, where the text leaves it open"),
    "split.indirect.usual": ("skip", "VIRTIO_F_INDIRECT_DESC is not offered"),
    "vu.reply-ack.every-request": ("error", "closed the connection during set-up"),
}


def samples():
    """{file name: result}: something of each kind."""
    files = {"reference.conform.json": conform("ringside-backend"),
             "other.conform.json": conform("qemu-storage-daemon", OTHER_VERDICTS),
             "prove.json": prove(), "trace.json": trace(), "gate.json": gate(), **entries()}
    for approach, n in (("kvm-library", 10000), ("kvm-vhost-user", 21000), ("xen-library", 16000),
                        ("xen-vhost-user", 34000), ("direct", 4000)):
        files[f"{approach}.json"] = exact(n, n // 3, name=f"blk, {approach}", approach=approach)
    for wait, base in (("poll", 3000), ("event", 42000)):
        for op, more in (("read", 1), ("write", 1.15)):
            for depth in (1, 32):
                median = base * more * (1 if depth == 1 else 9)
                files[f"a.{op}.{depth}.{wait}.json"] = bench(
                    "ringside-backend", op, depth, wait, median, traced=True)
                files[f"b.{op}.{depth}.{wait}.json"] = bench(
                    "qemu-storage-daemon", op, depth, wait, median * 3.1)
    return files


def write(folder, files):
    """Write them; the paths, in order."""
    paths = []
    for name, result in files.items():
        paths.append(Path(folder) / name)
        paths[-1].write_text(json.dumps(result), encoding="utf-8")
    return paths


if __name__ == "__main__":
    for path in write(sys.argv[1], samples()):
        print(path)
