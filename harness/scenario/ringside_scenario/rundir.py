# SPDX-License-Identifier: BSD-3-Clause
"""The folder of a run: what was asked, where it ran, and a folder per cell.

    run.json              ringside.run/1: command, host, software, cells with their outcomes
    cells/SCENARIO/CELL/  cell.json, results, logs
    junit.xml, report/index.html
"""
import datetime
import os

from ringside_scenario import host, results

SCHEMA = "ringside.run/1"


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def default_name():
    return os.path.join("out", datetime.datetime.now().strftime("run-%Y%m%d-%H%M%S"))


class RunDir:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.cells = os.path.join(self.path, "cells")
        self.manifest = os.path.join(self.path, "run.json")

    def create(self, asked, ringside, source):
        """Make it and say what the run is; OSError when that does not work."""
        os.makedirs(self.cells, exist_ok=True)
        document = {
            "schema": SCHEMA,
            "created": now(),
            "asked": asked,
            "host": host.fingerprint(),
            "software": host.software(ringside, source),
            "cells": [],
        }
        results.write(self.manifest, document)
        return document

    def load(self):
        """The manifest of an earlier run, or None."""
        document = results.read(self.manifest)
        return document if document and document["schema"] == SCHEMA else None

    def conclude(self, document, nodes):
        """Take the outcomes of all cells into the manifest: {folder: node id} in their order."""
        document["cells"] = [c for c in (self.outcome(f) for f in nodes) if c]
        document["ended"] = now()
        results.write(self.manifest, document)

    def folder(self, cell):
        return os.path.join(self.cells, cell.folder)

    def outcome(self, folder):
        """What is known of a cell: the content of its cell.json, or None."""
        try:
            return results.read(os.path.join(self.cells, folder, "cell.json"))
        except OSError:
            return None

    def result_files(self, folder):
        found = self.outcome(folder) or {}
        return [os.path.join(self.cells, folder, name) for name in found.get("results", [])]
