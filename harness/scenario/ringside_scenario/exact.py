# SPDX-License-Identifier: BSD-3-Clause
"""The exact tier: time stamps of a lab, whose clock counts instructions, made into what one request
costs, and where. Two runs are compared stamp by stamp."""
import hashlib
import json
import struct

SCHEMA = "ringside.exact/1"
MAGIC = 0x31706D6174735352  # measure.h
# stage: what lies in it
STAGES = {
    "submit": "the driver makes the request available",
    "notify": "from the driver's notification until the device has the request",
    "serve": "the device carries it out",
    "call": "it becomes visible, and the driver is notified",
    "inject": "until the driver's interrupt handler runs",
    "reap": "until the driver has the result",
}
# Of a device that does not tell: all that lies between the driver's own moments.
UNTOLD = {
    "submit": STAGES["submit"],
    "device": "from the driver's notification until its interrupt handler runs",
    "reap": STAGES["reap"],
}


class NotExact(Exception):
    """Stamps are not what they should be; the text says why."""


def figure(values):
    values = sorted(values)
    return {"median": values[len(values) // 2], "min": values[0], "max": values[-1],
            "mean": round(sum(values) / len(values), 3), "count": len(values)}


def read_raw(text):
    """[(start, kicked, woken, end)] of `ringside collect --raw`."""
    rows = []
    for line in text.splitlines()[1:]:
        fields = [int(f) for f in line.split("\t")]
        rows.append((fields[0], fields[3], fields[4], fields[1]))
    if not rows:
        raise NotExact("no request has a time stamp")
    return rows


def read_stamps(data, count, offset=0):
    """[(begin, end, call)] of the last `count` requests, in the driver's time; None: the back-end does not
    tell. NotExact when there are not so many."""
    if not data:
        return None
    magic, total, _, _ = struct.unpack_from("<4Q", data) if len(data) >= 32 else (0, 0, 0, 0)
    if magic != MAGIC or total < count or len(data) < 32 + 24 * total:
        raise NotExact(f"the back-end has none of {count} requests")
    return [tuple((t + offset) % (1 << 64) if t else 0
                  for t in struct.unpack_from("<3Q", data, 32 + 24 * n))
            for n in range(total - count, total)]


def read_figures(text):
    """{what: figure} of `ringside collect --figures`."""
    found = {}
    for line in text.splitlines()[1:]:
        what, count, low, median, high, total = line.split("\t")
        found[what] = {"median": int(median), "min": int(low), "max": int(high),
                       "mean": round(int(total) / int(count), 3), "count": int(count)}
    return found


def _split(row, stamp=None):
    """One request's stages, or None when its stamps are not in order."""
    start, kicked, woken, end = row
    # A device that is still awake is not notified: then it finds the request by itself.
    kicked = kicked if kicked >= start else start
    # A driver that polls has no interrupt, and one notification may be for several requests.
    woken = woken if start < woken <= end else end
    moments = (start, kicked, woken, end)
    if stamp:
        begin, done, call = stamp
        call = call if done <= call <= woken else woken
        moments = (start, kicked, begin, done, call, woken, end)
    if list(moments) != sorted(moments):
        return None
    return [b - a for a, b in zip(moments, moments[1:])]


def stages(rows, stamps):
    """The schema's "stages". NotExact when those of the back-end are not in the order of a request: its clock
    is another one then."""
    names = STAGES if stamps else UNTOLD
    parts = [_split(row, stamp) for row, stamp in zip(rows, stamps or [None] * len(rows))]
    if any(p is None for p in parts):
        raise NotExact(f"those of request {parts.index(None)} are not in its order")
    return [{"stage": name, "what": what, "instructions": figure([p[i] for p in parts])}
            for i, (name, what) in enumerate(names.items())]


class Sample:
    """One run's files: `raw` text, `stamps` bytes or b"", `counts` and `figures` text or "". `offset`
    is the driver's clock less that of the stamps."""

    def __init__(self, raw, stamps=b"", counts="", figures="", offset=0):
        self.raw = raw
        self.stamps = stamps
        self.counts = counts
        self.figures = figures
        self.offset = offset

    def difference(self, other):
        """What differs, in words; None: nothing."""
        for name in ("raw", "stamps", "counts", "figures"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine == theirs:
                continue
            if isinstance(mine, str):
                for n, (a, b) in enumerate(zip(mine.splitlines(), theirs.splitlines())):
                    if a != b:
                        return f"{name}, line {n + 1}: '{a.strip()}' and '{b.strip()}'"
            return name
        return None if self.offset == other.offset else "the guest's clock"


def document(sample, head, runs, traced=None):
    """The result. `head`: ringside, created, target, lab, load; `traced`: stages and trace of another run, or
    None. NotExact."""
    rows = read_raw(sample.raw)
    if len(rows) != head["load"]["requests"]:
        raise NotExact(f"{len(rows)} requests have a time stamp, not {head['load']['requests']}")
    found = {"schema": SCHEMA, **head,
             "instructions": figure([end - start for start, _, _, end in rows]),
             "stages": stages(rows, read_stamps(sample.stamps, len(rows), sample.offset)),
             "counts": json.loads(sample.counts) if sample.counts else {},
             "runs": runs, "identical": True,
             "samples_sha256": hashlib.sha256(sample.raw.encode() + sample.stamps).hexdigest()}
    if traced:
        found["traced"] = traced
    if sample.figures:
        found["calibration"] = read_figures(sample.figures)
    return found
