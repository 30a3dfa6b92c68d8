# SPDX-License-Identifier: BSD-3-Clause
"""What clauses and checks mean, from the ringside beside this program.

A result names clauses by their ids only. Where there is no ringside to ask, or it does not know an
id, the report shows the id alone.
"""
import concurrent.futures
import json
import os
import subprocess
import sys

DEADLINE = 20  # seconds, for one question


def find_ringside():
    """bin/ringside of the tree or the installation that this program belongs to; None without."""
    named = os.environ.get("RINGSIDE")
    if named:
        return named if os.access(named, os.X_OK) else None
    # argv[0] is the link in the build tree, or the installed file.
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    path = os.path.normpath(os.path.join(folder, "../../bin/ringside"))
    return path if os.access(path, os.X_OK) else None


def _ask(ringside, *arguments):
    """What ringside prints as JSON, or None."""
    try:
        done = subprocess.run([ringside, *arguments, "--format", "json"], timeout=DEADLINE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


class Catalogue:
    """Clauses by id, and checks by id as far as they were asked for."""

    def __init__(self):
        self.ringside = find_ringside()
        self.clauses = {}
        self.checks = {}
        if self.ringside:
            listed = _ask(self.ringside, "clauses") or {}
            self.clauses = {c["id"]: c for c in listed.get("clauses", [])}

    def clause(self, name):
        """{id, level, section, number, summary, …}; {id} alone for one it does not know."""
        return self.clauses.get(name, {"id": name})

    def learn_checks(self, ids):
        """Ask for stimulus and oracle of checks whose results did not carry them."""
        # An id from a result becomes an argument: it must not look like an option.
        wanted = [i for i in ids if i not in self.checks and not i.startswith("-")]
        if not self.ringside or not wanted:
            return
        # One that it does not know says that it is another version: do not ask on.
        if not self._learn(wanted[0]):
            return
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self._learn, wanted[1:]))

    def _learn(self, name):
        for check in (_ask(self.ringside, "explain", name) or {}).get("checks") or []:
            if check.get("id") == name:
                self.checks[name] = check
                return True
        return False

    def coverage(self, proof_path):
        """{testable, covered, sections: […]} with a proof, or None."""
        if not self.ringside:
            return None
        return _ask(self.ringside, "clauses", "--coverage", "--proof", proof_path)
