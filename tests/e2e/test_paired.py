# SPDX-License-Identifier: BSD-3-Clause
"""Paired comparisons: how often they cry wolf, how much they find, and where figures change."""
import itertools
import json
import math
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reports"))
# pylint: disable=wrong-import-position
from ringside_results import changes, cmd_ab, findings, paired, policy, stats

ALPHA = .01


class Result:
    def __init__(self, cells):
        self.data = {"cells": cells}


def noise(toss):
    """Of a busy machine: a skewed bulk, and now and then a round that went wild."""
    value = toss.lognormvariate(0, .05)
    return value * toss.uniform(1.5, 20) if toss.random() < .03 else value


def cell(toss, shift=0.0, rounds=14, noisy=""):
    """What `ringside ab` would have measured; a drift of the machine hits both sides of a round."""
    batches = []
    for _ in range(2):
        made = []
        for _ in range(rounds):
            drift = 10000 * toss.uniform(.7, 1.6)
            a, b = drift * noise(toss), drift * noise(toss) * (1 + shift)
            made.append({"order": "ab", "a": {"p50": a}, "b": {"p50": b}})
        batches.append({"rounds": made})
    return {"name": "cell", "metrics": ["p50"], "noisy": noisy, "noise": batches[0],
            "batches": batches,
            "medians": {"a": {"p50": 10000}, "b": {"p50": 10000 * (1 + shift)}}}


def judge(made, rules=None):
    comparison = findings.Comparison()
    paired.compare(comparison, rules or policy.Policy(), Result([made]))
    return comparison


def test_a_thousand_comparisons_of_the_same_thing():
    """At most alpha of them may be alarms. That a batch alone is right at its rate is seen, too: a test
    that never accuses would pass otherwise."""
    toss = random.Random(1)
    alarms = single = 0
    for _ in range(1000):
        made = cell(toss)
        alarms += not judge(made).passed
        single += paired.Judged("p50", made, .05, 0).p[0] <= .05
    assert alarms <= ALPHA * 1000
    assert 25 <= single <= 80, single


def rounds_for(toss):
    """As many as `ringside ab` makes: the noise of the baseline against itself decides."""
    pilot = stats.logs(cell(toss, 0, cmd_ab.LEAST)["batches"][0]["rounds"], "p50")
    return max(cmd_ab.LEAST, stats.rounds_needed(pilot, math.log(1.1), stats.batch_level(ALPHA),
                                                 cmd_ab.POWER))


def test_ten_percent_is_found_nine_times_of_ten():
    toss = random.Random(2)
    assert sum(not judge(cell(toss, .10, rounds_for(toss))).passed for _ in range(200)) >= 180


def test_a_faster_one_is_no_alarm():
    comparison = judge(cell(random.Random(3), -.2, rounds=40))
    assert comparison.passed
    finding, = comparison.findings
    assert finding.kind == findings.BETTER and finding.change.endswith("% faster")


def test_what_is_small_does_not_gate_however_sure():
    made = cell(random.Random(4), .02, rounds=600)
    assert judge(made).passed
    assert not judge(made, policy.Policy({"paired": {"effect": "1%"}})).passed


def test_a_host_that_is_not_quiet_never_gates():
    comparison = judge(cell(random.Random(5), .3, 40, noisy="900 rounds would be needed"))
    assert comparison.passed
    assert "not quiet" in comparison.findings[0].because


def test_one_batch_is_not_enough():
    made = cell(random.Random(6), .3)
    del made["batches"][1]
    assert judge(made).passed


@pytest.mark.parametrize("n", [1, 6, 10, 30])
def test_p_values_are_those_of_the_test(n):
    """All rounds on one side: only two of 2^n assignments of signs are as far out."""
    p = stats.permutation_p([.01 + .0001 * i for i in range(n)])
    assert math.isclose(p, min(1, 2 / 2 ** n), rel_tol=1e-9)
    assert stats.permutation_p([]) == stats.permutation_p([0.0] * n) == 1.0


def test_p_values_count_assignments():
    d = [.3, -.1, .2, .2, -.05, .4, .1]
    size = stats._weights(d)  # pylint: disable=protected-access
    seen = abs(sum(w if x > 0 else -w for w, x in zip(size, d)))
    sums = [abs(sum(s * w for s, w in zip(signs, size)))
            for signs in itertools.product((1, -1), repeat=len(d))]
    assert math.isclose(stats.permutation_p(d), sum(s >= seen for s in sums) / len(sums))


def test_a_smaller_change_needs_more_rounds():
    d = [random.Random(7).gauss(0, .1) for _ in range(50)]
    assert stats.rounds_needed(d, .1, .01, .9) < stats.rounds_needed(d, .05, .01, .9)
    assert stats.rounds_needed([0.0] * 8, .1, .01, .9) == 1


def test_ranks():
    assert list(stats.ranks([3, 1, 2, 2])) == [4, 1, 2.5, 2.5]


def levels(*parts, seed=1, spread=.01):
    toss = random.Random(seed)
    return [level * toss.gauss(1, spread) for level, n in parts for _ in range(n)]


def test_change_points():
    assert changes.change_points(levels((100, 20), (110, 15))) == [20]
    assert changes.change_points(levels((100, 12), (110, 12), (90, 12))) == [12, 24]
    assert changes.change_points([5] * 10 + [6] * 10) == [10]
    assert changes.change_points([]) == changes.change_points([1, 2, 3]) == []


def test_one_wild_figure_is_no_change():
    values = levels((100, 40))
    values[20] = 1000
    assert changes.change_points(values) == []


def test_no_change_where_there_is_none():
    false = sum(bool(changes.change_points(levels((100, 30), seed=s))) for s in range(100))
    assert false <= 4


AB = """\
scenario: ab-test
summary: one read
matrix: {hypervisor: none, device: blk, backend: ringside-backend, wait: event}
jobs:
  - bench: {op: read, block-size: 4096, queue-depth: 1, requests: 200}
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "ab.yaml"
    path.write_text(AB)
    return path


def test_ab_measures_both_in_turns(ringside, backend_bin, scenario, tmp_path):
    out = tmp_path / "ab.json"
    command = f"{backend_bin} blk --socket-path {{socket}} --memory 64M"
    ringside("ab", "--a", command, "--b", f"{command} --num-queues 2", scenario, "--max-rounds", 3,
             "-o", out, status=(0, 1))
    measured, = json.loads(out.read_text())["cells"]
    rounds = measured["batches"][0]["rounds"]
    assert len(rounds) == 3 and "rounds would be needed" in measured["noisy"]
    assert all(r[side][m] > 0 for r in rounds for side in "ab" for m in ("p50", "requests_per_s"))
    done = ringside("gate", "--paired", out)
    assert done.stdout.splitlines()[-1].startswith("gate passed")


def test_ab_says_which_side_does_not_start(ringside, backend_bin, scenario):
    command = f"{backend_bin} blk --socket-path {{socket}} --memory 64M"
    done = ringside("ab", "--a", command, "--b", f"{command} --no-such-option", scenario,
                    status=(3, 4))
    assert "side b" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("argv,complaint", [
    ((), "which back-ends"), (("--a", "x {socket}", "--b", "y {socket}"), "which measurements"),
    (("--a", "x", "--b", "y {socket}", "s.yaml"), "--a has no {socket}"),
    (("--a", "x {socket}", "--b", "y {socket}", "/nowhere.yaml"), "/nowhere.yaml")])
def test_ab_usage(ringside, argv, complaint):
    done = ringside("ab", *argv, status=(2,))
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
