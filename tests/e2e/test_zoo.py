# SPDX-License-Identifier: BSD-3-Clause
"""ringside zoo: descriptions, the cache, verdicts; and back-ends that serve one session, or make their socket anew.
"""
import json
import os
import re
import shlex
import struct
import sys

import jsonschema
import pytest
import yaml

OK, UNEXPECTED, USAGE, TARGET, BUILD, SKIPPED = 0, 1, 2, 3, 4, 77

# A back-end that serves one front-end and ends, or one after the other with a new socket each.
SESSIONS = '''
import os, socket, sys, time
backend, path, mode = sys.argv[1:4]

def serve():
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(1)
    c, _ = s.accept()
    os.set_inheritable(c.fileno(), True)
    argv = [backend, *sys.argv[4:], "--fd", str(c.fileno())]
    if mode == "ends":
        s.close()
        os.execv(backend, argv)
    if os.fork() == 0:
        os.execv(backend, argv)
    c.close()
    os.wait()
    if mode == "crashes":
        os.kill(os.getpid(), 11)
    # Who has connected meanwhile is not served.
    os.unlink(path)
    s.close()

while True:
    serve()
    time.sleep(0.03)
'''


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGSIDE_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def package(repo):
    sys.path.insert(0, str(repo / "harness/scenario"))
    yield
    sys.path.remove(str(repo / "harness/scenario"))


@pytest.fixture
def zoo(tmp_path, backend_bin):
    """zoo(**keys): a description; None takes a key out. Its path."""
    for name in ("zoo", "expect"):
        (tmp_path / name).mkdir()
    (tmp_path / "zoo/serve").write_text(f"#!/bin/sh\nexec {shlex.quote(str(backend_bin))} \"$@\"\n", encoding="utf-8")

    def describe(**keys):
        d = {"target": "tiny", "summary": "a back-end", "device": "rng", "version": "1",
             "source": {"build": "install -m 755 {here}/serve {out}/serve; echo >> {here}/count",
                        "files": ["serve"], "program": "serve"},
             "command": "exec {program} rng --socket-path {socket}", **keys}
        path = tmp_path / "zoo" / "tiny.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in d.items() if v is not None}), encoding="utf-8")
        return path
    return describe


def count(path):
    return len((path.parent / "count").read_text(encoding="ascii").splitlines())


def run(ringside, path, tmp_path, *options, status=(OK,)):
    done = ringside("zoo", "run", path, "-o", tmp_path / "out", "--check", "rng.*", "--format", "json", *options,
                    status=status)
    return json.loads(done.stdout)["targets"][0], done


def test_a_target_is_built_judged_and_measured(ringside, zoo, tmp_path, repo):
    path = zoo(bench=[["--requests", "100"]])
    ringside("zoo", "build", path)
    found, _ = run(ringside, path, tmp_path)
    assert found["status"] == "ok" and found["version"] == "1"
    assert found["summary"]["pass"] >= 3 and found["unexpected"] == []
    assert [b["p50_ns"] > 0 and b["reference"]["p50_ns"] > 0 and b["ratio"] > 0 for b in found["bench"]] == [True]
    conform = json.loads((tmp_path / "out/tiny.json").read_text(encoding="utf-8"))
    assert conform["target"]["name"] == "tiny 1"
    schema = json.loads((repo / "reports/schema/zoo-1.json").read_text(encoding="utf-8"))
    document = json.loads((tmp_path / "out/zoo.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    text = ringside("zoo", "run", path, "-o", tmp_path / "out", "--check", "rng.*", "--no-bench").stdout
    row = next(line for line in text.splitlines() if line.startswith("tiny"))
    assert row.split()[:4] == ["tiny", "1", "rng", str(found["summary"]["pass"])] and row.endswith("ok")
    listed = json.loads(ringside("zoo", "list", path, "--format", "json").stdout)
    assert [(t["name"], t["state"], t["more"]) for t in listed] == [("tiny", "built", "1")]
    assert count(path) == 1, "it was built more than once"
    matrix = ringside("show", "--matrix", tmp_path / "out").stdout
    assert "| tiny 1 | rng | " in matrix and re.search(r"^\| `v14.entropy.operation.dev.1` \| MUST \| pass \|$", matrix, re.M)


def test_a_target_that_connects(ringside, zoo, tmp_path):
    """Its own loads find it where Ringside listens, the reference's where that does."""
    path = zoo(uri="vhost-user-listen:", command="exec {program} rng --client --socket-path {socket}",
               bench=[["--requests", "100"]])
    ringside("zoo", "build", path)
    found, _ = run(ringside, path, tmp_path)
    assert found["summary"]["pass"] > 0 and found["unexpected"] == []
    assert [b["ratio"] > 0 for b in found["bench"]] == [True]
    one = json.loads((tmp_path / "out/tiny-bench-0.json").read_text(encoding="utf-8"))
    assert one["target"]["uri"] == "vhost-user-listen:"


def page(ringside, tmp_path, name):
    ringside("zoo", "page", tmp_path / "out", "-o", tmp_path / name)
    assert sorted(p.name for p in (tmp_path / name).iterdir()) == ["matrix.md", "result.json"]
    return [(tmp_path / name / file).read_text(encoding="utf-8") for file in ("matrix.md", "result.json")]


def test_the_page_of_a_run_is_the_same_again(ringside, zoo, tmp_path, repo):
    """Made in another folder, at another time, with a deviation that says where it was seen."""
    # What it says goes into a log, and the socket is in a folder of this run's own.
    command = "echo {socket} {out} {targets} $$; exec {program} rng --socket-path {socket} --fault rng-nothing"
    path = zoo(command=command)
    pages = []
    for name in ("one", "two"):
        run(ringside, path, tmp_path, "--no-bench", status=(UNEXPECTED,))
        document = json.loads((tmp_path / "out/zoo.json").read_text(encoding="utf-8"))
        document["created"] = f"2026-11-30T0{len(pages)}:00:00Z"
        (tmp_path / "out/zoo.json").write_text(json.dumps(document), encoding="utf-8")
        pages.append(page(ringside, tmp_path, name))
        (tmp_path / "out").rename(tmp_path / f"out-{name}")
    assert pages[0] == pages[1]
    matrix, result = pages[0]
    assert matrix.startswith("# Implementations and clauses, 30 November 2026\n\n## Implementations\n")
    assert "| tiny 1 | rng | " in matrix and "`rng.read.something` | fail |" in matrix and "## Measured" not in matrix
    assert not re.search(r"/(tmp|root|home|var)/|\.log\b|duration|\"log\"", matrix + result)
    document = json.loads(result)
    conform = document["results"][0]["result"]
    assert conform["target"]["command"] == command.replace("{program}", "{out}/serve").replace(
        "{targets}", "…")
    kept = {key for check in conform["checks"] for key in check["evidence"]}
    assert kept == {"stimulus", "oracle", "expected", "observed"}
    schema = json.loads((repo / "reports/schema/conform-1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(conform)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/result.json").write_text(result, encoding="utf-8")
    assert "| tiny 1 | rng | " in ringside("show", "--matrix", tmp_path / "kept/result.json").stdout


def test_the_page_has_what_was_measured_and_left_out(ringside, zoo, tmp_path):
    path = zoo(bench=[["--requests", "100"], ["--requests", "100", "--queue-depth", "4"]])
    run(ringside, path, tmp_path)
    document = json.loads((tmp_path / "out/zoo.json").read_text(encoding="utf-8"))
    document["targets"].append({"name": "away", "device": "net", "status": "skip", "reason": "there is no /tmp/x/y",
                                "bench": []})
    (tmp_path / "out/zoo.json").write_text(json.dumps(document), encoding="utf-8")
    # As 'ringside run' leaves one.
    linux = json.loads((tmp_path / "out/tiny.json").read_text(encoding="utf-8"))
    linux["target"].update(name="rng, vhost-lab vhost, vhost_rng", transport="vhost")
    (tmp_path / "out/kernel/cells/one").mkdir(parents=True)
    (tmp_path / "out/kernel/cells/one/conform.json").write_text(json.dumps(linux), encoding="utf-8")
    matrix, result = page(ringside, tmp_path, "page")
    assert re.search(r"^\| vhost\\_rng, vhost of Linux \| rng \| \d+ \|", matrix, re.M)
    rows = re.findall(r"^\| tiny \| rng \| (.*?) \| [\d.]+ [kM]? ?\| .* \| (\d+\.\d\d) \|$", matrix, re.M)
    assert [load for load, _ in rows] == ["--requests 100", "--requests 100 --queue-depth 4"]
    assert [float(ratio) for _, ratio in rows] == [round(b["ratio"], 2) for b in document["targets"][0]["bench"]]
    assert "* away: there is no …" in matrix
    kept = [r["file"] for r in json.loads(result)["results"]]
    assert sorted(kept) == sorted(["linux-0.json", "tiny.json", *(f"tiny-{who}-{i}.json" for who in ("bench", "reference")
                                                   for i in (0, 1))])
    assert ringside("zoo", "page", tmp_path / "zoo", "-o", tmp_path / "x", status=(USAGE,)).stderr.count("\n") == 1


def test_what_is_built_stays_until_its_description_says_something_else(ringside, zoo):
    path = zoo()
    for _ in range(2):
        ringside("zoo", "build", path)
    assert count(path) == 1
    ringside("zoo", "build", zoo(summary="said otherwise"))
    assert count(path) == 1
    ringside("zoo", "build", zoo(version="2"))
    assert count(path) == 2
    (path.parent / "serve").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    ringside("zoo", "build", path)
    assert count(path) == 3
    ringside("zoo", "build", "--again", path)
    assert count(path) == 4


def test_a_deviation_is_unexpected_until_it_is_known(ringside, zoo, tmp_path):
    command = "exec {program} rng --socket-path {socket} --fault rng-nothing"
    found, done = run(ringside, zoo(command=command), tmp_path, status=(UNEXPECTED,))
    assert "rng.read.something" in found["unexpected"] and found["status"] == "unexpected"
    assert "asking again" in done.stderr
    lines = [f"{check} fail v14.entropy.operation.dev.1: nothing comes\n" for check in found["unexpected"]]
    (tmp_path / "expect/tiny.expect").write_text("".join(lines), encoding="utf-8")
    found, _ = run(ringside, zoo(command=command, expect="tiny.expect"), tmp_path)
    assert found["status"] == "ok" and found["summary"]["fail"] == len(lines)


def test_nobody_is_accused_of_what_happened_once(ringside, zoo, tmp_path):
    """The first process is a bad one, all later ones are good."""
    once = tmp_path / "once"
    fault = f"$([ -e {once} ] || echo --fault rng-nothing; touch {once})"
    found, done = run(ringside, zoo(command="exec {program} rng --socket-path {socket} " + fault), tmp_path)
    assert "asking again" in done.stderr and found["status"] == "ok" and found["summary"]["fail"] == 0


def test_other_versions_are_told(ringside, zoo, tmp_path):
    """What is installed is not always what the expectations are of."""
    path = zoo()
    (path.parent / "serve").chmod(0o755)
    path = zoo(source={"host": "sh", "package": "dash"}, version="0.0.0",
               command=f"exec {path.parent}/serve rng --socket-path {{socket}}")
    found, _ = run(ringside, path, tmp_path)
    assert found["reason"] == "expectations are of 0.0.0"


@pytest.mark.parametrize("keys, words", [
    ({"summary": None}, "'summary' is missing"),
    ({"colour": "red"}, "'colour' is no key"),
    ({"device": 4}, "'device' is not a text"),
    ({"needs": "root"}, "'needs' is not a list"),
    ({"conform": [1]}, "'conform': 1 is no text"),
    ({"bench": ["--op"]}, "'bench' is a list of loads"),
    ({"target": "large"}, "the file is called tiny"),
    ({"expect": "nosuch.expect"}, "'expect': there is no "),
    ({"source": {"program": "x"}}, "'source' says one of crate, debian, host, build"),
    ({"source": {"crate": "x", "debian": "trixie"}}, "'source' says one of"),
    ({"source": {"crate": "x", "colour": "red"}}, "'source' has no 'colour' with 'crate'"),
    ({"source": {"debian": "trixie"}}, "'source' of kind 'debian' wants 'program'"),
    ({"source": {"crate": "x", "features": "y"}}, "'source': 'features' is a list"),
    ({"source": {"crate": "x", "suite": ["trixie"]}}, "'source': 'suite' is a str"),
])
def test_a_description_that_is_wrong(package, zoo, keys, words):
    from ringside_scenario.zoo import description
    with pytest.raises(description.BadDescription) as wrong:
        description.find(str(zoo(**keys)))
    assert words in str(wrong.value) and "tiny.yaml" in str(wrong.value)


def test_a_wrong_description_is_a_usage_error(ringside, zoo):
    for command in ("list", "build", "run"):
        done = ringside("zoo", command, zoo(colour="red"), status=(USAGE,))
        assert "'colour' is no key" in done.stderr and done.stderr.count("\n") == 1


def test_files_that_are_no_descriptions(package, ringside, tmp_path):
    from ringside_scenario.zoo import description
    for name, text in (("a.yaml", "- x\n"), ("b.yaml", "{\n"), ("c.yaml", b"\xff\xfe\x00".decode("latin-1"))):
        (tmp_path / name).write_text(text, encoding="latin-1")
        with pytest.raises(description.BadDescription, match=name):
            description.find(str(tmp_path / name))
    assert "no target 'nosuch'" in ringside("zoo", "build", "nosuch", status=(USAGE,)).stderr
    assert "which command?" in ringside("zoo", status=(USAGE,)).stderr


@pytest.mark.parametrize("source, program", [
    ({"crate": "nosuch"}, "cargo"),
    ({"crate": "nosuch", "suite": "trixie", "packages": ["x"]}, "mmdebstrap"),
    ({"debian": "trixie", "packages": ["x"], "program": "x"}, "mmdebstrap"),
    ({"host": "nosuch-program", "package": "nosuch"}, "nosuch-program"),
])
def test_what_a_machine_lacks(ringside, zoo, tmp_path, monkeypatch, source, program):
    """No tool to build it with: skipped, with the reason, and not a success."""
    if program != "cargo" and "crate" in source:
        (tmp_path / "cargo").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
        (tmp_path / "cargo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = zoo(source=source)
    said = f"{program} is not installed"
    assert f"tiny: skipped: {said}" in ringside("zoo", "build", path, status=(SKIPPED,)).stdout
    found, _ = run(ringside, path, tmp_path, status=(SKIPPED,))
    assert found["status"] == "skip" and found["reason"].startswith(said)
    assert f"cannot be built: {said}" in ringside("zoo", "list", path).stdout


def test_what_a_run_lacks(ringside, zoo, tmp_path):
    found, _ = run(ringside, zoo(needs=["nosuch-program"]), tmp_path, status=(SKIPPED,))
    assert found == {"name": "tiny", "device": "rng", "status": "skip", "reason": "nosuch-program is not installed",
                     "bench": []}


def test_offline(ringside, zoo, tmp_path, monkeypatch):
    (tmp_path / "cargo").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (tmp_path / "cargo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("RINGSIDE_OFFLINE", "1")
    path = zoo(source={"crate": "nosuch"})
    assert "RINGSIDE_OFFLINE is set" in ringside("zoo", "build", path, status=(SKIPPED,)).stdout
    monkeypatch.delenv("RINGSIDE_OFFLINE")
    assert "cargo ended with exit status 1" in ringside("zoo", "build", path, status=(BUILD,)).stdout


def test_what_goes_wrong(ringside, zoo, tmp_path):
    broken = {"build": "echo no such compiler >&2; exit 1", "program": "x"}
    found, _ = run(ringside, zoo(source=broken), tmp_path, status=(BUILD,))
    assert found["status"] == "build" and "tiny.log" in found["reason"]
    assert "no such compiler" in (tmp_path / "cache/tiny.log").read_text(encoding="utf-8")
    found, _ = run(ringside, zoo(source={"build": "true", "program": "x"}), tmp_path, status=(BUILD,))
    assert "x was not made" in found["reason"]
    found, _ = run(ringside, zoo(command="echo no luck; exit 1"), tmp_path, status=(TARGET,))
    assert found["status"] == "target" and "no luck" in found["reason"]


# --- what third parties do that ours does not ------------------------------------------------------------------


@pytest.fixture
def sessions(tmp_path, backend_bin):
    (tmp_path / "sessions.py").write_text(SESSIONS, encoding="utf-8")
    return lambda mode, path="{socket}": \
        f"exec /usr/bin/python3 {tmp_path}/sessions.py {backend_bin} {path} {mode} rng"


def test_a_target_of_one_session(ringside, run_json, sessions):
    argv = ["conform", "vhost-user:", "--device", "rng", "--check", "@(rng.*|vu.msg.order|vu.msg.form|vu.feat.owner)",
            "--command", sessions("ends")]
    assert run_json(*argv, status=None)["unexpected"] >= 3
    found = run_json(*argv, "--one-session")
    assert found["summary"]["pass"] >= 5 and found["unexpected"] == 0
    assert "for 'vhost-user:' with a --command" in ringside("conform", "vhost-user:/x", "--one-session",
                                                            status=(USAGE,)).stderr


def test_a_target_of_one_session_that_crashes(run_json, sessions):
    found = run_json("conform", "vhost-user:", "--device", "rng", "--check", "vu.msg.order", "--one-session",
                     "--command", sessions("crashes"), status=None)
    assert found["checks"][0]["verdict"] in ("fail", "error") and "signal 11" in found["checks"][0]["reason"]


def test_a_target_that_makes_its_socket_anew(run_json, sessions):
    """… and under a name of its own, to which the command links ours. A connection may wait at the old one."""
    command = "ln -sf {socket}0 {socket}; " + sessions("again", "{socket}0")
    found = run_json("conform", "vhost-user:", "--device", "rng", "--check", "@(rng.*|vu.msg.order|vu.msg.form)",
                     "--command", command)
    assert found["summary"]["pass"] >= 4 and found["unexpected"] == 0


def test_a_network_that_others_are_on(run_json, backend_bin, tmp_path):
    """A frame comes that nobody sent, and what is sent does not come back: that is no loop, and no finding."""
    frame = bytes.fromhex("3333000000165254005253010086dd") + bytes(67)
    (tmp_path / "in.pcap").write_bytes(struct.pack("<IHHIIIIIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1, 0, 0,
                                                   len(frame), len(frame)) + frame)
    found = run_json("conform", "vhost-user:", "--device", "net", "--check", "net.@(rx|hostile).*", "--ring", "split",
                     "--command", f"exec {backend_bin} net --socket-path {{socket}} --pcap-read {tmp_path}/in.pcap",
                     "--timeout", "200ms")
    assert found["unexpected"] == 0
    told = {c["id"]: c for c in found["checks"]}
    assert told["net.rx.vlan"]["verdict"] == "skip" and "loop-back" in told["net.rx.vlan"]["reason"]
