# SPDX-License-Identifier: BSD-3-Clause
"""Where a series of figures changes its level.

Binary segmentation over ranks: the split that separates what is before from what is after best (Mann-Whitney,
scaled), accepted when tossed orders of the same figures seldom separate as well. Ranks make one wild figure
no level, and counts that step by one a clear one.
"""
import numpy

from ringside_results.stats import ranks

LEAST = 4  # figures on each side of a change
ALPHA = .01
DRAWS = 1000


def _best(ranked):
    """(how well, where) of the best split of rows of ranks."""
    n = ranked.shape[-1]
    at = numpy.arange(LEAST, n - LEAST + 1)
    before = numpy.cumsum(ranked, axis=-1)[..., at - 1]
    scale = numpy.sqrt(at * (n - at) * (n + 1) / 12)
    apart = numpy.abs(before - at * (n + 1) / 2) / scale
    best = numpy.argmax(apart, axis=-1)
    return numpy.take_along_axis(apart, best[..., None], -1)[..., 0], at[best]


def change_points(values, seed=1):
    """Indices at which a new level begins."""
    values = numpy.asarray(values, float)
    draw = numpy.random.default_rng(seed)
    found, todo = [], [(0, len(values))]
    while todo:
        low, high = todo.pop()
        part = values[low:high]
        if len(part) < 2 * LEAST or part.min() == part.max():
            continue
        ranked = ranks(part)
        how, where = _best(ranked)
        tossed, _ = _best(draw.permuted(numpy.tile(ranked, (DRAWS, 1)), axis=1))
        if (1 + numpy.sum(tossed >= how - 1e-9)) / (DRAWS + 1) > ALPHA:
            continue
        found.append(low + int(where))
        todo += [(low, low + int(where)), (low + int(where), high)]
    return sorted(found)
