# SPDX-License-Identifier: BSD-3-Clause
"""ringside run: scenario files and complaints about them, cells and their verdicts, and that nothing
is left running however a run ends."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

QUICK = """\
scenario: quick
summary: a few checks over the socket
groups: [smoke]
timeout: 60s
matrix:
  backend: ringside-backend
jobs:
  - conform: {check: 'blk.id*', timeout: 10s}
"""


@pytest.fixture
def scenario(run_dir):
    """scenario(text, name=…): a file with that text, in a folder of its own."""
    folder = run_dir / "scenarios"
    folder.mkdir()

    def write(text, name="one.yaml"):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path
    return write


@pytest.fixture
def program(run_dir):
    """program(name, text): a back-end among the targets of a scenario."""
    folder = run_dir / "scenarios/targets"

    def write(name, text):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path
    return write


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            found += [int(p) for p in f.read().split()]
    return found


def descendants(pid):
    found = []
    try:
        for child in children(pid):
            found += [child] + descendants(child)
    except FileNotFoundError:
        pass
    return found


def alive(pid):
    """Is it there, and no zombie?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_true(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def cells_of(out):
    with open(out / "run.json", encoding="utf-8") as f:
        return json.load(f)["cells"]


# Files.

BAD = [
    ("scenario: [", 1, "this is not YAML"),
    ("- a\n", 1, "this is not a scenario: a mapping is expected"),
    (QUICK.replace("matrix:", "matrx:"), 5, "matrx: is not a key here: did you mean 'matrix'?"),
    (QUICK.replace("timeout: 60s", "timeout: 60"), 4, "timeout: a word is expected, not 60"),
    (QUICK.replace("timeout: 60s", "timeout: soon"), 4, 'timeout: "soon" is not a duration'),
    (QUICK.replace("  backend: ringside-backend", "  arch: [x86_64, pdp11]"), 6,
     "matrix.arch[1]: 'pdp11' is none of x86_64, aarch64, riscv64"),
    (QUICK.replace("  backend: ringside-backend", "  hypervisor: zen"), 6,
     "matrix.hypervisor: 'zen' is none of none,"),
    (QUICK.replace("scenario: quick\n", ""), 1, "scenario: is missing"),
    (QUICK.replace("scenario: quick", "scenario: quick\nscenario: slow"), 2,
     "scenario: stands here twice"),
    (QUICK.replace("  - conform: {", "  - conform: {chek: a, "), 8,
     "jobs[0].conform.chek: is not a key here: did you mean 'check'?"),
    (QUICK + "  - bench: {queue-depth: 0}\n", 9, "jobs[1].bench.queue-depth: 0 is less than 1"),
    (QUICK + "expect:\n  - file: gone.expect\n", 10,
     "expect[0].file: there is no file 'gone.expect' beside the scenario"),
    (QUICK + "exclude:\n  - {backend: ringside-backend}\n", 5, "matrix: no cell is left"),
    (QUICK + "  - bench: {duration: 1s}\n  - bench: {duration: 2s}\n", 10,
     "jobs[2]: bench-read-qd1["),
]


@pytest.mark.parametrize("text, line, message", BAD, ids=[b[2][:30] for b in BAD])
def test_a_complaint_names_file_line_and_key(ringside, scenario, text, line, message):
    path = scenario(text)
    done = ringside("run", path, status=(2,))
    assert f"{path}:{line}: {message}" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_is_said_at_once(ringside, scenario, run_dir):
    scenario(QUICK.replace("timeout: 60s", "timeout: soon"), "a.yaml")
    scenario(QUICK.replace("matrix:", "matrx:"), "b.yaml")
    done = ringside("run", run_dir / "scenarios", status=(2,))
    assert "a.yaml:4: " in done.stderr and "b.yaml:5: " in done.stderr


def test_what_has_no_results_leaves_no_folder(ringside, repo, tmp_path):
    """Nor does what is no scenario."""
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    env.pop("RINGSIDE_OUT", None)
    assert ringside("run", "--list", repo / "scenarios/approaches.yaml", env=env).stdout
    ringside("run", "--list", tmp_path / "none.yaml", status=None, env=env)
    assert not list(tmp_path.iterdir())


def test_two_scenarios_of_one_name(ringside, scenario, run_dir):
    scenario(QUICK, "a.yaml")
    scenario(QUICK, "b.yaml")
    done = ringside("run", run_dir / "scenarios", status=(2,))
    assert "b.yaml:1: scenario: 'quick' is also" in done.stderr


def test_those_of_the_tree_are_good(ringside, repo):
    lines = ringside("run", "--list", repo / "scenarios").stdout.splitlines()
    assert len(lines) == len(set(lines)) > 5
    assert any(line.startswith("blk-direct::conform[none-") for line in lines)
    assert not any(line.startswith("approaches::") for line in lines)
    lines = ringside("run", "--list", repo / "scenarios/approaches.yaml").stdout.splitlines()
    assert all(line.startswith("approaches::") for line in lines) and lines


def test_what_wants_to_be_named_is_left_out_of_a_folder(ringside, ringside_bin, scenario, repo):
    scenario(QUICK, "a.yaml")
    long = scenario("explicit: true\n" + QUICK.replace("quick", "long"), "long.yaml")
    done = ringside("run", "--list", long.parent)
    assert [line.split("::")[0] for line in done.stdout.splitlines()] == ["quick"]
    assert f"named: {long}\n" in done.stderr
    done = ringside("run", "--list", long.parent, long)
    assert {line.split("::")[0] for line in done.stdout.splitlines()} == {"quick", "long"}
    assert done.stderr == ""
    (long.parent / "a.yaml").unlink()
    assert "no cell" in ringside("run", long.parent, status=(2,)).stderr


# Runs.

def test_a_run(ringside, scenario, run_dir):
    out = run_dir / "out"
    done = ringside("run", scenario(QUICK), "-o", out)
    first, row, last, report = done.stdout.splitlines()
    assert first.startswith("verdict ") and row.startswith("pass ") and "pass" in last
    assert done.stderr == ""
    assert report == f"report: {out}/report/index.html"
    assert "<html" in (out / "report/index.html").read_text(encoding="utf-8")
    (cell,) = cells_of(out)
    assert (cell["status"], cell["axes"]["backend"]) == ("pass", "ringside-backend")
    folder = out / "cells/quick" / "conform.none-host-" f"{os.uname().machine}" \
        "-vhost-user-blk-ringside-backend"
    assert {"cell.json", "conform.json", "backend.log", "ringside.log"} <= set(os.listdir(folder))
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert manifest["schema"] == "ringside.run/1"
    assert manifest["host"]["cores"] >= 1 and manifest["software"]["ringside"]
    assert "<testsuite name=\"ringside\"" in (out / "junit.xml").read_text(encoding="utf-8")
    # Nobody's results are written over.
    assert "--resume" in ringside("run", scenario(QUICK), "-o", out, status=(2,)).stderr


def test_several_at_once(ringside, scenario, run_dir):
    pytest.importorskip("xdist")
    for name in ("a", "b", "c"):
        scenario(QUICK.replace("scenario: quick", f"scenario: {name}"), f"{name}.yaml")
    done = ringside("run", run_dir / "scenarios", "--jobs", 2, "-o", run_dir / "out",
                    "--no-report")
    assert "3 cells: 3 pass in" in done.stdout
    assert [c["scenario"] for c in cells_of(run_dir / "out")] == ["a", "b", "c"]


def test_an_unexpected_verdict(ringside, scenario, run_dir):
    path = scenario(QUICK + "options:\n  ringside-backend: [--fault, blk-id-not-padded]\n")
    done = ringside("run", path, "-o", run_dir / "out", "--no-report", status=(1,))
    assert done.stdout.splitlines()[1].startswith("fail ")
    assert "blk.id.lengths: fail" in done.stdout


def test_a_back_end_that_is_not_there(ringside, scenario, run_dir):
    scenario(QUICK)
    done = ringside("run", run_dir / "scenarios", "-o", run_dir / "out", "--no-report",
                    status=(4,), env={**os.environ, "RINGSIDE_BACKEND": "/nonexistent/backend"})
    assert "/nonexistent/backend is not there" in done.stdout and "1 error" in done.stdout


def test_a_need_that_is_not_met(ringside, scenario, run_dir):
    path = scenario(QUICK + "needs: [no-such-program]\n")
    done = ringside("run", path, "-o", run_dir / "out")
    assert "no-such-program is not installed" in done.stdout and "1 skip" in done.stdout
    ringside("run", path, "-o", run_dir / "out2", "--no-skip", status=(1,))


def test_a_back_end_that_never_listens(ringside, scenario, program, run_dir):
    """It has children of its own that care for no signal; none is left."""
    program("deaf", "#!/bin/sh\n"
            f"(trap '' TERM; sleep 1000) & echo $! >{run_dir}/child\nsleep 1000\n")
    path = scenario(QUICK.replace("ringside-backend", "deaf").replace("60s", "3s"))
    done = ringside("run", path, "-o", run_dir / "out", "--no-report", status=(3,))
    assert "1 hung" in done.stdout or "1 died" in done.stdout
    pid = int((run_dir / "child").read_text())
    await_true(lambda: not alive(pid), "the child's end")


def slow_run(ringside_bin, path, out, *more):
    """A run in a session of its own, with its temporary files beside its output."""
    run = subprocess.Popen([ringside_bin, "run", path, "-o", out, "--no-report", *more],
                           env={**os.environ, "TMPDIR": str(out.parent)},
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, start_new_session=True)
    return run


SLEEPER = "#!/bin/sh\n(trap '' TERM INT; sleep 1000) &\nsleep 1000\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c(ringside, ringside_bin, scenario, program, run_dir, jobs):
    """It ends soon, with what was found, and nothing is left; --resume does the rest."""
    out = run_dir / "out"
    program("sleeper", SLEEPER)
    scenario(QUICK)
    scenario(QUICK.replace("scenario: quick", "scenario: slow")
             .replace("ringside-backend", "sleeper"), "two.yaml")
    run = slow_run(ringside_bin, run_dir / "scenarios", out, "--jobs", str(jobs))
    started = out / "cells/slow"
    await_true(lambda: started.exists() and len(descendants(run.pid)) >= 4 and
               list(out.glob("cells/quick/*/cell.json")), "the second cell")
    below = descendants(run.pid)
    run.send_signal(signal.SIGINT)
    stdout, stderr = run.communicate(timeout=30)
    assert run.returncode == 130, stdout + stderr
    assert "Traceback" not in stderr
    assert "1 pass" in stdout and "(interrupted)" in stdout
    assert [p for p in below if alive(p)] == []
    # Where TMPDIR is short enough for sockets below that of the run.
    assert len(str(run_dir)) > 22 or not list(run_dir.glob("ringside-*"))
    assert {c["scenario"]: c["status"] for c in cells_of(out)}["quick"] == "pass"
    # Now it serves at once.
    program("sleeper", f"#!/bin/sh\nexec '{ringside_bin}-backend' blk --memory 1m "
                       "--socket-path \"$1\"\n")
    before = next(out.glob("cells/quick/*/cell.json")).stat().st_mtime_ns
    done = ringside("run", "--resume", out, "--no-report")
    assert "2 cells: 2 pass in" in done.stdout
    assert next(out.glob("cells/quick/*/cell.json")).stat().st_mtime_ns == before


@pytest.mark.parametrize("victim", ["front", "run"])
def test_kill_9(ringside_bin, scenario, program, run_dir, victim):
    """Even then: what was started ends with it."""
    program("sleeper", SLEEPER)
    path = scenario(QUICK.replace("ringside-backend", "sleeper"))
    run = slow_run(ringside_bin, path, run_dir / "out")
    await_true(lambda: len(descendants(run.pid)) >= 5, "the back-end")
    below = descendants(run.pid)
    os.kill(run.pid if victim == "front" else children(run.pid)[0], signal.SIGKILL)
    run.communicate(timeout=30)
    assert run.returncode != 0
    await_true(lambda: not any(alive(p) for p in below), "the end of all that was started", 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system: needs root")
def test_a_full_disk(ringside, scenario, run_dir):
    small = run_dir / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", small],
                      capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        out = small / "out"
        out.mkdir()
        with open(small / "ballast", "wb") as f:
            f.write(bytes(100 << 10))
        path = scenario(QUICK.replace("check: 'blk.id*'", "check: 'blk.*'"))
        done = ringside("run", path, "-o", out, "--no-report", status=(4,))
        assert "disk is full" in done.stdout or "No space left" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", small], check=True)


# Guests.

GUEST = """\
scenario: guest
summary: the probe on QEMU's entropy device
timeout: 60s
matrix:
  hypervisor: qemu-tcg
  driver: probe
  arch: x86_64
  device: rng
  backend: qemu
jobs:
  - conform: {check: 'rng.*'}
"""


@pytest.fixture
def guest(scenario, run_dir, repo, build_dir):
    """guest(text): a scenario with a guest, beside the list of QEMU's devices."""
    if not shutil.which("qemu-system-x86_64"):
        pytest.skip("qemu-system-x86_64 is not installed: ci/bootstrap run")
    if not (build_dir / "probe/ringside-probe-x86_64").exists():
        pytest.skip("the probe is not built: ci/bootstrap guests")
    for name in ("qemu", "expect"):
        (run_dir / "scenarios" / name).symlink_to(repo / "scenarios" / name)
    return scenario


def test_a_guest(ringside, guest, run_dir):
    out = run_dir / "out"
    done = ringside("run", guest(GUEST), "-o", out, "--no-report")
    assert "1 cell: 1 pass" in done.stdout
    (folder,) = out.glob("cells/guest/*")
    assert {"command", "console.log", "qemu.log", "stream", "conform.json"} <= \
        set(os.listdir(folder))
    found = json.loads((folder / "conform.json").read_text(encoding="utf-8"))
    assert found["summary"]["pass"] >= 3 and found["target"]["name"].startswith("qemu rng, qemu-tcg")


def test_a_hung_guest(ringside, guest, run_dir):
    """Its processor stands still."""
    path = guest(GUEST.replace("60s", "2s") + "qemu: [-S]\n")
    start = time.monotonic()
    done = ringside("run", path, "-o", run_dir / "out", "--no-report", status=(3,))
    assert "1 hung" in done.stdout and "had not ended after 2 s" in done.stdout
    assert time.monotonic() - start < 60
    assert no_qemu_of(run_dir)


def no_qemu_of(run_dir):
    """No process has the folder on its command line."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as f:
                if name.isdigit() and str(run_dir).encode() in f.read() and int(name) != os.getpid():
                    return False
        except OSError:
            pass
    return True


def words_of(pid):
    """A process's command line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode().split("\0")
    except OSError:
        return [""]


def test_a_crashing_hypervisor(ringside_bin, guest, run_dir):
    """A real QEMU ends by a signal in the middle: not the target's fault."""
    run = slow_run(ringside_bin, guest(GUEST + "qemu: [-S]\n"), run_dir / "out")

    def qemu():
        """The guest's, not one that is asked for its version."""
        return [p for p in descendants(run.pid)
                if words_of(p)[0] == "qemu-system-x86_64" and "-S" in words_of(p)]
    await_true(qemu, "QEMU")
    os.kill(qemu()[0], signal.SIGSEGV)
    stdout, stderr = run.communicate(timeout=50)
    assert run.returncode == 4, stdout + stderr
    assert "1 hypervisor" in stdout and "qemu was ended by SIGSEGV" in stdout
    assert no_qemu_of(run_dir)


@pytest.mark.parametrize("ring", ["split", "packed"])
def test_the_ring_is_an_axis(ringside, guest, run_dir, ring):
    """Directly and in a guest: what is negotiated is what the cell says."""
    text = GUEST.replace("device: rng", f"device: blk\n  ring: {ring}").replace(
        "backend: qemu", "backend: ringside-backend").replace(
        "hypervisor: qemu-tcg", "hypervisor: [none, qemu-tcg]").replace(
        "driver: probe", "driver: [host, probe]").replace(
        "  - conform: {check: 'rng.*'}", "  - bench: {requests: 50, op: read}")
    path = guest(text + "exclude:\n  - {hypervisor: none, driver: probe}\n"
                        "  - {hypervisor: qemu-tcg, driver: host}\n")
    out = run_dir / "out"
    ringside("run", path, "-o", out, "--no-report")
    found = [json.loads(p.read_text(encoding="utf-8")) for p in out.glob("cells/*/*/bench.json")]
    assert [f["workload"]["ring"] for f in found] == [ring, ring]


def test_a_hypervisor_that_is_not_there(ringside, guest, run_dir):
    empty = run_dir / "bin"
    empty.mkdir()
    for name in ("setpriv", "git"):
        if shutil.which(name):
            (empty / name).symlink_to(shutil.which(name))
    done = ringside("run", guest(GUEST), "-o", run_dir / "out", env={**os.environ,
                                                                     "PATH": str(empty)})
    assert "qemu-system-x86_64 is not installed" in done.stdout and "1 skip" in done.stdout


@pytest.fixture
def plain_pytest(ringside_bin, run_dir, repo):
    """The plug-in by itself."""
    env = {**os.environ, "RINGSIDE": str(ringside_bin), "RINGSIDE_OUT": str(run_dir / "out"),
           "PYTHONPATH": str(repo / "harness/scenario"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments):
        return subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p",
                               "ringside_scenario.plugin", "-p", "no:cacheprovider",
                               "-c", os.devnull, *arguments],
                              env=env, capture_output=True, text=True, timeout=120, cwd=run_dir,
                              check=False)
    return run


def test_plain_pytest(plain_pytest, scenario):
    """Selection and reports are pytest's."""
    done = plain_pytest("-k", "smoke", scenario(QUICK))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_plain_pytest_leaves_the_same_out(plain_pytest, scenario):
    long = scenario("explicit: true\n" + QUICK)
    assert "no tests collected" in plain_pytest("--collect-only", long.parent).stdout
    assert "1 test collected" in plain_pytest("--collect-only", long).stdout


def test_without_pytest_it_says_so(ringside_bin, run_dir):
    """Some machines have Python and not pytest."""
    fake = run_dir / "pytest.py"
    fake.write_text("raise ImportError('no pytest here')\n")
    done = subprocess.run([ringside_bin, "run", "--help"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(run_dir)}, timeout=30, check=False)
    shutil.rmtree(run_dir / "__pycache__", ignore_errors=True)
    assert done.returncode != 0 and "python3-pytest" in done.stderr
