# SPDX-License-Identifier: BSD-3-Clause
"""The page of a run: matrix.md and result.json, to be kept in a repository.

Of two runs with the same verdicts both are the same but for what was measured: no paths of this machine are in
them, no logs, and no times but latencies and rates. A run without measurements gives the same bytes again.
"""
import datetime
import glob
import json
import os
import re
import subprocess
import tempfile

from ringside_scenario import results
from ringside_scenario.zoo import build

# A path of several parts. What stands in a program's command line and in a reason is made anonymous alike.
_PATH = re.compile(r"(?<![\w.{}/-])/(?:tmp|var/tmp|root|home|work|run/user)/[^\s'\",;:)]*")
# Wherever they were built or installed.
_OURS = ((re.compile(r"/[^\s'\",;:]*/scenarios/targets/+"), "{targets}/"),
         (re.compile(r"/[^\s'\",;:]*/bin/ringside-backend"), "ringside-backend"))
_KEPT = ("stimulus", "oracle", "expected", "observed")


class NoRun(Exception):
    """That folder has no run in it."""


def _texts(value, change):
    """The same with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_texts(v, change) for v in value]
    if isinstance(value, dict):
        return {k: _texts(v, change) for k, v in value.items()}
    return value


def _anonymous(name):
    out = os.path.join(build.cache(), "built", name)

    def change(text):
        text = text.replace(out, "{out}")
        for path, word in _OURS:
            text = path.sub(word, text)
        return _PATH.sub("…", text)
    return change


def _checks(found):
    for check in found["checks"]:
        check.pop("duration_ms", None)
        evidence = check.get("evidence")
        if evidence:
            check["evidence"] = {k: evidence[k] for k in _KEPT if evidence.get(k)}


def _clean(found, day, change):
    found = _texts(found, change)
    found["created"] = day
    for key in ("duration_s", "histogram"):
        found.pop(key, None)
    if found["schema"].startswith("ringside.conform/"):
        _checks(found)
        # What the verdicts are of is the target; the machine is told with what was measured.
        found.pop("host", None)
    return found


def _rate(n):
    return f"{n / 1e6:.2f} M" if n >= 1e6 else f"{n / 1e3:.1f} k" if n >= 1e3 else f"{n:.0f}"


def _measured(run):
    rows, without = [], {}
    for t in run["targets"]:
        if t["status"] not in ("skip", "build") and not t["bench"]:
            without.setdefault(t["device"], []).append(t["name"])
        for b in t["bench"]:
            ours = b["reference"]
            rows.append(f"| {t['name']} | {t['device']} | {b['name']} | {_rate(b['requests_per_s'])} | "
                        f"{b['p50_ns'] / 1000:.1f} | {b['p99_ns'] / 1000:.1f} | {_rate(ours['requests_per_s'])} | "
                        f"{ours['p50_ns'] / 1000:.1f} | {ours['p99_ns'] / 1000:.1f} | {b['ratio']:.2f} |")
    lines = []
    if rows:
        lines = ["## Measured", "",
                 "Each beside `ringside-backend` with the same load, in turns; *ratio* is its rate by ours, and the times "
                 "are microseconds.", "",
                 "| implementation | device | load | requests/s | p50 | p99 | ours/s | p50 | p99 | ratio |",
                 "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", *rows, ""]
        if without:
            lines += ["Not measured: " + "; ".join(f"{', '.join(names)} ({device})"
                                                   for device, names in sorted(without.items())) + ".", ""]
    return lines


def _left_out(run, change):
    rows = [f"* {t['name']}: {change(t.get('reason', ''))}" for t in run["targets"]
            if t["status"] in ("skip", "build", "target")]
    return ["## Left out", "", *rows, ""] if rows else []


def _ringside(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def _of(run, folder):
    """[(file, its document)]: verdicts of each target, and what was measured."""
    for target in sorted(run["targets"], key=lambda t: t["name"]):
        name = glob.escape(os.path.join(folder, target["name"]))
        for path in (os.path.join(folder, f"{target['name']}.json"), *sorted(glob.glob(f"{name}-bench-*.json")),
                     *sorted(glob.glob(f"{name}-reference-*.json"))):
            found = results.read(path)
            if found:
                yield target["name"], os.path.basename(path), found
    yield from _of_linux(folder)


def _of_linux(folder):
    """What 'ringside run' left in the folder `kernel`: devices of Linux's own, told by who implements them."""
    cells = os.path.join(glob.escape(folder), "kernel/**/conform.json")
    for i, path in enumerate(sorted(glob.glob(cells, recursive=True))):
        found = results.read(path)
        if found:
            target = found["target"]
            target["name"] = f"{target['name'].rsplit(', ', 1)[-1]}, {target['transport']} of Linux"
            yield target["name"], f"linux-{i}.json", found


def write(folder, page, ringside):
    """NoRun when there is none in `folder`."""
    run = results.read(os.path.join(folder, "zoo.json"))
    if not run or not run["schema"].startswith("ringside.zoo/"):
        raise NoRun(f"{folder}: there is no run of 'ringside zoo' in it")
    date = datetime.date.fromisoformat(run["created"][:10])
    day = f"{date}T00:00:00Z"
    run["targets"].sort(key=lambda t: t["name"])
    os.makedirs(page, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ringside-page-") as clean:
        for name, file, found in _of(run, folder):
            results.write(os.path.join(clean, file), _clean(found, day, _anonymous(name)))
        merged = json.loads(_ringside(ringside, "merge", clean))
        merged["created"] = day
        results.write(os.path.join(clean, "result"), merged)
        matrix = _ringside(ringside, "show", "--matrix", os.path.join(clean, "result"))
    head, clauses = matrix.split("## Clauses\n", 1)
    lines = [f"# Implementations and clauses, {date.day} {date:%B %Y}", "", head.rstrip("\n"), "", *_measured(run),
             *_left_out(run, _anonymous("")), "## Clauses", clauses]
    with open(os.path.join(page, "matrix.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    with open(os.path.join(page, "result.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps(merged, ensure_ascii=False, separators=(",", ":")) + "\n")
