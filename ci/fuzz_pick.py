#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""ci/fuzz_pick.py CONTROL MAX: the inputs that are worth keeping, at most MAX, one per line.

CONTROL is what libFuzzer's -set_cover_merge leaves in -merge_control_file: which features each
input reaches. Whichever adds most goes first, the smaller of two; what adds nothing stays away.
"""
import os
import sys


def read(path):
    """{input: features} of a control file."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    count = int(lines[0])
    names = lines[2:2 + count]
    features = {}
    for line in lines[2 + count:]:
        kind, number, *rest = line.split()
        if kind == "FT":
            features[names[int(number)]] = set(map(int, rest))
    return features


def pick(features, most):
    """Greedy, which for this is as good as it gets in practice."""
    covered, picked = set(), []
    left = sorted(features, key=os.path.getsize)
    while left and len(picked) < most:
        best = max(left, key=lambda name: len(features[name] - covered))
        if not features[best] - covered:
            break
        covered |= features[best]
        picked.append(best)
        left.remove(best)
    return picked


def main():
    print("\n".join(pick(read(sys.argv[1]), int(sys.argv[2]))))


if __name__ == "__main__":
    main()
