# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of paired comparisons.

In each round both sides are measured, one right after the other, in an order drawn by chance; what
counts is the logarithm of their ratio. If there is no difference, its sign is as good as tossed: that, and
nothing about how the machine's noise is distributed, is what the permutation test rests on.

How many rounds are needed is found from rounds of the baseline against itself, which the test does not use.
"""
import math
import statistics

import numpy

SAFETY = 1.5  # on a number of rounds: the noise is known from a few rounds only
STEPS = 50  # that the size of a difference is told in


def ranks(values):
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, place, count = numpy.unique(values, return_inverse=True, return_counts=True)
    return (numpy.cumsum(count) - (count - 1) / 2)[place]


def logs(rounds, metric):
    """log(b / a) of each round that has both."""
    return [math.log(r["b"][metric] / r["a"][metric]) for r in rounds
            if r["a"].get(metric) and r["b"].get(metric)]


def _quantile(p):
    return statistics.NormalDist().inv_cdf(p)


def _weights(differences):
    """How much each round counts, in whole steps: its size, but none more than one deviation. A round
    that went wild is one more, not all that counts."""
    size = numpy.abs(differences)
    limit = noise(differences) or size.max(initial=0)
    return numpy.rint(numpy.minimum(size, limit) / (limit or 1) * STEPS).astype(int)


def permutation_p(differences):
    """Two-sided p-value of the sum under tossed signs: the share of all 2^n assignments that are as far out.

    They are counted, not drawn: how many there are for each sum follows from one round after the other.
    """
    differences = numpy.asarray(differences, float)
    size = _weights(differences)
    seen = abs(int((size * numpy.sign(differences)).sum()))
    total = int(size.sum())
    if total == 0:
        return 1.0
    # share[t]: of the assignments, those whose positive rounds add up to t.
    share = numpy.zeros(total + 1)
    share[0] = 1
    for step in size[size > 0]:
        share[step:] = (share[step:] + share[:-step]) / 2
        share[:step] /= 2
    sums = numpy.abs(2 * numpy.arange(total + 1) - total)
    return float(min(1.0, share[sums >= seen].sum()))


def effect(differences):
    """Hodges-Lehmann estimate of the shift: the median of all means of two."""
    d = numpy.asarray(differences, float)
    first, second = numpy.triu_indices(len(d))
    return float(numpy.median((d[first] + d[second]) / 2))


def noise(differences):
    """Standard deviation of one round around 0; robust against a few wild ones."""
    return float(numpy.median(numpy.abs(differences)) * 1.4826) if len(differences) else 0.0


def rounds_needed(differences, smallest, level, power):
    """Rounds in which a shift of `smallest` is found with that power, by the noise of those made so far.

    A shift moves the rounds that are not cut off; what hides it is the spread of all.
    """
    size = numpy.abs(differences)
    limit = noise(differences)
    if limit <= 0:
        return 1  # there is none
    spread = math.sqrt(numpy.mean(numpy.minimum(size, limit) ** 2))
    moved = smallest * float(numpy.mean(size < limit))
    z = _quantile(1 - level / 2) + _quantile(power)
    return math.ceil(SAFETY * (z * spread / moved) ** 2)


def floor(differences, level):
    """The noise floor: the smallest shift that would have been significant in these rounds."""
    if not len(differences):
        return math.inf
    spread = noise(numpy.asarray(differences) - effect(differences))
    return float(_quantile(1 - level / 2) * spread / math.sqrt(len(differences)))


def batch_level(alpha):
    """The level of each of two batches that must agree: that both are below it in the same direction by
    chance happens with half its square."""
    return math.sqrt(2 * alpha)


def smallest_rounds(alpha):
    """Fewer rounds cannot give a p-value of alpha, even if all differ in the same direction."""
    return math.ceil(1 - math.log2(alpha))
