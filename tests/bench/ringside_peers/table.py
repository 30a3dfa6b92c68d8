# SPDX-License-Identifier: BSD-3-Clause
"""Rounds into medians, medians into ratios; a table and a plot of them."""
import statistics

# Row: (key, what, ours, theirs, figure, the sense of the ratio, bound). Keys of what is measured.
ROWS = [
    ("null-split-poll", "null device, split, poll, depth 1", "null split poll", "cache line, split", "p50", "max", 2.0),
    ("null-packed-poll", "null device, packed, poll, depth 1", "null packed poll", "cache line, packed", "p50", "max", 1.5),
    ("null-split-event", "null device, split, event, depth 1", "null split event", "eventfd", "p50", "max", 1.10),
    ("null-packed-event", "null device, packed, event, depth 1", "null packed event", "eventfd", "p50", "max", 1.10),
    ("eventfd-pipe", "eventfd beside a pipe", "eventfd", "pipe", "p50", None, None),
    ("batch-split", "null device beside testpmd, split, batch 32", "null split batch", "testpmd split", "rate", "min", 1.0),
    ("batch-packed", "null device beside testpmd, packed, batch 32", "null packed batch", "testpmd packed", "rate", "min", 1.0),
    ("frames-64", "net --loopback --poll beside testpmd's vhost, 64 bytes, batch 32", "frames 64", "frames testpmd 64",
     "rate", "min", 1.0),
    ("frames-1500", "… 1500 bytes", "frames 1500", "frames testpmd 1500", "rate", None, None),
    ("frames-tso", "… TSO packets of 64000 bytes, taken whole, batch 8", "frames TSO", "frames testpmd TSO", "rate",
     None, None),
]
# The daemon looks at its rings for some time before it sleeps; ours does so all the time, or never (which is
# what it does unless told).
for depth in (1, 8, 32):
    ROWS += [
        (f"memory-{depth}", f"blk --memory --poll beside qsd on tmpfs, depth {depth}",
         f"blk memory --poll {depth}", f"qsd tmpfs {depth}", "rate", "min", 2.0),
        (f"memory-p99-{depth}", f"… its p99, depth {depth}", f"blk memory --poll {depth}", f"qsd tmpfs {depth}",
         "p99", "max", 1.0),
        (f"memory-sleeps-{depth}", f"blk --memory beside qsd on tmpfs, depth {depth}", f"blk memory {depth}",
         f"qsd tmpfs {depth}", "rate", "min", 2.0),
        (f"memory-sleeps-p99-{depth}", f"… its p99, depth {depth}", f"blk memory {depth}", f"qsd tmpfs {depth}",
         "p99", "max", 1.0),
        (f"tmpfs-{depth}", f"blk --image --poll beside qsd, both on tmpfs, depth {depth}",
         f"blk tmpfs --poll {depth}", f"qsd tmpfs {depth}", "rate", None, None),
        (f"disk-{depth}", f"blk --image --poll beside qsd, both on disk, depth {depth}",
         f"blk disk --poll {depth}", f"qsd disk {depth}", "rate", "min", 1.0),
        (f"disk-sleeps-{depth}", f"blk --image beside qsd, both on disk, depth {depth}", f"blk disk {depth}",
         f"qsd disk {depth}", "rate", "min", 1.0),
    ]
for depth in (1, 8, 32):
    for wait in ("poll", "event"):
        ROWS += [
            (f"blkio-{wait}-{depth}", f"bench beside libblkio on qsd, {wait}, depth {depth}",
             f"bench qsd {wait} {depth}", f"libblkio {wait} {depth}", "rate", "min", 1.0),
            (f"blkio-{wait}-p50-{depth}", f"… its p50, depth {depth}", f"bench qsd {wait} {depth}",
             f"libblkio {wait} {depth}", "p50", "max", 1.0),
        ]


def median(rounds, name, figure):
    values = [r[name][figure] for r in rounds if name in r and figure in r[name]]
    return statistics.median(values) if values else None


def ratios(rounds):
    """One dictionary per row that was measured. The ratio is the median of the rounds' own."""
    out = []
    for key, what, ours, theirs, figure, sense, limit in ROWS:
        pairs = [(r[ours][figure], r[theirs][figure]) for r in rounds
                 if figure in r.get(ours, {}) and r.get(theirs, {}).get(figure)]
        if not pairs:
            continue
        mid = statistics.median(a / b for a, b in pairs)
        met = None if limit is None else mid <= limit if sense == "max" else mid >= limit
        out.append({"key": key, "what": what, "ours": median(rounds, ours, figure),
                    "theirs": median(rounds, theirs, figure), "figure": figure, "ratio": mid,
                    "rounds": len(pairs), "bound": limit, "sense": sense, "met": met,
                    "ours_p99": median(rounds, ours, "p99"), "theirs_p99": median(rounds, theirs, "p99")})
    return out


def amount(value, figure):
    if value is None:
        return "-"
    if figure == "rate":
        return f"{value / 1e6:.2f} M/s" if value >= 1e6 else f"{value / 1e3:.1f} k/s"
    return f"{value / 1e3:.1f} us" if value >= 1e4 else f"{value:.0f} ns"


def ratio(row):
    return f"{row['ratio']:.2f}" if row["ratio"] >= 0.1 else f"{row['ratio']:.4f}"


def bound(row):
    if row["bound"] is None:
        return "-"
    return f"{'at most' if row['sense'] == 'max' else 'at least'} {row['bound']:g}"


def verdict(row):
    return {None: "-", True: "yes", False: "no"}[row["met"]]


def text(rows):
    lines = [f"{'':60}{'ours':>12}{'theirs':>12}{'ratio':>8}  {'wanted':14}{'met':4}"]
    lines += [f"{r['what']:60}{amount(r['ours'], r['figure']):>12}{amount(r['theirs'], r['figure']):>12}"
              f"{ratio(r):>8}  {bound(r):14}{verdict(r):4}" for r in rows]
    return "\n".join(lines)


def markdown(rows):
    lines = ["| | figure | ours | theirs | ratio | wanted | met | p99 ours / theirs |", "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {r['what']} | {r['figure']} | {amount(r['ours'], r['figure'])} "
              f"| {amount(r['theirs'], r['figure'])} | {ratio(r)} | {bound(r)} | {verdict(r)} "
              f"| {amount(r['ours_p99'], 'p99')} / {amount(r['theirs_p99'], 'p99')} |" for r in rows]
    return "\n".join(lines)


def plot(rows, path):
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    fig, ax = pyplot.subplots(figsize=(10, 0.28 * len(rows) + 1.2))
    colors = {None: "#888888", True: "#2a7f5f", False: "#c0392b"}
    for y, r in enumerate(reversed(rows)):
        ax.barh(y, r["ratio"], color=colors[r["met"]], height=0.6)
        if r["bound"] is not None:
            ax.plot([r["bound"]] * 2, [y - 0.4, y + 0.4], color="black", linewidth=2)
        ax.text(r["ratio"], y, f" {ratio(r)}", va="center", fontsize=7)
    ax.set_yticks(range(len(rows)), [f"{r['what']} ({r['figure']})" for r in reversed(rows)], fontsize=7)
    ax.set_ylim(-0.8, len(rows) - 0.2)
    ax.set_xscale("log")
    ax.axvline(1, color="#bbbbbb", linewidth=0.8, zorder=0)
    ax.set_xlabel("ratio, ours to theirs; black: what is wanted (times: at most, rates: at least)")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    fig.tight_layout()
    fig.savefig(path, dpi=110)
