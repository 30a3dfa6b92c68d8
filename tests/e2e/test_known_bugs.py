# SPDX-License-Identifier: BSD-3-Clause
"""Bugs that others had: known-bugs.tsv says which checks ask for what each of them broke, or why none does. That is
told from what a check sends and looks at; the programs with the bugs in them were not run."""
import csv
import fnmatch
import pathlib

TABLE = pathlib.Path(__file__).with_name("known-bugs.tsv")


def rows():
    with open(TABLE, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_each_check_that_is_named_exists(ringside):
    checks = {line.split()[0] for line in ringside("conform", "--list").stdout.splitlines() if line.strip()}
    named = {(row["n"], name) for row in rows() for name in row["checks"].split()}
    assert named
    assert not [f"{n}: {name}" for n, name in sorted(named) if not fnmatch.filter(checks, name)]


def test_each_bug_has_a_check_or_a_reason():
    table = rows()
    assert len({row["n"] for row in table}) == len(table)
    assert not [row["n"] for row in table if bool(row["checks"]) == bool(row["why none"])]
    assert all(row["project"] and row["reference"] and row["defect"] for row in table)
