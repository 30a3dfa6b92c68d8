# SPDX-License-Identifier: BSD-3-Clause
"""A comparison as Markdown: a comment on a change, to be read in half a minute."""
import re

from ringside_results.findings import BETTER, LOST, MOVED, NEW, NOISY, WORSE

MOST = 20  # rows of a table; the rest is counted
_EVIDENCE_MOST = 5

_HEADS = (
    (BETTER, "Better"),
    (WORSE, "Worse, without gating"),
    (LOST, "Not covered any more, without gating"),
    (NOISY, "Could not be told"),
    (MOVED, "Times of single runs that moved; noise is not ruled out"),
    (NEW, "New"),
)


def text(s):
    """Nothing of a target's words is markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@])", r"\\\1", " ".join(s.split()))


def code(s):
    s = " ".join(s.split()).replace("`", "'").replace("|", "\\|")
    return f"`{s}`" if s else ""


def count(n, one, several=None):
    return f"{n} {one if n == 1 else several or one + 's'}"


def headline(comparison):
    """One line that says it all; plain text."""
    gating = comparison.gating
    by = {}
    for f in gating:
        what = {"verdict": "new deviation"}.get(f.tier, "cost regression")
        if f.kind == LOST:
            what = "lost check"
        elif f.kind == NOISY:
            what = "count that does not repeat"
        by[what] = by.get(what, 0) + 1
    names = {"count that does not repeat": "counts that do not repeat"}
    parts = [count(n, what, names.get(what)) for what, n in by.items()]
    beside, better = len(comparison.of(WORSE, LOST)), len(comparison.of(BETTER))
    if beside:
        parts.append(f"{beside} worse without gating")
    if better:
        parts.append(f"{better} better")
    return ", ".join(parts) or "nothing is worse"


def _row(f):
    what = code(f.subject) or "all"
    clause = f", {code(f.clause)}" if f.clause else ""
    change = f.change if f.tier == "verdict" else f"{f.old} → {f.new}: **{f.change}**" \
        if f.old else f.change
    return f"| {what}{clause} | {text(f.title)} | {change} | {text(f.because)} |"


def _table(found):
    lines = ["| what | where | change | why |", "|---|---|---|---|"]
    lines += [_row(f) for f in found[:MOST]]
    if len(found) > MOST:
        lines.append(f"\nand {len(found) - MOST} more")
    return lines


def _details(found):
    lines = []
    for f in [f for f in found if f.evidence][:_EVIDENCE_MOST]:
        lines += ["", f"<details><summary>{text(f.subject)}, {text(f.title)}</summary>", "", "```"]
        lines += [e.replace("```", "'''") for e in f.evidence]
        lines += ["```"]
        if f.tier == "verdict" and f.clause:
            lines += ["", f"`ringside explain {f.clause}` tells what the text asks."]
        lines += ["", "</details>"]
    return lines


def render(comparison):
    verdict = "passed" if comparison.passed else "failed"
    lines = [f"## Ringside gate: {verdict}", "", f"**{headline(comparison)}**", ""]
    if comparison.gating:
        lines += _table(comparison.gating) + _details(comparison.gating) + [""]
    for kind, head in _HEADS:
        found = comparison.of(kind)
        if not found:
            continue
        lines += [f"<details><summary>{head}: {len(found)}</summary>", "", *_table(found), "",
                  "</details>", ""]
    c = comparison.compared
    looked = ", ".join(count(n, word) for n, word in (
        (c["verdict"], "verdict"), (c["exact"], "exact count"),
        (c["paired"], "paired comparison"), (c["trend"], "trend")) if n)
    quiet = f"; {count(comparison.expected, 'known deviation')} quiet" if comparison.expected \
        else ""
    lines.append(f"Compared: {looked or 'nothing'}{quiet}.")
    return "\n".join(lines) + "\n"
