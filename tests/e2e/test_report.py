# SPDX-License-Identifier: BSD-3-Clause
"""ringside report: what is on the page, that nothing in a result can break it, and bad input."""
import base64
import hashlib
import html
import html.parser
import json
import os
import random
import re
import subprocess
import sys

import jsonschema
import pytest
import report_samples as samples
import test_lab
from conftest import REPO

sys.path[:0] = [str(REPO / "reports"), str(REPO / "harness/scenario")]
# pylint: disable=wrong-import-position
from ringside_report import units  # noqa: E402
from ringside_scenario import exact  # noqa: E402

USAGE, INTERNAL = 2, 4
VOID = {"meta", "input", "br", "wbr", "img", "hr", "link", "line", "circle", "path"}


@pytest.fixture(scope="session")
def schemas(repo):
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in (repo / "reports/schema").glob("*.json")}


@pytest.fixture
def validate(schemas):
    def check(result):
        kind, version = re.fullmatch(r"ringside\.(\w+)/(\d+)", result["schema"]).groups()
        jsonschema.Draft202012Validator(schemas[f"{kind}-{version}"]).validate(result)
    return check


@pytest.fixture
def report(ringside, tmp_path):
    """report({file: result}, *options): the page's text."""
    def render(files, *options, **kwargs):
        ringside("report", *samples.write(tmp_path, files), "-o", tmp_path / "out", *options,
                 **kwargs)
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["index.html"]
        return (tmp_path / "out/index.html").read_text(encoding="utf-8")
    return render


class Page(html.parser.HTMLParser):
    """What a page holds; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.attributes = [], [], [], []
        self.scripts, self.styles, self.texts, self.tables = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes += [(tag, *a) for a in attrs.items()]
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if "href" in attrs:
            self.links.append(attrs["href"])
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        where = self.open[-1] if self.open else ""
        if where == "script":
            self.scripts.append(data)
        elif where == "style":
            self.styles.append(data)
        else:
            self.texts.append(data)
            if {"th", "td"} & set(self.open) and self.tables:
                self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def rows(self, first):
        """Rows of all tables whose first cell is that, cells without extra blanks."""
        found = [[" ".join(c.split()) for c in row] for table in self.tables for row in table]
        return [row for row in found if row and row[0] == first]


def check_sound(text):
    """Complete in itself, every link leads somewhere, only its own script may run."""
    page = Page(text)
    assert len(set(page.ids)) == len(page.ids)
    for link in page.links:
        assert link.startswith("#") and link[1:] in page.ids, link
    for tag, name, _ in page.attributes:
        assert name not in ("src", "srcset", "style", "action", "data") and not \
            name.startswith("on"), (tag, name)
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
    assert len(page.scripts) == len(page.styles) == 1
    policy = next(v for tag, name, v in page.attributes
                  if tag == "meta" and name == "content" and "default-src" in v)
    for kind, content in (("script", page.scripts[0]), ("style", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"\b(nan|inf)\b", page.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    return page


def test_schemas_are_schemas(schemas):
    assert set(schemas) >= {"conform-1", "bench-1", "prove-1", "trace-1"}
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["properties"]["schema"]["const"] == "ringside." + name.replace("-", "/")
        # Self-contained: every reference is to itself.
        for ref in re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema)):
            assert ref.startswith("#/$defs/") and ref.split("/")[2] in schema["$defs"]


def test_samples_follow_the_schemas(validate):
    for result in [*samples.samples().values(), samples.gate(True), samples.ways()]:
        validate(result)


def test_page_of_everything(report):
    page = check_sound(report({**samples.samples(), "ways.json": samples.ways()}))
    for name in ("summary", "gate", "verdicts", "clauses", "checks", "compare", "latency", "stages", "exact",
                 "traces", "history", "proof", "runs"):
        assert f"#{name}" in page.links and name in page.ids
    assert "17 of 17 checks are proven" in page.text


@pytest.mark.parametrize("kind", ["conform", "bench", "exact", "prove", "trace", "gate", "entry", "set"])
def test_page_of_one_kind(report, kind):
    one = {"conform": samples.conform("a"), "bench": samples.bench("a"), "exact": samples.exact(),
           "prove": samples.prove(), "trace": samples.trace(), "gate": samples.gate(),
           "entry": samples.entries()["entry-00.json"], "set": samples.ways()}[kind]
    check_sound(report({"one.json": one}))


def test_matrix(report):
    files = {"a.json": samples.conform("first"),
             "b.json": samples.conform("second", samples.OTHER_VERDICTS)}
    page = check_sound(report(files))
    assert page.rows("Check") == [["Check", "Clauses", "first vhost-user",
                                     "second vhost-user"]]
    words = {"pass": "Pass", "fail": "Fail! not as expected", "hazard": "Hazard! not as expected",
             "warn": "Warn* known deviation", "info": "Info", "skip": "Skip",
             "error": "Error! not as expected"}
    for name, clauses in samples.CHECKS.items():
        verdict = samples.OTHER_VERDICTS.get(name, ("pass",))[0]
        assert page.rows(name) == [[name, " ".join(clauses), "Pass", words[verdict]]]
    assert "3 of 17 not as expected" in page.text
    assert "All 17 as expected" in page.text
    # Evidence of what was found, in words.
    assert "used length 0 for a request of 513 bytes" in page.text
    assert "writes through; upstream bug 1234" in page.text
    assert samples.LOG[3] in page.text


def test_clauses(report):
    """The worst verdict of the checks that judged a clause; one that was not accused is not judged."""
    name = "blk.features.flush"
    one, other = samples.CHECKS[name]
    files = {"a.json": samples.conform("first"), "b.json": samples.conform("second", {
        name: ("fail", "why", {"clause": other}), "split.used-len.out": ("warn", "why")})}
    page = check_sound(report(files))

    def verdicts(clause):
        return [row[2:] for row in page.rows(clause) if len(row) == 4]
    assert verdicts(one) == [["Pass", "–"]]
    assert verdicts(other) == [["Pass", "Fail"]]
    # Of two checks one warns.
    assert verdicts("v14.split-ring.used-ring.dev.2") == [["Pass", "Warn"]]


def test_comparison_of_approaches(report):
    costs = (("kvm-library", 10000), ("xen-library", 16000), ("xen-vhost-user", 34000), ("direct", 4000))
    page = check_sound(report({f"{a}.json": samples.exact(n, n // 3, approach=a) for a, n in costs}))
    assert page.rows("Approach")[0] == ["Approach", "no hypervisor", "KVM", "Xen"]
    assert ["library", "–", "10,000 2.50 ×", "16,000 4.00 ×"] in page.rows("library")
    assert ["vhost-user", "–", "–", "34,000 8.50 ×"] in page.rows("vhost-user")
    assert ["direct", "4,000 1.00 ×", "–", "–"] in page.rows("direct")


def test_comparison_of_ways(report, ringside, tmp_path):
    """The folder of a run says what its cells combined, and a set keeps it."""
    for entry in samples.ways()["results"]:
        kind = entry["file"].split(".")[1]
        place = tmp_path / "run" / f"{kind}.{entry['axes']['transport']}"
        place.mkdir(parents=True)
        (place / f"{kind}.json").write_text(json.dumps(entry["result"]))
        (place / "cell.json").write_text(json.dumps({"schema": "ringside.cell/1", "axes": entry["axes"]}))
    ringside("report", tmp_path / "run", "-o", tmp_path / "a")
    ringside("merge", tmp_path / "run", "-o", tmp_path / "set.json")
    ringside("report", tmp_path / "set.json", "-o", tmp_path / "b")
    for folder in ("a", "b"):
        page = check_sound((tmp_path / folder / "index.html").read_text(encoding="utf-8"))
        ways = {row[2]: row for row in page.rows("blk") if len(row) > 6}
        assert ways["vhost-user, x86_64, host"][1] == "none" and ways["pci, x86_64, host"][1] == "qemu-tcg"
        head = page.rows("Device")[0]
        assert ways["mmio, x86_64, host"][head.index("fail")] == "1"
        assert ways["mmio, x86_64, host"][-1].endswith("µs")


def test_history(report):
    page = check_sound(report(samples.entries()))
    assert "10,000 → 10,300 , worse since 2026-11-09T00:00:00Z ( r8 )" in page.text
    assert "16 entries of the store, from 2026-11-01 to 2026-11-16" in page.text


@pytest.mark.parametrize("passed", [False, True])
def test_gate(report, passed):
    page = check_sound(report({"g.json": samples.gate(passed)}))
    assert ("✓ Passed: 1 better" if passed else "✗ Failed: 1 new deviation, 1 better") in page.text
    assert (samples.LOG[3] in page.text) is not passed


def test_targets_with_different_checks(report):
    """Each has a column; what was not run is a dash."""
    names = list(samples.CHECKS)
    files = {"a.json": samples.conform("same", checks={n: samples.CHECKS[n] for n in names[:9]}),
             "b.json": samples.conform("same", checks={n: samples.CHECKS[n] for n in names[8:]})}
    page = check_sound(report(files))
    assert page.rows("Check")[0][2:] == ["same vhost-user", "same (2) vhost-user"]
    assert page.rows(names[0])[0][2:] == ["Pass", "–"]
    assert page.rows(names[8])[0][2:] == ["Pass", "Pass"]
    assert page.rows(names[9])[0][2:] == ["–", "Pass"]


def test_a_column_per_target_and_transport(report):
    """One target over several transports: the head says which, and so does its name elsewhere."""
    files = {}
    for transport in ("vhost-user", "pci", "mmio"):
        files[f"{transport}.json"] = one = samples.conform("same")
        one["target"]["transport"] = transport
    files["zz.json"] = again = samples.conform("same")
    again["target"]["transport"] = "pci"
    page = check_sound(report(files))
    assert page.rows("Check")[0][2:] == ["same vhost-user", "same pci", "same mmio", "same (2) pci"]
    for label in ("same (mmio)", "same (pci)", "same (vhost-user)", "same (pci) (2)"):
        assert label in page.text


@pytest.mark.parametrize("target, name", [
    ({"uri": "qemu:virtio-blk-pci,drive=d?arg=-drive&arg=if=none,id=d"}, "virtio-blk-pci"),
    ({"uri": "qemu:virtio-rng-device?arch=aarch64&machine=virt"}, "virtio-rng-device aarch64 virt"),
    ({"uri": "machine:pci", "command": "exec /opt/my-device --ram {ram}"}, "my-device"),
    ({"uri": "machine:pci"}, "machine:pci"),
])
def test_name_of_a_target_with_registers(report, target, name):
    one = samples.conform("x")
    one["target"] = target
    assert check_sound(report({"a.json": one})).rows("Check")[0][2:] == [name]


def test_target_that_died(report):
    result = samples.conform("short-lived")
    result["died"] = "exited with status 139 during vu.ring.index"
    assert "Died: exited with status 139" in check_sound(report({"a.json": result})).text


def test_name_of_an_unnamed_target(report):
    named, socket, program = (samples.conform("x") for _ in range(3))
    named["target"]["name"] = "Given"
    socket["target"] = {"uri": "vhost-user:/run/some-socket.sock"}
    program["target"] = {"uri": "vhost-user:", "name": "vhost-user:", "command": "/bin/prog {socket}"}
    page = check_sound(report({"a.json": named, "b.json": socket, "c.json": program}))
    assert page.rows("Check")[0][2:] == ["Given vhost-user", "some-socket", "prog"]


def test_clause_texts_come_from_ringside(report, run_json, tmp_path, monkeypatch):
    clause = next(c for c in run_json("clauses")["clauses"]
                  if c["id"] == "v14.split-ring.used-ring.dev.2")
    files = {"a.json": samples.conform("a")}
    assert clause["summary"] in html.unescape(report(files))
    # Without one to ask, the id alone is there.
    monkeypatch.setenv("RINGSIDE", "/nonexistent")
    page = report(files)
    check_sound(page)
    assert clause["summary"] not in html.unescape(page)
    assert clause["id"] in page


def test_check_that_passed_is_explained(report, ringside):
    """A result explains a check only where it did not pass; ringside knows the others."""
    line = ringside("conform", "--list").stdout.splitlines()[0].split()
    explained = json.loads(ringside("explain", line[0], "--format", "json").stdout)["checks"][0]
    page = check_sound(report({"a.json": samples.conform("a", checks={line[0]: line[1:]})}))
    assert " ".join(explained["stimulus"].split()) in page.text
    assert " ".join(explained["oracle"].split()) in page.text


def test_latency_table(report):
    first, second = samples.bench("first", median=2000), samples.bench("second", median=5000)
    page = check_sound(report({"a.json": first, "b.json": second}))
    a, b = page.rows("first")[0], page.rows("second")[0]
    head = page.rows("Target")[0]
    assert head[1:7] == ["p50", "p90", "p99", "p99.9", "max", "mean"]
    assert a[head.index("p50 ratio")] == "1.00 ×"
    ratio = second["latency_ns"]["p50"] / first["latency_ns"]["p50"]
    assert b[head.index("p50 ratio")] == f"{ratio:.2f} ×"
    assert a[1] == f"{first['latency_ns']['p50'] / 1000:.2f} µs"
    assert a[head.index("p50 / floor")] == f"{first['latency_ns']['p50'] / 317:.2f} ×"


def test_traced_run_is_compared_by_its_untraced_one(report):
    traced = samples.bench("traced", median=9000, traced=True)
    page = check_sound(report({"a.json": samples.bench("plain"), "b.json": traced}))
    untraced, recorded = page.rows("traced untraced")[0], page.rows("traced recorded")[0]
    assert untraced[1] == f"{traced['trace']['untraced']['p50'] / 1000:.2f} µs"
    assert recorded[1] == f"{traced['latency_ns']['p50'] / 1000:.2f} µs"
    assert "tracer's cost" in recorded[-1]
    assert [row[0] for row in sum(page.tables, []) if row[0].strip() in ("fetch", "serve")]


def test_stages(report):
    """Parts that add up, and what differs between runs; a field for each class of latency that was seen."""
    def time(ns):
        return " ".join(units.time(ns).split())
    runs = [samples.bench(name, median=median, traced=True) for name, median in (("first", 3000), ("second", 9000))]
    text = report({f"{n}.json": run for n, run in enumerate(runs)})
    page = check_sound(text)
    means = [{s["name"]: s["mean_ns"] for s in run["stages"]} for run in runs]
    for stage in means[0]:
        old, new = (mean[stage] for mean in means)
        assert [stage, time(old), time(new), "+" + time(new - old)] in page.rows(stage)
    old, new = (sum(mean.values()) for mean in means)
    assert page.rows("all") == [["all", time(old), time(new), "+" + time(new - old)]]
    slow = [run["trace"]["outliers"][0] for run in runs]
    assert [row[:3] for row in page.rows("7")] == [["7", "1", time(one["latency_ns"])] for one in slow]
    for one, row in zip(slow, page.rows("7")):
        at = [point["ns"] for point in one["points"]]
        assert row[3] == f"submit+notify+exit+wake {time(at[1])}, fetch {time(at[2] - at[1])}, " \
            f"serve {time(at[3] - at[2])}, publish+call+inject+handle+reap {time(at[4] - at[3])}"
    assert len(re.findall('class="heat h[1-6]"', text)) == \
        len(runs) * sum(n > 0 for slice_ in samples.HEAT["counts"] for n in slice_)


def test_loads_are_kept_apart(report):
    files = {"a.json": samples.bench("x", depth=1), "b.json": samples.bench("x", depth=8),
             "c.json": samples.bench("x", rate=5000), "d.json": samples.bench("x", depth=1)}
    page = check_sound(report(files))
    assert len([i for i in page.ids if i.startswith("load-")]) == 3
    assert page.rows("x (2)")  # the same load twice


@pytest.mark.parametrize("change", [
    {"histogram": []}, {"histogram": [[1, 1]]}, {"histogram": [[0, 5], [7, 1]]},
    {"histogram": [[5, 1], [3, 1], [5, 2]]}, {"histogram": [[9e18, 3]]},
    {"histogram": [[1, 1], [1e18, 1]]}, {"floor": None}, {"floor": {"kind": "poll", "ns": 0}},
    {"latency_ns": {"p50": 0, "p99": 0}}, {"latency_ns": {"p50": 1e17, "p99": 1e18}},
    {"requests": 0, "requests_per_s": 0}, {"stages": []}, {"trace": None},
    {"stages": [{"name": "fetch", "p50_ns": 0, "p99_ns": 0, "count": 0}]},
    {"stages": [{"name": "unheard of", "p50_ns": 5, "p99_ns": 6}]},
    {"warnings": ["the clock is not invariant"]},
], ids=str)
def test_odd_figures(report, change, validate):
    result = {**samples.bench("odd"), **change}
    validate(result)
    check_sound(report({"a.json": result, "b.json": samples.bench("usual")}))
    result.pop("histogram")
    check_sound(report({"a.json": result}))


def hostile(value, evil):
    """The same result with that in every text that the schema leaves free."""
    if isinstance(value, dict):
        return {k: v if k in ("schema", "created", "verdict", "expected", "wait", "loop",
                              "features", "protocol_features", "tier", "stage")
                and not (k == "expected" and "stimulus" in value) or k == "kind" and "gates" in value
                else hostile(v, evil) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(v, evil) for v in value]
    return value + evil if isinstance(value, str) else value


@pytest.mark.parametrize("evil", [
    "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</title></style></script>",
    "{{ 7*7 }}{% raw %}", "&lt;&amp;&#0;", "\x00\x1b[31m\x07\u202e\u2066\udc80\ufffe",
    "]]>--><!--", "javascript:alert(1)", "a" * 5000, "\n\n\r\n", "٣ 漢字 🎯",
], ids=lambda evil: repr(evil)[:30])
def test_nothing_in_a_result_is_trusted(report, validate, evil):
    files = {name: hostile(result, evil) for name, result in (
        ("a.json", samples.conform("a", samples.OTHER_VERDICTS)), ("b.json", samples.conform("b")),
        ("c.json", samples.bench("a", traced=True)), ("d.json", samples.bench("b")),
        ("e.json", samples.prove(unproven=["blk.read.inside"], accused=["blk.rw.sizes"])),
        ("f.json", samples.trace()), ("g.json", samples.gate()), ("h.json", samples.exact()),
        ("i.json", samples.ways()), ("j.json", samples.entries()["entry-00.json"]))}
    kept = files["j.json"]["figures"]
    kept["x" + evil] = {"y" + evil: 1, **kept.popitem()[1]}
    for result in files.values():
        validate(result)
    page = check_sound(report(files, "--title", "T" + evil.replace("\x00", "")
                              .encode("utf-8", "ignore").decode()))
    assert "49" not in page.text or "{{ 7*7 }}" not in evil or "{{ 7*7 }}" in page.text
    assert not [a for a in page.attributes if a[1] == "onerror"]


def test_random_damage_is_told_or_rendered(ringside, tmp_path):
    """Whatever is done to a result: a page, or one line and exit status 2."""
    rng = random.Random(1)
    originals = [samples.conform("a", samples.OTHER_VERDICTS), samples.prove(),
                 samples.bench("a", traced=True, requests=50)]
    values = [None, True, -1, 0, 1e300, "", "x", [], {}, [[]], [None], {"a": 1}]
    for n in range(24):
        text = json.dumps(rng.choice(originals))
        damaged = json.loads(text)
        for _ in range(rng.randrange(1, 3)):
            node, path = damaged, None
            while isinstance(node, (dict, list)) and node:
                path = (node, rng.choice(list(node) if isinstance(node, dict)
                                         else range(len(node))))
                node = node[path[1]]
                if rng.random() < .3:
                    break
            path[0][path[1]] = rng.choice(values)
        file = tmp_path / f"{n}.json"
        file.write_text(json.dumps(damaged))
        done = ringside("report", file, "-o", tmp_path / "out", status=(0, USAGE))
        assert len(done.stderr.splitlines()) == (1 if done.returncode else 0), damaged
        if not done.returncode:
            check_sound((tmp_path / "out/index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("content, words", [
    (b"", ["not JSON"]),
    (b"{", ["not JSON"]),
    (b"\xff\xfe", ["not JSON"]),
    (b"[" * 100000, ["not JSON"]),
    (b'{"schema": NaN}', ["not JSON"]),
    (b'{"a": 1e999}', ["not JSON"]),
    (b'{"a": ' + b"1" * 5000 + b"}", ["not JSON"]),
    (b"[]", ["schema"]),
    (b"{}", ["schema"]),
    (b'{"schema": 5}', ["schema"]),
    (b'{"schema": "ringside.conform/2"}', ["ringside.conform/2"]),
    (b'{"schema": "ringside.../../etc/1"}', ["does not know"]),
    (b'{"schema": "ringside.conform/1"}', ["conform-1.json", "$:", "required"]),
])
def test_what_is_no_result(ringside, tmp_path, content, words):
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_bytes(content)
    good.write_text(json.dumps(samples.conform("good")))
    done = ringside("report", good, bad, "-o", tmp_path / "out", status=(USAGE,))
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ringside: report: ")
    assert "bad.json" in done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change, path", [
    (lambda r: r["checks"][3].update(verdict="great"), "$.checks[3].verdict"),
    (lambda r: r["summary"].pop("fail"), "$.summary"),
    (lambda r: r["target"].update(features=5), "$.target.features"),
    (lambda r: r["checks"][0].update(clauses="x"), "$.checks[0].clauses"),
    (lambda r: r.update(created="yesterday"), "$.created"),
])
def test_schema_violation_is_named_with_its_path(ringside, tmp_path, change, path):
    result = samples.conform("a")
    change(result)
    file = samples.write(tmp_path, {"a.json": result})[0]
    done = ringside("report", file, "-o", tmp_path / "out", status=(USAGE,))
    assert f"{path}:" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("x.json",), ("-o", "out"), ("--frobnicate",)])
def test_usage(ringside, arguments, tmp_path):
    done = ringside("report", *arguments, status=(USAGE,), cwd=tmp_path)
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("ringside: report: ")


def test_help(ringside):
    assert ringside("report", "--help").stdout.startswith("usage: ringside report")


def test_files_that_cannot_be(ringside, tmp_path):
    file = samples.write(tmp_path, {"a.json": samples.conform("a")})[0]
    done = ringside("report", tmp_path / "none.json", "-o", tmp_path / "out", status=(USAGE,))
    assert "none.json" in done.stderr and len(done.stderr.splitlines()) == 1
    done = ringside("report", file, "-o", file, status=(INTERNAL,))
    assert str(file) in done.stderr and len(done.stderr.splitlines()) == 1


def test_page_replaces_the_old_one(report, tmp_path):
    report({"a.json": samples.conform("before")})
    assert "after" in report({"a.json": samples.conform("after")})
    mode = (tmp_path / "out/index.html").stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    assert mode == 0o666 & ~umask


# Accessible: WCAG AA, in both themes and on paper.

def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= .03928 else ((c + .055) / 1.055) ** 2.4 for c in parts)
    return .2126 * r + .7152 * g + .0722 * b


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + .05) / (low + .05)


def test_contrast(repo):
    css = (repo / "reports/ringside_report/templates/page.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
              for block in re.findall(r"\{([^{}]*--bg:[^{}]*)\}", css)]
    assert len(themes) == 4 and themes[1] == themes[2]
    verdicts = [(v, f"{v}-bg") for v in samples.VERDICTS]
    for theme in themes:
        base = {**themes[0], **theme}
        text = [(fg, bg) for fg in ("text", "muted", "link", "good", "bad")
                for bg in ("bg", "panel", "sunken")]
        text += [("in-stage", s) for s in ("st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7", "st8", "st9", "st10",
                                      "st-rest")]
        text += [("floor", "panel")]
        for fg, bg in verdicts + text:
            assert contrast(base[fg], base[bg]) >= 4.5, (fg, bg, base[fg], base[bg])
        for series in range(8):
            assert contrast(base[f"s{series}"], base["panel"]) >= 3, series


# Real results.

def test_real_results(ringside, qsd, validate, tmp_path):
    target = qsd().target
    files = []
    for arguments in (("bench", target, "--requests", 2000),
                      ("bench", target, "--wait", "event", "--requests", 500),
                      ("conform", target, "--device", "blk", "--check", "blk.rw.*")):
        files.append(tmp_path / f"{len(files)}.json")
        ringside(*arguments, "--format", "json", "-o", files[-1], status=(0, 1))
        validate(json.loads(files[-1].read_text()))
    ringside("report", *files, "-o", tmp_path / "out")
    check_sound((tmp_path / "out/index.html").read_text(encoding="utf-8"))


AB = """\
scenario: in-turns
summary: one read
matrix: {device: blk, backend: ringside-backend, wait: event}
jobs:
  - bench: {op: read, block-size: 4096, queue-depth: 1, requests: 100}
"""


def test_every_kind_of_result_follows_its_schema(ringside, backend, backend_bin, schemas, validate, tmp_path):
    """Of each there is one that Ringside wrote."""
    target, folder = backend("--memory", "64M").target, tmp_path / "trace"
    (tmp_path / "ab.yaml").write_text(AB)
    command = f"{backend_bin} blk --socket-path {{socket}} --memory 64M"

    def made(kind, *arguments):
        ringside(*arguments, "-o", tmp_path / f"{kind}.json", timeout=240)
        return tmp_path / f"{kind}.json"
    as_json = ("--format", "json")
    conform = made("conform", "conform", target, "--device", "blk", "--check", "blk.id.*", *as_json)
    bench = made("bench", "bench", target, "--requests", 300, "--wait", "event", "--trace", folder, *as_json)
    files = [conform, bench, made("trace", "trace", "stages", folder, *as_json),
             made("outliers", "trace", "outliers", folder, *as_json),
             made("prove", "prove", "--quick", "--check", "blk.id.*", *as_json),
             made("ab", "ab", "--a", command, "--b", command, "--max-rounds", 2, tmp_path / "ab.yaml"),
             made("gate", "gate", "--baseline", conform, "--candidate", conform),
             made("set", "merge", conform, bench)]
    ringside("history", "--store", tmp_path / "store", "--add", conform, "--add", bench)
    files += (tmp_path / "store").rglob("*.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    # A lab's counts, without the lab.
    found.append(exact.document(exact.Sample(test_lab.raw_text(test_lab.ROWS), test_lab.stamp_file(test_lab.STAMPS)),
                                test_lab.HEAD, 2))
    for result in found:
        validate(result)
    # What a zoo gives takes other people's programs: test_zoo.py has one.
    assert {result["schema"] for result in found} | {"ringside.zoo/1"} == {
        schema["properties"]["schema"]["const"] for schema in schemas.values()}


def test_installed(build_dir, tmp_path):
    """It runs from where cmake --install puts it, and asks the ringside there."""
    subprocess.run(["cmake", "--install", build_dir, "--prefix", tmp_path / "usr"], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)
    file = samples.write(tmp_path, {"a.json": samples.conform("a")})[0]
    subprocess.run([tmp_path / "usr/bin/ringside", "report", file, "-o", tmp_path / "out"],
                   check=True, timeout=60)
    page = check_sound((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    assert "before the used index moved" in page.text
