# SPDX-License-Identifier: BSD-3-Clause
"""ringside gate: what gates, what stays quiet, and how it is written down.

clause-ids: made up
"""
import copy
import json
import xml.etree.ElementTree as ET

import pytest
from report_samples import bench, conform, exact

UNEXPECTED, USAGE = 1, 2


@pytest.fixture
def gate(ringside, tmp_path):
    """gate(baseline, candidate, *options): results as documents, or lists of them."""
    def run(baseline, candidate, *options, status=(0,)):
        argv = []
        for side, documents in (("baseline", baseline), ("candidate", candidate)):
            for i, d in enumerate(documents if isinstance(documents, list) else [documents]):
                path = tmp_path / f"{side}{i}.json"
                path.write_text(json.dumps(d))
                argv += [f"--{side}", path]
        return ringside("gate", *argv, *options, status=status)
    return run


def test_nothing_changed(gate):
    assert gate([conform("x"), bench("x"), exact()],
                [conform("x"), bench("x"), exact()]).stdout == "gate passed: nothing is worse\n"


def test_a_new_fail_gates_and_says_why(gate, tmp_path):
    bad = conform("x", {"blk.rw.sizes": ("fail", "the status byte was 1")})
    summary, junit, sarif = (tmp_path / n for n in ("s.md", "j.xml", "s.sarif"))
    done = gate(conform("x"), bad, "--markdown", summary, "--junit", junit, "--sarif", sarif,
                status=(UNEXPECTED,))
    assert "blk.rw.sizes" in done.stdout and "fail, was pass" in done.stdout
    assert done.stdout.splitlines()[-1] == "gate failed: 1 new deviation"
    text = summary.read_text()
    assert text.startswith("## Ringside gate: failed\n\n**1 new deviation**")
    assert "`v14.blk.op.dev.2`" in text and "the status byte was 1" in text
    assert "ringside explain v14.blk.op.dev.2" in text
    failures = ET.parse(junit).getroot().findall(".//failure")
    assert [f.get("message") for f in failures] == ["fail, was pass"]
    run, = json.loads(sarif.read_text())["runs"]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [("v14.blk.op.dev.2", "error")]
    assert {r["id"] for r in run["tool"]["driver"]["rules"]} == {"v14.blk.op.dev.2"}


def test_a_known_deviation_stays_quiet(gate, tmp_path):
    known = conform("x", {"blk.rw.sizes": ("fail", "r", {
        "expected": "fail", "expected_because": "reported", "unexpected": False})})
    done = gate(conform("x"), known, "--markdown", tmp_path / "s.md")
    assert done.stdout == "gate passed: nothing is worse\n"
    assert "1 known deviation quiet" in (tmp_path / "s.md").read_text()


def test_a_fixed_deviation_is_told(gate):
    done = gate(conform("x", {"blk.rw.sizes": ("fail", "r")}), conform("x"))
    assert "pass, was fail" in done.stdout
    assert done.stdout.splitlines()[-1] == "gate passed: 1 better"


def test_what_failed_before_gates_no_more(gate):
    both = conform("x", {"blk.rw.sizes": ("fail", "r")})
    gate(both, copy.deepcopy(both))


@pytest.mark.parametrize("verdict,gates", [("error", True), ("warn", False), ("hazard", False),
                                           ("info", False), ("skip", True)])
def test_which_verdicts_gate(gate, verdict, gates):
    gate(conform("x"), conform("x", {"blk.rw.sizes": (verdict, "r")}),
         status=(UNEXPECTED if gates else 0,))


def test_a_policy_decides_which_verdicts_gate(gate, tmp_path):
    policy = tmp_path / "p.yaml"
    policy.write_text("verdicts: {gate: [warn], lost: report}\n")
    gate(conform("x"), conform("x", {"blk.rw.sizes": ("warn", "r")}), "--policy", policy,
         status=(UNEXPECTED,))
    gate(conform("x"), conform("x", {"blk.rw.sizes": ("skip", "r")}), "--policy", policy)


def test_a_check_that_is_gone_gates(gate):
    short = conform("x")
    short["checks"] = short["checks"][1:]
    done = gate(conform("x"), short, status=(UNEXPECTED,))
    assert "split.used-len.in" in done.stdout and "not run, was pass" in done.stdout


def test_a_target_that_is_gone_gates(gate):
    done = gate([conform("x"), conform("y")], conform("x"), status=(UNEXPECTED,))
    assert "not run any more" in done.stdout


def test_a_target_that_died_gates(gate):
    died = conform("x")
    died["died"] = "the target was ended by SIGSEGV during blk.rw.sizes"
    assert "died" in gate(conform("x"), died, status=(UNEXPECTED,)).stdout


def test_a_failure_of_a_check_that_is_new_gates(gate):
    new = conform("x", {"blk.rw.sizes": ("fail", "r")})
    old = conform("x")
    old["checks"] = [c for c in old["checks"] if c["id"] != "blk.rw.sizes"]
    gate(old, new, status=(UNEXPECTED,))


def test_without_a_baseline_what_is_not_expected_gates(gate):
    gate([], conform("x"))
    gate([], conform("x", {"blk.rw.sizes": ("fail", "r")}), status=(UNEXPECTED,))
    gate([], conform("x", {"blk.rw.sizes": ("fail", "r", {"expected": "fail", "unexpected": False})}))


def test_of_repeated_runs_the_worst_verdict_counts(gate):
    bad = conform("x", {"blk.rw.sizes": ("fail", "r")})
    gate(conform("x"), [bad, conform("x")], status=(UNEXPECTED,))
    gate(conform("x"), [conform("x"), bad], status=(UNEXPECTED,))


def test_exact_counts_gate_on_a_single_instruction(gate, tmp_path):
    summary = tmp_path / "s.md"
    done = gate(exact(), exact(10001, 4001), "--markdown", summary, status=(UNEXPECTED,))
    assert "0.01 % more" in done.stdout
    assert done.stdout.splitlines()[-1] == "gate failed: 1 cost regression"
    assert "stage serve: \\+1 of \\+1" in summary.read_text()


def test_fewer_instructions_are_better(gate):
    done = gate(exact(), exact(9700, 3700))
    assert "3 % fewer" in done.stdout
    assert done.stdout.splitlines()[-1] == "gate passed: 1 better"


def test_an_allowance_of_the_policy(gate, tmp_path):
    policy = tmp_path / "p.yaml"
    policy.write_text("exact: {instructions: 1%, exits: 2}\n")
    gate(exact(), exact(10100, exits=202), "--policy", policy)
    gate(exact(), exact(10101), "--policy", policy, status=(UNEXPECTED,))
    gate(exact(), exact(exits=203), "--policy", policy, status=(UNEXPECTED,))


def test_a_count_that_does_not_repeat_is_an_error_of_the_run(gate):
    assert "does not repeat" in gate(exact(), exact(identical=False), status=(UNEXPECTED,)).stdout
    done = gate(exact(), [exact(), exact(10002)], status=(UNEXPECTED,))
    assert "does not repeat in the candidate" in done.stdout


def test_a_cost_that_is_not_measured_any_more_gates(gate):
    gate([exact(), exact(name="other")], exact(), status=(UNEXPECTED,))


def test_an_ignored_series_is_told_and_does_not_gate(gate, tmp_path):
    policy = tmp_path / "p.yaml"
    policy.write_text("ignore: ['blk, kvm*']\n")
    assert "3 % more" in gate(exact(), exact(10300), "--policy", policy).stdout


def test_times_of_single_runs_never_gate(gate):
    done = gate(bench("x"), bench("x", median=9000))
    assert "slower" in done.stdout and "fewer" in done.stdout
    assert done.stdout.splitlines()[-1] == "gate passed: nothing is worse"


def test_requests_that_fail_gate(gate):
    bad = bench("x")
    bad["errors"] = 1
    gate(bench("x"), bad, status=(UNEXPECTED,))


def test_nothing_a_target_says_is_markup(gate, tmp_path):
    evil = conform("x", {"blk.rw.sizes": ("fail", "<img src=x> [a](b) | `c`\n```\n## d")})
    gate(conform("x"), evil, "--markdown", tmp_path / "s.md", status=(UNEXPECTED,))
    text = (tmp_path / "s.md").read_text()
    shown = text.split("<details>")[0]
    assert "\\<img" in shown and "<img" not in shown.replace("\\<", "")
    assert "[a](b)" not in shown and "\n## d" not in shown


def test_a_set_is_as_good_as_its_files(gate, ringside, tmp_path):
    for name, d in (("a", conform("x")), ("b", exact())):
        (tmp_path / f"{name}.json").write_text(json.dumps(d))
    ringside("merge", tmp_path / "a.json", tmp_path / "b.json", "-o", tmp_path / "set.json")
    joined = json.loads((tmp_path / "set.json").read_text())
    assert [r["result"]["schema"] for r in joined["results"]] == ["ringside.conform/1", "ringside.exact/1"]
    done = gate(joined, [conform("x"), exact(10300)], status=(UNEXPECTED,))
    assert "3 % more" in done.stdout


@pytest.mark.parametrize("text,complaint", [
    ("verdicts: {gate: [pass]}", "$.verdicts.gate[0]"), ("nonsense: 1", "nonsense"),
    ("exact: {'*': -1}", "-1"), ("- [", "is not YAML")])
def test_a_policy_that_is_none(gate, tmp_path, text, complaint):
    policy = tmp_path / "p.yaml"
    policy.write_text(text)
    done = gate(exact(), exact(), "--policy", policy, status=(USAGE,))
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("argv,complaint", [
    ((), "what is to be compared"), (("--baseline", "x"), "no --candidate"),
    (("--baseline", "/nowhere.json", "--candidate", "/nowhere.json"), "cannot read")])
def test_usage(ringside, argv, complaint):
    done = ringside("gate", *argv, status=(USAGE,))
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_an_output_that_cannot_be_written(gate):
    done = gate(exact(), exact(), "--junit", "/proc/nowhere.xml", status=(4,))
    assert "/proc/nowhere.xml" in done.stderr
