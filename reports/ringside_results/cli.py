# SPDX-License-Identifier: BSD-3-Clause
"""What the commands have in common: options, errors of one line, output that is whole or not there."""
import argparse
import importlib
import os
import sys
import tempfile

from ringside_report.load import BadResult

OK, UNEXPECTED, USAGE, TARGET, INTERNAL = 0, 1, 2, 3, 4


class Failed(Exception):
    """The command cannot go on: exit status, and a line that says why and what to do."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, as the other commands have them."""

    def __init__(self, command, description, epilog):
        self.command = command
        super().__init__(prog=f"ringside {command}", description=description, epilog=epilog,
                         allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        self.exit(USAGE, f"ringside: {self.command}: {message}: "
                         f"'ringside {self.command} --help' tells\n")


def write(path, text):
    """To a file, whole or not at all; to standard output when the path is None or '-'."""
    try:
        if path in (None, "-"):
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        folder = os.path.dirname(os.path.abspath(path))
        fd, part = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)[:40]}-")
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as f:
                f.write(text)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(part, 0o666 & ~umask)
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as e:
        raise Failed(INTERNAL, f"cannot write '{path or 'standard output'}': "
                               f"{e.strerror or e}") from None


def main(command, argv):
    """Run one command; its exit status."""
    try:
        return importlib.import_module(f"ringside_results.cmd_{command}").main(argv)
    except Failed as e:
        status, message = e.status, e
    except BadResult as e:
        status, message = USAGE, e
    except KeyboardInterrupt:
        return 130
    print(f"ringside: {command}: {' '.join(str(message).split())}", file=sys.stderr)
    return status
