# SPDX-License-Identifier: BSD-3-Clause
"""Finds results: in files, in the folder of a run, in sets, in folders of any of these."""
import os

from ringside_report.load import BadResult, cell_axes, load, validate

SET = "set"
KINDS = ("conform", "bench", "exact", "prove", "trace", "ab", "gate", "entry", "outliers", SET)


def _of_set(found):
    """The results in a set, each checked like a file of its own."""
    results = []
    for i, entry in enumerate(found.data["results"]):
        where = f"{found.path}: results[{i}]"
        results.append(validate(where, entry["result"], name=entry["file"],
                                axes=entry.get("axes")))
    return results


def _of_file(path):
    found = load(path)
    return _of_set(found) if found.kind == SET else [found]


def _looks_like_result(path):
    """Is it worth telling that it is not one? Folders hold other JSON, too: manifests, judges' words. Its schema is
    at the beginning, or at the end where members are sorted."""
    try:
        with open(path, "rb") as f:
            head = f.read(400)
            f.seek(max(f.seek(0, os.SEEK_END) - 400, 0))
            text = (head + b"\n" + f.read()).decode("utf-8", "replace")
    except OSError:
        return False
    return any(f'"ringside.{kind}/' in text for kind in KINDS)


def _of_folder(folder):
    results = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        axes = cell_axes(os.path.join(place, "cell.json")) if "cell.json" in files else None
        for name in sorted(files):
            path = os.path.join(place, name)
            if name.endswith(".json") and _looks_like_result(path):
                found = _of_file(path)
                for r in found:
                    r.axes = r.axes or axes or {}
                results += found
    return results


def gather(paths):
    """All results in files and folders, in that order; BadResult when one is none, or there are none at all.
    One folder among several may be empty: that of a shard that had nothing to do."""
    results = []
    for path in paths:
        results += _of_folder(path) if os.path.isdir(path) else _of_file(path)
    if paths and not results:
        raise BadResult(f"no result is in {', '.join(repr(str(p)) for p in paths)}")
    return results


def as_set(results, ringside, created):
    """The document of a set."""
    return {
        "schema": "ringside.set/1",
        "ringside": ringside,
        "created": created,
        "results": [{"file": r.file, **({"axes": r.axes} if r.axes else {}), "result": r.data}
                    for r in results],
    }
