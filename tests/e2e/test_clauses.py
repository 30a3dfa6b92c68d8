# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue: ringside clauses, ringside explain, and the generator that compiles it."""
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import fcntl
import termios

import pytest

USAGE = 2
CLAUSE = "v14.split-ring.used-ring.dev.2"
BLK = ("--device", "blk", "--transport", "vhost-user")


@pytest.fixture(scope="module")
def clauses(run_json):
    return run_json("clauses")["clauses"]


@pytest.fixture(scope="module")
def a_check(clauses):
    """Some registered check's id."""
    for c in clauses:
        if c["checks"]:
            return c["checks"][0]
    pytest.skip("no check is registered")


def ids(result):
    return [c["id"] for c in result["clauses"]]


def assert_one_line(done):
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("ringside: ")


# --- clauses --------------------------------------------------------------------------------------

def test_json_list(run_json):
    result = run_json("clauses")
    assert result["schema"] == "ringside.clauses/1"
    assert result["count"] == len(result["clauses"]) > 2500
    assert len(set(ids(result))) == result["count"]
    keys = {"id", "actor", "level", "section", "number", "summary", "feature", "observable",
            "checks", "testable", "covered", "covered_on"}
    for c in result["clauses"]:
        assert set(c) - {"reason"} == keys
        assert c["actor"] in ("device", "driver")
        assert c["level"] in ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
        assert c["covered"] == bool(c["checks"])
        assert set(c["covered_on"]) <= set(c["observable"])


def test_every_table_row_is_listed(run_json, repo):
    rows = 0
    for table in (repo / "harness/spec/data").glob("*.tsv"):
        lines = table.read_text(encoding="ascii").splitlines()
        rows += len(lines) - 1 if lines[0].startswith("id\t") else 0
    assert run_json("clauses")["count"] == rows


def test_filters_choose_what_their_fields_say(run_json, clauses):
    def listed(*options):
        return ids(run_json("clauses", *options))

    def where(accept):
        return [c["id"] for c in clauses if accept(c)]

    assert listed("--actor", "driver") == where(lambda c: c["actor"] == "driver")
    assert listed("--level", "must") == where(lambda c: c["level"] == "MUST")
    assert listed("--level", "may,should-not") == where(
        lambda c: c["level"] in ("MAY", "SHOULD NOT"))
    assert listed("--transport", "mmio") == where(lambda c: "mmio" in c["observable"])
    assert listed("--section", "v14.blk") == where(lambda c: c["id"].startswith("v14.blk."))
    assert listed("--section", "VU.ring.*") == where(lambda c: c["id"].startswith("VU.ring."))
    assert listed("--section", "*BLOCK device*") == where(
        lambda c: "block device" in c["section"].lower())
    assert listed("--section", "2.7") == where(
        lambda c: c["number"] == "2.7" or c["number"].startswith("2.7."))
    assert listed("--section", "nothing.like.it") == []
    assert listed("--section", CLAUSE) == [CLAUSE]


def test_device_leaves_other_types_out(run_json):
    listed = set(ids(run_json("clauses", "--device", "blk")))
    assert {"v14.blk.init.dev.1", CLAUSE, "VU.ring.start.be.1", "ROB.blk.data"} <= listed
    assert not {"v14.net.tx.dev.11", "VU.gpu.socket.be.1", "VU.net.mtu.be.1"} & listed


def test_text_is_one_line_per_clause_in_a_pipe(ringside, clauses):
    lines = ringside("clauses").stdout.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == [c["id"] for c in clauses]
    assert re.fullmatch(rf"{len(clauses)} clauses, \d+ testable, \d+ of them covered", lines[-1])


def test_text_mark(ringside, clauses):
    for line, c in zip(ringside("clauses").stdout.splitlines(), clauses):
        mark = "+" if c["covered"] else "-" if c["testable"] else " "
        assert re.match(rf"{re.escape(c['id'])} +{re.escape(mark)} (MUST|SHOULD|MAY)", line), line


def on_a_terminal(argv, columns):
    """What a command prints on a terminal so wide, as lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    output = b""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        try:
            while chunk := os.read(ours, 65536):
                output += chunk
        except OSError:  # EIO: the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    return output.decode().splitlines()


@pytest.mark.parametrize("columns", [60, 100])
def test_a_terminal_is_not_overrun(ringside_bin, columns):
    for argv in (["clauses", "--section", "v14.split-ring"], ["explain", CLAUSE]):
        lines = on_a_terminal([ringside_bin, *argv], columns)
        assert len(lines) > 10
        for line in lines:
            assert len(line) <= columns, line


def test_coverage(run_json, clauses):
    result = run_json("clauses", "--coverage")
    assert result["schema"] == "ringside.coverage/1"
    assert result["testable"] == sum(c["testable"] for c in clauses)
    assert result["covered"] == sum(c["testable"] and c["covered"] for c in clauses)
    for key in ("testable", "covered"):
        assert result[key] == sum(s[key] for s in result["sections"])
    names = [s["section"] for s in result["sections"]]
    assert len(set(names)) == len(names)
    assert {"v14.split-ring.used-ring", "v14.blk.init", "VU.ring.start", "ROB.live"} <= set(names)
    for s in result["sections"]:
        assert 0 <= s["covered"] <= s["testable"] > 0


TRANSPORTS = {"vhost-user", "mmio", "pci", "guest"}


def test_coverage_by_transport(run_json, clauses, ringside):
    result = run_json("clauses", "--coverage")
    assert set(result["transports"]) == TRANSPORTS
    for t, counts in result["transports"].items():
        there = [c for c in clauses if c["testable"] and t in c["observable"]]
        assert counts == {"testable": len(there),
                          "covered": sum(t in c["covered_on"] for c in there)}
        for key, value in counts.items():
            assert value == sum(s["transports"][t][key] for s in result["sections"])
        assert run_json("clauses", "--coverage", "--transport", t)["covered"] == counts["covered"]
    head, *rows = ringside("clauses", "--coverage").stdout.splitlines()
    assert head.split() == ["section", "testable", "covered", "vhost-user", "mmio", "pci", "guest"]
    assert len({len(row) for row in rows[:-2]}) == 1, "columns are aligned"
    ours = result["transports"]["mmio"]
    assert rows[-3].split()[4] == f"{ours['covered']}/{ours['testable']}"


def test_a_check_covers_where_it_runs(clauses):
    on = {c["id"]: c["covered_on"] for c in clauses}
    assert on["v14.mmio.registers.dev.8"] == ["mmio"]
    assert on["v14.pci.isr.dev.1"] == ["pci"]
    assert on["v14.split-ring.used-ring.dev.2"] == ["vhost-user", "mmio", "pci"]
    assert on["VU.ring.start.be.1"] == ["vhost-user"]
    # A queue is reset with registers; nothing of the kind goes over the socket.
    assert on["v14.basic.vq-reset.dev.1"] == ["mmio", "pci"]


def test_a_transport_chooses_its_column(run_json, ringside):
    result = run_json("clauses", "--coverage", "--transport", "pci", "--transport", "mmio")
    assert set(result["transports"]) == {"pci", "mmio"}
    head = ringside("clauses", "--coverage", "--transport", "pci").stdout.splitlines()[0]
    assert head.split() == ["section", "testable", "covered", "pci"]


CORE = re.compile(r"v14\.(basic|init|split-ring|packed-ring|shared-mem|pci|mmio|reserved-features)\.")


def test_registers_are_covered(clauses):
    """Of what binds a device in the core, over PCI and over MMIO; administration queues and SR-IOV apart."""
    rows = [c for c in clauses if CORE.match(c["id"]) and c["testable"] and c["level"].startswith("MUST")
            and not re.search("ADMIN_VQ|SR_IOV", c["feature"])]
    covered = [c for c in rows if c["covered"]]
    assert len(covered) >= 0.9 * len(rows)
    assert [c["id"] for c in rows if not c["covered"] and "reason" not in c] == []


def test_what_is_covered_needs_no_reason(clauses, ringside):
    assert [c["id"] for c in clauses if c["covered"] and "reason" in c] == []
    uncovered = ringside("clauses", "--uncovered").stdout.splitlines()
    assert all(line.startswith(("v14.", "VU.", "ROB.")) for line in uncovered[:-2])
    assert any(" Not covered: " in line for line in uncovered)


def test_coverage_of_a_transport_is_a_part(run_json):
    everywhere = run_json("clauses", "--coverage", "--device", "blk")
    there = run_json("clauses", "--coverage", *BLK)
    assert 0 < there["testable"] < everywhere["testable"]


def test_coverage_and_uncovered_agree(run_json, ringside):
    coverage = run_json("clauses", "--coverage", *BLK)
    uncovered = run_json("clauses", "--uncovered", *BLK)
    assert uncovered["count"] == coverage["testable"] - coverage["covered"]
    assert all(c["testable"] and "vhost-user" not in c["covered_on"] and c["actor"] == "device"
               for c in uncovered["clauses"])
    last = ringside("clauses", "--coverage", *BLK).stdout.splitlines()[-1]
    assert last.startswith(f"{coverage['testable']} testable, {coverage['covered']} covered")


def test_testable_is_what_can_be_shown_and_broken(clauses):
    for c in clauses:
        if c["testable"]:
            assert c["actor"] == "device" and c["observable"] and c["level"] != "MAY"


def test_proof_restricts_what_counts(run_json, a_check, tmp_path):
    proof = tmp_path / "proof.json"
    all_of_them = run_json("clauses", "--coverage")["covered"]

    proof.write_text(json.dumps({"checks": []}))
    assert run_json("clauses", "--coverage", "--proof", proof)["covered"] == 0
    proof.write_text(json.dumps({"checks": [{"id": a_check, "proven": True},
                                            {"id": "no.such-check", "proven": True}]}))
    one = run_json("clauses", "--coverage", "--proof", proof)["covered"]
    assert 0 < one <= all_of_them
    proof.write_text(json.dumps({"checks": [{"id": a_check, "proven": False}]}))
    assert run_json("clauses", "--coverage", "--proof", proof)["covered"] == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"checks": [{"id": "x"}]}'])
def test_what_is_no_proof_is_refused(ringside, tmp_path, text):
    proof = tmp_path / "proof.json"
    proof.write_text(text)
    assert_one_line(ringside("clauses", "--coverage", "--proof", proof, status=(USAGE,)))


@pytest.mark.parametrize("argv", [
    ["--actor", "guest"], ["--level", "shall"], ["--transport", "usb"], ["--device", "floppy"],
    ["--format", "junit"], ["--proof", "/nonexistent"], ["--nonsense"], ["--section"],
    ["v14.blk"], ["--coverage", "--uncovered"], ["--coverage", "--actor", "driver"],
])
def test_usage_errors_are_one_line(ringside, argv):
    assert_one_line(ringside("clauses", *argv, status=(USAGE,)))


@pytest.mark.parametrize("command", ["clauses", "explain"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(ringside, command, option):
    done = ringside(command, option)
    assert done.stdout.startswith(f"usage: ringside {command} ")
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["clauses", "explain"])
def test_every_option_of_the_help_is_in_the_manual(ringside, repo, command):
    page = (repo / f"harness/cli/man/ringside-{command}.1").read_text()
    for option in re.findall(r"^  --([a-z]+)", ringside(command, "--help").stdout, re.M):
        assert f"Fl -{option}" in page, option


# --- explain --------------------------------------------------------------------------------------

@pytest.fixture
def with_backend(ringside_bin, tmp_path):
    """with_backend(SCRIPT)(*args): a ringside that has this ringside-backend beside it."""
    def start(script):
        shutil.copy(ringside_bin, tmp_path / "ringside")
        if script is not None:
            backend = tmp_path / "ringside-backend"
            backend.write_text("#!/bin/sh\n" + script)
            backend.chmod(0o755)

        def run(*args, status=0):
            done = subprocess.run([tmp_path / "ringside", *args], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False, env={"PATH": "/nonexistent:/bin"})
            assert done.returncode == status, done.stdout + done.stderr
            return done
        return run
    return start


def faults_script(*faults):
    """A back-end that lists these (name, clause, summary)."""
    listed = [dict(zip(("name", "clause", "summary"), f)) for f in faults]
    return ('[ "$*" = "--list-faults --format json" ] || exit 9\n'
            f"cat <<'END'\n{json.dumps(listed)}\nEND\n")


def test_explain_a_clause(with_backend):
    run = with_backend(faults_script(("used-len-more", CLAUSE, "reports one byte too many"),
                                     ("other", "ROB.blk.data", "something else")))
    text = run("explain", CLAUSE).stdout
    for word in (CLAUSE, "2.7.8.2", "MUST", "device", "vhost-user, mmio, pci",
                 "!VIRTIO_F_RING_PACKED", "used-len-more", "reports one byte too many"):
        assert word in text, word
    assert "something else" not in text

    result = json.loads(run("explain", CLAUSE, "--format", "json").stdout)
    assert result["schema"] == "ringside.explain/1"
    assert (result["kind"], result["id"]) == ("clause", CLAUSE)
    assert result["clause"]["document"] == "VIRTIO 1.4"
    assert [c["id"] for c in result["checks"]] == result["clause"]["checks"]
    assert [f["name"] for f in result["faults"]] == ["used-len-more"]


def test_the_reference_backend_lists_its_faults(run_json, backend_bin):
    faults = run_json("explain", CLAUSE)["faults"]
    assert faults is not None, f"{backend_bin} --list-faults --format json"
    assert all(f["clause"] == CLAUSE for f in faults)


def test_explain_a_check(run_json, ringside, a_check):
    result = run_json("explain", a_check)
    assert (result["kind"], result["id"]) == ("check", a_check)
    check, = result["checks"]
    assert check["stimulus"] and check["oracle"] and check["clauses"]
    text = ringside("explain", a_check).stdout
    for word in (a_check, check["stimulus"], check["oracle"], *check["clauses"]):
        assert word in text


def test_explain_a_fault(with_backend, clauses):
    covered = next((c for c in clauses if c["covered"]), None)
    if not covered:
        pytest.skip("no check is registered")
    run = with_backend(faults_script(("some-fault", covered["id"], "does it wrong")))
    text = run("explain", "some-fault").stdout
    for word in ("some-fault", "does it wrong", covered["id"], *covered["checks"]):
        assert word in text
    result = json.loads(run("explain", "some-fault", "--format", "json").stdout)
    assert result["kind"] == "fault"
    assert [c["id"] for c in result["checks"]] == covered["checks"]
    check = json.loads(run("explain", covered["checks"][0], "--format", "json").stdout)
    assert [f["name"] for f in check["faults"]] == ["some-fault"]


@pytest.mark.parametrize("script", [
    None, "exit 1", "exit 0", "echo nonsense", "echo '{}'", "echo '{\"faults\": [1]}'",
    f"printf '%s' '{json.dumps({'faults': []})}'; exit 3", "kill -9 $$",
    "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
])
def test_faults_that_cannot_be_known_are_said_to_be(with_backend, script):
    run = with_backend(script)
    assert re.search(r"unknown: .*ringside-backend", run("explain", CLAUSE).stdout)
    result = json.loads(run("explain", CLAUSE, "--format", "json").stdout)
    assert result["faults"] is None
    assert "ringside-backend" in result["faults_unknown"]


@pytest.mark.slow
def test_a_backend_that_hangs_is_given_up(with_backend):
    assert "unknown: " in with_backend("exec sleep 100")("explain", CLAUSE).stdout


@pytest.mark.parametrize("typed, meant", [
    ("v14.split-ring.used-rign.dev.2", CLAUSE),  # clause-ids: ignore
    ("VU.rings.start.be.1", "VU.ring.start.be.1"),  # clause-ids: ignore
    ("ROB.chain", "ROB.chain.returned"),
])
def test_the_nearest_ids_are_suggested(ringside, typed, meant):
    done = ringside("explain", typed, status=(USAGE,))
    assert_one_line(done)
    assert "did you mean" in done.stderr and meant in done.stderr


@pytest.mark.parametrize("argv", [
    [], [CLAUSE, CLAUSE], ["--format", "tap", CLAUSE], ["--nonsense", CLAUSE], [""], ["x" * 5000],
])
def test_explain_usage_errors(ringside, argv):
    assert_one_line(ringside("explain", *argv, status=(USAGE,)))


# --- the generator --------------------------------------------------------------------------------

HEADER = "id\tactor\tsection\tnumber\tlevel\tsummary\tfeature\tobservable\tcheck\tnote\n"
MADE_UP = "ROB.some.rule"  # clause-ids: ignore
ROW = MADE_UP + "\tdevice\tSection\t\tMUST\tIt does.\t\tpci\tLook.\t\n"


@pytest.fixture
def generate(build_dir, tmp_path):
    """generate(*tables): run spec-gen over tables with these contents."""
    def run(*tables):
        paths = []
        for i, text in enumerate(tables):
            paths.append(tmp_path / f"table{i}.tsv")
            paths[-1].write_text(text)
        output = tmp_path / "out.c"
        done = subprocess.run([build_dir / "harness/spec/spec-gen", "clauses", output, *paths],
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return done, output.read_text() if output.exists() else None
    return run


def test_a_good_table_is_generated(generate):
    done, text = generate(HEADER + ROW)
    assert done.returncode == 0 and done.stderr == ""
    assert f'"{MADE_UP}"' in text and "clause_count = 1;" in text


def test_quotes_and_backslashes_are_escaped(generate):
    _, text = generate(HEADER + ROW.replace("It does.", 'a "b" \\n c'))
    assert r'.summary = "a \"b\" \\n c"' in text


@pytest.mark.parametrize("table, where", [
    (HEADER + ROW + ROW.replace("MUST", "MOST"), "table0.tsv:3: error: column 'level': "),
    (HEADER + ROW.replace("\tpci", "\tpcie"), "table0.tsv:2: error: column 'observable': "),
    (HEADER + ROW + "ROB.leak.fds\tdevice\n", "table0.tsv:3: error: column 'section': "),
    (HEADER + ROW[:-1], "table0.tsv:2: error: "),
    (HEADER.replace("level", "levle") + ROW, "table0.tsv:1: error: "),
    (HEADER + ROW + ROW, "table0.tsv:3: error: column 'id': "),
])
def test_a_bad_table_fails_the_build_and_says_where(generate, table, where):
    done, text = generate(table)
    assert done.returncode == 1 and text is None
    assert len(done.stderr.splitlines()) == 1
    assert where in done.stderr


REASONS = "clause\treason\n"


def test_reasons_go_to_their_clauses(generate):
    other = ROW.replace(MADE_UP, "ROB.some.other")  # clause-ids: ignore
    _, text = generate(HEADER + ROW + other, REASONS + f"{MADE_UP}\tFirst.\nROB.some.*\tRest.\n")
    other_first, one = text.split("clause_count")[0].split("\t},\n")[:2]
    assert '.reason = "Rest."' in other_first and '.reason = "First."' in one


@pytest.mark.parametrize("row, where", [
    ("ROB.no.such\tWhy.\n", "table1.tsv:2: error: column 'clause': "),  # clause-ids: ignore
    (f"{MADE_UP}\t\n", "table1.tsv:2: error: column 'reason': "),
    ("ROB.so*\tWhy.\n", "table1.tsv:2: error: column 'clause': "),  # clause-ids: ignore
    (f"{MADE_UP}\tWhy.\n{MADE_UP}\tAgain.\n", "table1.tsv:3: error: column 'clause': "),
])
def test_a_reason_for_nothing_fails_the_build(generate, row, where):
    done, text = generate(HEADER + ROW, REASONS + row)
    assert done.returncode == 1 and text is None
    assert where in done.stderr


def test_an_id_in_two_tables_names_both(generate):
    done, _ = generate(HEADER + ROW, HEADER + ROW)
    assert done.returncode == 1
    assert "table0.tsv:2" in done.stderr and "table1.tsv:2" in done.stderr
