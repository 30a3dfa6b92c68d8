#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What ci/demo prints at its end: one table of verdicts, one of latencies.

usage: demo_table.py FILE…   results of conform and bench, named BACKEND[.CASE].{conform,bench}.json
"""
import json
import os
import sys

VERDICTS = ("pass", "fail", "warn", "hazard", "info", "skip", "error")


def table(rows):
    """Lines of text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                      for i, (cell, w) in enumerate(zip(row, widths))) for row in rows]


def microseconds(ns):
    return "-" if ns is None else f"{ns / 1000:.1f}"


def conform_row(backend, result):
    return [backend, *(str(result["summary"].get(v, 0)) for v in VERDICTS)]


def bench_row(case, result):
    latency, floor = result["latency_ns"], result.get("floor") or {}
    ratio = floor.get("ratio")
    return [case, *(microseconds(latency.get(p)) for p in ("p50", "p90", "p99", "p999", "max")),
            f"{result['requests_per_s']:.0f}", "-" if ratio is None else f"{ratio:.1f}"]


def main(paths):
    conform = [["back-end", *VERDICTS]]
    bench = [["microseconds", "p50", "p90", "p99", "p99.9", "max", "requests/s", "x floor"]]
    for path in paths:
        case, kind, _ = os.path.basename(path).rsplit(".", 2)
        try:
            with open(path, encoding="utf-8") as f:
                result = json.load(f)
        except (OSError, ValueError):
            print(f"{case}: no {kind} result")
            continue
        if kind == "conform":
            conform.append(conform_row(case, result))
        else:
            bench.append(bench_row(case.replace(".", " "), result))
    for rows in (conform, bench):
        if len(rows) > 1:
            print("\n".join(table(rows)))
            print()


if __name__ == "__main__":
    main(sys.argv[1:])
