# SPDX-License-Identifier: BSD-3-Clause
"""Results over time, in a folder that only grows: easy to keep as an artifact or in a branch.

    FOLDER/YYYY-MM/STAMP-DIGEST.json     ringside.entry/1: one point in time, all its figures

An entry is named after its content, so that adding it twice changes nothing and two branches that both
added some can be merged by anything that merges files.
"""
import hashlib
import json
import os
import statistics

from ringside_report.load import BadResult, validate
from ringside_results import cli, series


def _verdicts(result):
    return {f"verdicts.{name}": n for name, n in result.data["summary"].items()}


def figures(results):
    """{title of a series: {metric: value}}; the median of repeated measurements."""
    found = {}
    for r in results:
        values = _verdicts(r) if r.kind == "conform" else \
            {m.name: v for m, v in series.values(r)}
        into = found.setdefault(series.title(series.key(r)), {})
        for name, value in values.items():
            into.setdefault(name, []).append(value)
    return {title: {name: statistics.median(v) for name, v in values.items()}
            for title, values in found.items() if values}


class Store:
    def __init__(self, folder):
        self.folder = folder

    def add(self, results, created, revision, host):
        """Append an entry; its path. The same content is there once."""
        document = {"schema": "ringside.entry/1", "created": created, "revision": revision,
                    "host": host, "figures": figures(results)}
        if not document["figures"]:
            raise BadResult("nothing in these results is kept over time: no verdicts, no figures")
        text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        stamp = created.replace(":", "").replace("-", "")
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = os.path.join(self.folder, created[:7])
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as e:
            raise cli.Failed(cli.INTERNAL, f"cannot write '{folder}': {e.strerror}") from None
        path = os.path.join(folder, f"{stamp}-{digest}.json")
        if not os.path.exists(path):
            cli.write(path, text)
        return path

    def entries(self):
        """All entries, the oldest first."""
        if not os.path.isdir(self.folder):
            raise BadResult(f"'{self.folder}' is no store: 'ringside history --add' makes one")
        found = []
        for place, folders, files in os.walk(self.folder):
            folders.sort()
            for name in sorted(files):
                if name.endswith(".json"):
                    found.append(self._entry(os.path.join(place, name)))
        return sorted(found, key=lambda e: e["created"])

    @staticmethod
    def _entry(path):
        try:
            with open(path, encoding="utf-8") as f:
                data = json.load(f)
        except (OSError, ValueError) as e:
            raise BadResult(f"cannot read '{path}': {e}") from None
        return validate(path, data).data

    def series(self, metric):
        """{title: [(created, revision, value), …]} of a metric."""
        found = {}
        for e in self.entries():
            for title, values in e["figures"].items():
                if metric in values:
                    found.setdefault(title, []).append((e["created"], e["revision"],
                                                        values[metric]))
        return found

    def metrics(self):
        return sorted({m for e in self.entries() for v in e["figures"].values() for m in v})
