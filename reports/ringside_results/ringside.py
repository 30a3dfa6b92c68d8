# SPDX-License-Identifier: BSD-3-Clause
"""The ringside that these commands belong to."""
import functools
import subprocess

from ringside_report.clauses import find_ringside
from ringside_results.cli import INTERNAL, Failed


def program():
    """Its path."""
    found = find_ringside()
    if not found:
        raise Failed(INTERNAL, "the ringside that this belongs to is not there: set RINGSIDE to its "
                               "path")
    return found


@functools.lru_cache(maxsize=None)
def version():
    """Its version; '' when there is none to ask."""
    try:
        said = subprocess.run([program(), "--version"], stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError, Failed):
        return ""
    return said.split()[-1] if said.split() else ""
