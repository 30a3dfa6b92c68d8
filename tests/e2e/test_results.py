# SPDX-License-Identifier: BSD-3-Clause
"""ringside merge, show and history.

clause-ids: made up
"""
import json
import os
import pty
import re
import subprocess

import pytest
from report_samples import bench, conform, entries, exact, gate, prove

USAGE = 2


@pytest.fixture
def files(tmp_path):
    """files(document, …): their paths."""
    def write(*documents):
        paths = []
        for i, d in enumerate(documents):
            path = tmp_path / f"r{i}.json"
            path.write_text(json.dumps(d))
            paths.append(path)
        return paths
    return write


def test_merge_takes_folders_and_sets_and_leaves_other_files(ringside, files, tmp_path):
    inside = tmp_path / "run" / "cells"
    inside.mkdir(parents=True)
    (inside / "conform.json").write_text(json.dumps(conform("x")))
    (inside / "cell.json").write_text('{"schema": "ringside.cell/1"}')
    (inside / "other.json").write_text("{}")
    joined = tmp_path / "set.json"
    ringside("merge", tmp_path / "run", *files(bench("x")), "-o", joined)
    again = json.loads(ringside("merge", joined).stdout)
    assert [(r["result"]["schema"], r["file"]) for r in again["results"]] == [
        ("ringside.conform/1", "conform.json"), ("ringside.bench/1", "r0.json")]


def test_a_report_of_a_set_is_that_of_its_files(ringside, files, tmp_path):
    one, two = files(conform("x"), bench("x"))
    ringside("merge", one, two, "-o", tmp_path / "set.json")
    ringside("report", one, two, "-o", tmp_path / "a")
    ringside("report", tmp_path / "set.json", "-o", tmp_path / "b")
    assert (tmp_path / "a/index.html").read_text() == (tmp_path / "b/index.html").read_text()


@pytest.mark.parametrize("content,complaint", [
    ("{", "is not JSON"), ('{"schema": "ringside.bench/1"}', "does not follow"),
    ('{"schema": "ringside.set/1", "ringside": "", "created": "2026-01-01T00:00:00Z", '
     '"results": [{"file": "x", "result": {"schema": "ringside.bench/1"}}]}', "results[0]")])
def test_a_file_that_is_no_result(ringside, tmp_path, content, complaint):
    path = tmp_path / "x.json"
    path.write_text(content)
    for command in ("merge", "show"):
        done = ringside(command, path, status=(USAGE,))
        assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_an_empty_folder(ringside, tmp_path):
    assert "no result is in" in ringside("show", tmp_path, status=(USAGE,)).stderr


def test_show_has_all_kinds(ringside, files):
    shown = ringside("show", *files(
        conform("x", {"blk.rw.sizes": ("fail", "status 1")}), bench("x", traced=True), exact(),
        prove())).stdout
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert lines[0].split()[:3] == ["verdicts", "pass", "fail"]
    assert any(line.startswith("fail") and "blk.rw.sizes" in line and "status 1" in line
               for line in lines)
    assert not any("blk.read.inside" in line for line in lines)
    assert any("10,000" in line and "repeats" in line for line in lines)
    assert any(c in shown for c in "▁▂▃▄▅▆▇█")
    assert "faults caught" in shown


def test_show_has_what_was_compared_and_kept(ringside, files):
    shown = ringside("show", *files(gate(), *list(entries().values())[:2])).stdout
    assert shown.splitlines()[0].startswith("gate failed") and "1 new deviation" in shown
    assert "blk.rw.sizes" in shown and "fail, was pass" in shown and "status byte" not in shown
    assert "r1" in shown and "instructions 10,000" in shown


def test_show_has_the_slowest_requests(ringside, files):
    shown = ringside("show", *files({
        "schema": "ringside.outliers/1", "ringside": "0.1.0", "created": "2026-11-01T00:00:00Z", "outliers": [
            {"seq": 7, "queue": 1, "head": 3, "begin_ns": 5, "latency_ns": 81000,
             "points": [{"point": "submit", "ns": 0}, {"point": "reap", "ns": 81000}]}]})).stdout
    assert "request 7" in shown and "reap 81.0" in shown


def test_show_has_stages(ringside, files):
    """Bars, latency over time with the slowest on top, the slowest requests, and what differs."""
    one, two = bench("x", median=3000, traced=True), bench("y", median=9000, traced=True)
    lines = [line.rstrip() for line in ringside("show", "--stages", *files(one, two)).stdout.splitlines()]
    longest = max(s["mean_ns"] for s in one["stages"])
    for s in one["stages"]:
        row, = [line for line in lines[:lines.index("")] if line.startswith(s["name"])]
        assert row.count("█") == round(s["mean_ns"] / longest * 40)
    over_time = lines[next(i for i, line in enumerate(lines) if line.startswith("latency over time")) + 1:][:5]
    assert [line.partition("│")[2] for line in over_time] == ["  ░│ 1", "   │ 0", "  ░│ 2", "█ █│ 185", "░  │ 3"]
    assert sum("request 7 of queue 1: submit+notify+exit+wake" in line for line in lines) == 2
    changes = {line.split()[0]: line.split()[-2:] for line in lines if re.search(r" [+−±]\S+\s\S+$", line)}
    assert set(changes) == {"fetch", "serve", "publish", "all"} and all(by.startswith("+") for by, _ in changes.values())
    assert "none of these results was traced" in ringside("show", "--stages", *files(bench("x"))).stdout


def test_show_all(ringside, files):
    assert "blk.read.inside" in ringside("show", "--all", *files(conform("x"))).stdout


def test_show_has_colours_on_a_terminal_only(ringside_bin, files):
    path, = files(conform("x", {"blk.rw.sizes": ("fail", "r")}))
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        ours, its = pty.openpty()
        subprocess.run([ringside_bin, "show", path], stdout=its, stdin=subprocess.DEVNULL,
                       env={**os.environ, "TERM": "xterm", **environment}, check=True, timeout=60)
        os.close(its)
        assert (b"\x1b[31m" in os.read(ours, 65536)) is coloured
        os.close(ours)


def test_history_keeps_figures_and_finds_where_they_change(ringside, files, tmp_path):
    store = tmp_path / "store"
    for i in [*range(12), 11]:  # the last is there already
        document = exact(10000 if i < 6 else 10300)
        document["created"] = f"2026-11-{i + 1:02}T00:00:00Z"
        ringside("history", "--store", store, "--add", *files(document), "--revision", f"r{i}")
    assert len(list(store.rglob("*.json"))) == 12
    assert ringside("history", "--store", store).stdout.split() == ["exits", "instructions"]
    text = ringside("history", "--store", store, "instructions").stdout
    assert "since 2026-11-07T00:00:00Z (r6): 10,000 → 10,300, more" in text
    found = json.loads(ringside("history", "--store", store, "instructions", "--format",
                                "json").stdout)
    series, = found["series"]
    assert [c["revision"] for c in series["changes"]] == ["r6"]
    assert [e["value"] for e in series["entries"]][5:7] == [10000, 10300]


def test_history_draws(ringside, files, tmp_path):
    pytest.importorskip("matplotlib")
    for i in range(3):
        document = bench("x <b>&$")
        document["created"] = f"2026-11-{i + 1:02}T00:00:00Z"
        ringside("history", "--store", tmp_path / "s", "--add", *files(document))
    for name in ("1.svg", "2.svg"):
        ringside("history", "--store", tmp_path / "s", "p50", "--plot", tmp_path / name)
    drawn = (tmp_path / "1.svg").read_text()
    assert drawn == (tmp_path / "2.svg").read_text()
    assert "<svg" in drawn and "lower is better" in drawn and "<b>" not in drawn


def test_history_usage(ringside, files, tmp_path):
    for argv, complaint in (
            (("p50", "--store", tmp_path / "no"), "is no store"),
            (("--add", tmp_path / "no.json"), "cannot read"),
            (("--add", "x", "p50"), "exclude"), (("--plot", "x"), "no METRIC")):
        done = ringside("history", *argv, status=(USAGE,))
        assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
    ringside("history", "--store", tmp_path / "s", "--add", *files(bench("x")))
    assert "no series has 'nonsense'" in ringside(
        "history", "--store", tmp_path / "s", "nonsense", status=(USAGE,)).stderr
