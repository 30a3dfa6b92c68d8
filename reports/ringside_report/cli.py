# SPDX-License-Identifier: BSD-3-Clause
"""The command line: arguments, exit statuses, errors of one line."""
import argparse
import os
import sys
import tempfile

from ringside_report import gather, page
from ringside_report.load import BadResult

OK, USAGE, INTERNAL = 0, 2, 4

EPILOG = """\
RESULT is what 'ringside conform', 'bench', 'trace' or 'prove' wrote with --format json, a set
that 'ringside merge' made of them, or a folder, in any number and order. Conformance results
become columns of a matrix; bench results of the same load are drawn over each other.

Exit status: 0, 2 usage or a file that is not a result, 4 the page could not be written.
"""


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, as the other commands have them."""

    def error(self, message):
        self.exit(USAGE, f"ringside: report: {message}: 'ringside report --help' tells\n")


def parse(argv):
    p = Parser(prog="ringside report", epilog=EPILOG, allow_abbrev=False,
               formatter_class=argparse.RawDescriptionHelpFormatter,
               description="Render results as one self-contained HTML page, DIR/index.html.")
    p.add_argument("results", metavar="RESULT", nargs="*")
    p.add_argument("-o", "--output", metavar="DIR",
                   help="folder for the page; made when it is not there")
    p.add_argument("--title", default="Ringside report", help="what the page is called")
    options = p.parse_args(argv)
    # Not left to argparse, which would say this before it says which option is unknown.
    if not options.results:
        p.error("which results? no RESULT is given")
    if not options.output:
        p.error("where to? -o DIR is missing")
    return options


def fail(status, message):
    text = " ".join(str(message).split())
    print(f"ringside: report: {text}", file=sys.stderr)
    return status


def write(folder, html):
    """Whole or not at all: an interrupted run leaves the page that was there."""
    os.makedirs(folder, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=folder, prefix=".index-", suffix=".html")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(html)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, os.path.join(folder, "index.html"))
    except BaseException:
        os.unlink(name)
        raise


def main(argv):
    options = parse(argv)
    try:
        results = gather.gather(options.results)
    except BadResult as e:
        return fail(USAGE, e)
    html = page.render(results, options.title)
    try:
        write(options.output, html)
    except OSError as e:
        return fail(INTERNAL, f"cannot write '{options.output}': {e.strerror or e}")
    return OK
