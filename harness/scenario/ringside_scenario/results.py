# SPDX-License-Identifier: BSD-3-Clause
"""Result files: read, summed up in a few words, and what of them matters."""
import fnmatch
import json
import os

FINDINGS = ("fail", "error", "warn", "hazard", "info")


def read(path):
    """The document, or None when there is none or it is not whole."""
    try:
        with open(path, encoding="utf-8") as f:
            found = json.load(f)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "schema" in found else None


def write(path, document):
    """Whole or not at all."""
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8") as f:
            json.dump(document, f, indent=1, ensure_ascii=False)
            f.write("\n")
        os.replace(part, path)
    except OSError:
        try:
            os.unlink(part)
        except OSError:
            pass
        raise


def join_expectations(files, folder):
    """One expectation file of several; the first line that matches counts."""
    if len(files) == 1:
        return files[0]
    path = os.path.join(folder, "expect")
    with open(path, "w", encoding="utf-8") as out:
        for name in files:
            with open(name, encoding="utf-8") as f:
                out.write(f"# {os.path.basename(name)}\n{f.read()}\n")
    return path


def _expectations(files):
    """[(glob, verdict, reason)] of expectation files."""
    found = []
    for name in files:
        with open(name, encoding="utf-8") as f:
            for line in f:
                words = line.split(None, 2)
                if len(words) == 3 and not line.startswith("#"):
                    found.append((words[0], words[1], words[2].strip()))
    return found


def expect(found, files):
    """Mark what expectation files know in a result that ringside did not write itself."""
    known = _expectations(files)
    found["unexpected"] = found["fixed"] = 0
    for check in found["checks"]:
        verdict, because = "pass", None
        for glob, wanted, reason in known:
            if fnmatch.fnmatchcase(check["id"], glob):
                verdict, because = wanted, reason
                break
        accused = check["verdict"] not in ("pass", "skip", "info")
        check["expected"] = verdict
        check["unexpected"] = accused and check["verdict"] != verdict
        check["fixed"] = check["verdict"] == "pass" and verdict != "pass"
        if because:
            check["expected_because"] = because
        found["unexpected"] += check["unexpected"]
        found["fixed"] += check["fixed"]


def _ns(value):
    for limit, scale, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
        if value < limit:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e9:.3g} s"


def summarise(found):
    """A result in a few words."""
    if not found:
        return ""
    if found["schema"].startswith("ringside.conform/"):
        parts = [f"{n} {v}" for v, n in found["summary"].items() if n and v != "skip"]
        if found.get("unexpected"):
            parts.append(f"{found['unexpected']} unexpected")
        return ", ".join(parts)
    if found["schema"].startswith("ringside.bench/"):
        latency = found["latency_ns"]
        text = f"p50 {_ns(latency['p50'])}, p99 {_ns(latency['p99'])}"
        return text + f", {found['requests_per_s']:.0f}/s"
    if found["schema"].startswith("ringside.exact/"):
        parts = [f"{s['stage']} {s['instructions']['median']}" for s in found["stages"]]
        return f"{found['instructions']['median']} instructions" + (
            f": {', '.join(parts)}" if parts else "")
    return ""


def first_finding(found):
    """The first unexpected verdict, in one line."""
    unexpected = [c for c in found.get("checks", []) if c.get("unexpected")]
    for c in unexpected:
        more = f" (and {len(unexpected) - 1} more)" if len(unexpected) > 1 else ""
        return f"{c['id']}: {c['verdict']}: {c.get('reason', '')}{more}"
    return "a verdict was not as expected"
