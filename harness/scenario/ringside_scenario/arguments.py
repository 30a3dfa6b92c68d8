# SPDX-License-Identifier: BSD-3-Clause
"""The command lines of the commands in this package."""
import argparse

USAGE = 2


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, as the other commands have them. `prog` is "ringside COMMAND"."""

    def __init__(self, **kwargs):
        super().__init__(**{"allow_abbrev": False, **kwargs,
                            "formatter_class": argparse.RawDescriptionHelpFormatter})

    def error(self, message):
        command = self.prog.split()[1]
        self.exit(USAGE, f"ringside: {command}: {message}: 'ringside {command} --help' tells\n")
