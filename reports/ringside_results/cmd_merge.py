# SPDX-License-Identifier: BSD-3-Clause
"""ringside merge: results of several runs or shards as one."""
import datetime
import json

from ringside_report import gather
from ringside_results import cli
from ringside_results.ringside import version

EPILOG = """\
RESULT is a file that ringside wrote, a set, or a folder of them (that of a 'ringside run', say).
Whatever reads results reads sets: report, show, gate, history.

Exit status: 0, 2 usage or a file that is not a result, 4 the set could not be written.
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(argv):
    p = cli.Parser("merge", "Join results into one file.", EPILOG)
    p.add_argument("results", metavar="RESULT", nargs="*")
    p.add_argument("-o", "--output", metavar="FILE", help="where to (standard output)")
    options = p.parse_args(argv)
    if not options.results:
        p.error("which results? no RESULT is given")
    return options


def main(argv):
    options = parse(argv)
    document = gather.as_set(gather.gather(options.results), version(), now())
    cli.write(options.output, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return cli.OK
