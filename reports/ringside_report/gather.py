# SPDX-License-Identifier: BSD-3-Clause
"""Finds results: in files, in the folder of a run, in sets, in folders of any of these."""
import os

from ringside_report.load import BadResult, load, validate

SET = "set"


def _of_set(found):
    """The results in a set, each checked like a file of its own."""
    results = []
    for i, entry in enumerate(found.data["results"]):
        where = f"{found.path}: results[{i}]"
        results.append(validate(where, entry["result"], name=entry["file"]))
    return results


def _of_file(path):
    found = load(path)
    return _of_set(found) if found.kind == SET else [found]


def _looks_like_result(path):
    """Is it worth telling that it is not one? Folders hold other JSON, too: manifests, judges' words."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            head = f.read(400)
    except OSError:
        return False
    return any(f'"ringside.{kind}/' in head
               for kind in ("conform", "bench", "exact", "prove", "trace", "ab", SET))


def _of_folder(folder):
    results = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            if name.endswith(".json") and _looks_like_result(path):
                results += _of_file(path)
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
        "results": [{"file": r.file, "result": r.data} for r in results],
    }

