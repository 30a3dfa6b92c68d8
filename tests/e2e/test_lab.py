# SPDX-License-Identifier: BSD-3-Clause
"""ringside lab: images, snapshots, jobs, and what becomes of a lab that goes wrong.

Tests that need a lab take it as it is in the cache, and are skipped when it is not there: ci/labs
builds labs and runs all of them.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys

import pytest

from lab_jobs import CHANGES, need_lab

USAGE, TARGET, INTERNAL = 2, 3, 4


@pytest.fixture(scope="session", autouse=True)
def package(repo):
    sys.path.insert(0, str(repo / "harness/scenario"))
    yield
    sys.path.remove(str(repo / "harness/scenario"))


@pytest.fixture(scope="session")
def kvm_lab(ringside):
    return need_lab(ringside, "kvm")


def lines(name, data, digest=None, size=None):
    text = base64.encodebytes(data).decode()
    return "".join([f"=rl1= file {name} {len(data) if size is None else size} "
                    f"{digest or hashlib.sha256(data).hexdigest()}\n",
                    *(f"=rl1= data {line}\n" for line in text.splitlines()),
                    f"=rl1= end {name}\n"])


def channel(text):
    from ringside_scenario.lab.channel import Channel
    return Channel(text)


def test_channel_takes_files_between_other_lines():
    data = os.urandom(1000)
    said = channel("[ 0.1] booting\n=rl1= begin\n[ 2.0] " + lines("out", data) +
                   "=rl1= verdict pass all well\nnoise\n=rl1= over 0\n")
    assert said.trouble is None
    assert said.files == {"out": data}
    assert said.verdict == ("pass", "all well")
    assert said.over == "0" and said.cut is None


@pytest.mark.parametrize("text, word", [
    (lines("out", b"abc", digest="0" * 64), "damaged"),
    (lines("out", b"abc", size=4), "damaged"),
    (lines("../out", b"abc"), "makes no sense"),
    (lines("out", b"abc", size=1 << 40), "makes no sense"),
    ("=rl1= data AAAA\n", "belongs to no file"),
    ("=rl1= file out 3 x\n=rl1= data !!!!\n", "damaged"),
    ("=rl1= end out\n", "did not begin"),
    ("=rl1= nonsense\n", "makes no sense"),
])
def test_channel_does_not_believe_what_is_wrong(text, word):
    said = channel(text)
    assert word in said.trouble
    assert said.files == {}


def test_channel_that_was_cut():
    whole = lines("out", os.urandom(500))
    said = channel(whole[:len(whole) // 2])
    assert said.files == {} and (said.cut == "out" or said.trouble)


def test_an_unknown_lab(ringside):
    for command in (("build", "nosuch"), ("run", "nosuch", "-c", "true"), ("shell", "nosuch")):
        done = ringside("lab", *command, status=(USAGE,))
        assert "no lab 'nosuch'" in done.stderr


def test_packages_that_cannot_be_had(ringside, tmp_path):
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "RINGSIDE_OFFLINE": "1"}
    env.pop("RINGSIDE_LAB_CACHE", None)
    done = ringside("lab", "build", "kvm", status=(INTERNAL,), env=env)
    assert "linux-image" in done.stderr and "RINGSIDE_OFFLINE" in done.stderr


def test_a_job_runs_and_hands_files_out(ringside, kvm_lab, tmp_path):
    done = ringside("lab", "run", kvm_lab, "-o", tmp_path, "-c",
                    "test -c /dev/kvm && echo there; seq 5000 >/tmp/n; give numbers /tmp/n")
    assert done.stdout == "there\n"
    assert (tmp_path / "numbers").read_text() == "".join(f"{n}\n" for n in range(1, 5001))


def test_a_job_that_fails(ringside, kvm_lab):
    assert ringside("lab", "run", kvm_lab, "-c", "echo no; false", status=(1,)).stdout == "no\n"


def test_a_panic_is_told_and_the_next_run_is_well(ringside, kvm_lab):
    done = ringside("lab", "run", kvm_lab, "-c", "echo c >/proc/sysrq-trigger; sleep 9",
                    status=(TARGET,))
    assert "panicked: " in done.stderr and "sysrq triggered crash" in done.stderr
    assert ringside("lab", "run", kvm_lab, "-c", "echo well").stdout == "well\n"


def test_a_job_that_does_not_end(ringside, kvm_lab):
    done = ringside("lab", "run", kvm_lab, "--timeout", "4", "-c", "while :; do :; done",
                    status=(TARGET,))
    assert "had not ended after 4 s" in done.stderr


def test_a_machine_that_ends_before_its_job(ringside, kvm_lab):
    done = ringside("lab", "run", kvm_lab, "-c", "reboot -f; sleep 9", status=(TARGET,))
    assert "ended before its job did" in done.stderr


def test_an_image_that_was_changed_is_noticed(ringside, kvm_lab, tmp_path):
    from ringside_scenario.lab import image
    source = os.path.join(image.cache(), kvm_lab, "image")
    copy = tmp_path / kvm_lab / "image"
    subprocess.run(["cp", "-r", source, copy.parent.parent / "image"], check=True)
    copy.parent.mkdir(exist_ok=True)
    os.rename(tmp_path / "image", copy)
    with open(copy / "kernel", "r+b") as f:
        f.seek(100000)
        f.write(b"\xff\xff\xff\xff")
    done = ringside("lab", "--cache", tmp_path, "build", kvm_lab, status=(INTERNAL,))
    assert "kernel in" in done.stderr and "is not what it was" in done.stderr


def test_two_runs_count_the_same(ringside, kvm_lab):
    """Every instruction since the snapshot: the counter at the end of the same work."""
    script = "awk 'BEGIN { for (i = 0; i < 20000; i++) s += i; print s }'; cat /proc/uptime; " \
             "cat /proc/stat /proc/interrupts /proc/timer_list 2>/dev/null"
    first = ringside("lab", "run", kvm_lab, "-c", script).stdout
    assert "199990000" in first
    assert first == ringside("lab", "run", kvm_lab, "-c", script).stdout


# --- the exact tier ----------------------------------------------------------------------------------


def raw_text(rows):
    """As `ringside collect --raw` writes them: (start, kicked, woken, end)."""
    return "start\tend\tns\tkicked\twoken\n" + "".join(
        f"{s}\t{e}\t{e - s}\t{k}\t{w}\n" for s, k, w, e in rows)


def stamp_file(stamps, total=None):
    import struct
    return struct.pack("<4Q", 0x31706D6174735352, total or len(stamps), len(stamps), 0) + b"".join(
        struct.pack("<3Q", *s) for s in stamps)


ROWS = [(100, 110, 180, 200), (300, 310, 380, 401), (500, 510, 580, 600)]
STAMPS = [(130, 150, 160), (330, 350, 360), (530, 550, 560)]
HEAD = {"ringside": "0", "created": "2026-01-01T00:00:00Z",
        "target": {"name": "n", "approach": "kvm-library", "device": "blk", "ring": "split",
                   "backend": "ringside-backend"},
        "lab": {"name": "kvm", "snapshot": "k"},
        "load": {"op": "read", "queue_depth": 1, "wait": "event", "requests": 3}}


def test_stages_of_a_request():
    from ringside_scenario import exact
    found = exact.document(exact.Sample(raw_text(ROWS), stamp_file(STAMPS)), HEAD, 2)
    assert found["instructions"]["median"] == 100 and found["instructions"]["max"] == 101
    medians = {s["stage"]: s["instructions"]["median"] for s in found["stages"]}
    assert medians == {"submit": 10, "notify": 20, "serve": 20, "call": 10, "inject": 20,
                       "reap": 20}


def test_stages_in_the_drivers_time():
    """QEMU's guest has a clock of its own, whose offset the kernel tells."""
    from ringside_scenario import exact
    for offset in (5000, -120):
        theirs = [tuple((t - offset) % (1 << 64) for t in stamp) for stamp in STAMPS]
        sample = exact.Sample(raw_text(ROWS), stamp_file(theirs), offset=offset)
        assert exact.document(sample, HEAD, 2)["stages"] == exact.document(
            exact.Sample(raw_text(ROWS), stamp_file(STAMPS)), HEAD, 2)["stages"]
        assert sample.difference(exact.Sample(raw_text(ROWS), stamp_file(theirs))) == \
            "the guest's clock"


def test_stages_need_stamps_of_the_same_clock():
    from ringside_scenario import exact
    elsewhere = [(b + 10000, e + 10000, c + 10000) for b, e, c in STAMPS]
    for stamps in (b"short", stamp_file(STAMPS[:2]), stamp_file(elsewhere),
                   stamp_file(STAMPS, total=9)):
        with pytest.raises(exact.NotExact):
            exact.document(exact.Sample(raw_text(ROWS), stamps), HEAD, 2)
    with pytest.raises(exact.NotExact):
        exact.document(exact.Sample(raw_text(ROWS[:2])), HEAD, 2)


def test_stages_of_a_device_that_does_not_tell():
    from ringside_scenario import exact
    found = exact.document(exact.Sample(raw_text(ROWS)), HEAD, 2)["stages"]
    assert [(s["stage"], s["instructions"]["median"]) for s in found] == [
        ("submit", 10), ("device", 70), ("reap", 20)]


@pytest.mark.parametrize("what, other", [
    ("raw", {"raw": raw_text(ROWS[:2] + [(500, 510, 580, 601)])}),
    ("stamps", {"stamps": stamp_file(STAMPS[:2] + [(530, 550, 561)])}),
    ("counts", {"counts": '{"exits": 4}'}),
])
def test_one_instruction_is_a_difference(what, other):
    from ringside_scenario import exact
    base = {"raw": raw_text(ROWS), "stamps": stamp_file(STAMPS), "counts": '{"exits": 3}'}
    first = exact.Sample(**base)
    assert first.difference(exact.Sample(**base)) is None
    assert first.difference(exact.Sample(**{**base, **other})).startswith(what)


def test_the_report_compares_approaches(ringside, tmp_path):
    from ringside_scenario import exact
    files = []
    for n, approach in enumerate(("direct", "kvm-library")):
        rows = [(s, k, w, e + 1000 * n) for s, k, w, e in ROWS]
        head = {**HEAD, "target": {**HEAD["target"], "approach": approach}}
        files.append(tmp_path / f"{approach}.json")
        files[-1].write_text(json.dumps(exact.document(
            exact.Sample(raw_text(rows), stamp_file(STAMPS)), head, 2)))
    ringside("report", "-o", tmp_path / "page", *files)
    page = (tmp_path / "page/index.html").read_text()
    assert "Instructions per request" in page and "+1000" in page and "kvm-library" in page


SCENARIO = """\
scenario: s
summary: a load in the lab
timeout: 400s
clock: instructions
matrix: {{hypervisor: {hypervisor}, connect: {connect}, driver: probe, arch: x86_64, device: blk}}
jobs:
{jobs}
"""


def run_in_lab(ringside, tmp_path, connect, *jobs, hypervisor="kvm-lab", status=(0,)):
    """{burn: exact.json} of benches in the lab, or the command's output when it went otherwise."""
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.format(hypervisor=hypervisor, connect=connect, jobs="".join(f"  - {j}\n" for j in jobs)))
    done = ringside("run", path, "-o", tmp_path / "out", "--no-report", status=status,
                    timeout=1200)
    if status != (0,):
        return done.stdout
    found = [json.loads(p.read_text()) for p in (tmp_path / "out").rglob("exact.json")]
    return {f["load"]["burn"]: f for f in found}


@pytest.mark.parametrize("hypervisor, connect", [
    ("kvm-lab", "library"), ("kvm-lab", "vhost-user"), ("xen-lab", "library"),
    ("xen-lab", "vhost-user"), ("xen-pvh-lab", "eventfd")])
def test_iterations_more_are_counted_exactly(ringside, tmp_path, hypervisor, connect):
    """N iterations in the back-end's service routine are N times a constant, no instruction less. Where other
    programs or Xen are on the way, all of a request also has ticks of timers in it, which fall elsewhere then: some
    thousand instructions in the median, and the iterations are many more."""
    need_lab(ringside, hypervisor.removesuffix("-lab"))
    found = run_in_lab(ringside, tmp_path, connect, *(
        f"bench: {{requests: 40, burn: {n}}}" for n in (10000, 30000)), hypervisor=hypervisor)
    # The least of them: where requests and ticks keep step, a tick is in most.
    serve = {n: next(s for s in f["stages"] if s["stage"] == "serve")["instructions"]["min"]
             for n, f in found.items()}
    total = {n: f["instructions"]["median"] for n, f in found.items()}
    constant, rest = divmod(serve[30000] - serve[10000], 20000)
    assert rest == 0 and constant > 0
    if (hypervisor, connect) == ("kvm-lab", "library"):
        assert total[30000] - total[10000] == 20000 * constant
    assert total[30000] > total[10000] > serve[10000] > 10000 * constant
    assert all(f["identical"] and f["runs"] == 2 for f in found.values())


@pytest.mark.parametrize("connect", ["qemu", "qemu-vhost-user"])
def test_qemu_with_kvm_in_the_lab(ringside, kvm_lab, tmp_path, connect):
    (found,) = run_in_lab(ringside, tmp_path, connect, "bench: {requests: 20}").values()
    assert found["target"]["approach"] == f"kvm-{connect}" and found["identical"]
    assert found["target"]["backend"] == ("qemu" if connect == "qemu" else "ringside-backend")
    # Where the back-end stamps: its clock has been related to the guest's.
    stages = {s["stage"]: s["instructions"]["median"] for s in found["stages"]}
    if connect == "qemu-vhost-user":
        assert sum(stages.values()) == pytest.approx(found["instructions"]["median"], rel=0.05)
        assert stages["serve"] > 0 and stages["notify"] > 0


def test_a_job_that_the_guest_cannot_do(ringside, kvm_lab, tmp_path):
    said = run_in_lab(ringside, tmp_path, "library", "bench: {requests: 20, op: discard}", status=(4,))
    assert "a job could not be done: " in said and "discard" in said, said


DYING = """\
scenario: {name}
summary: a check that a back-end may not survive
timeout: 400s
matrix: {{hypervisor: {hypervisor}, connect: vhost-user, driver: probe, arch: x86_64, device: blk}}
options: {{ringside-backend: [{options}]}}
jobs:
  - conform: {{timeout: 3s, quiet: 10ms, check: split.hostile.desc-zero}}
"""


@pytest.mark.parametrize("hypervisor", ["kvm-lab", "xen-lab"])
def test_a_cell_whose_back_end_dies_and_the_next(ringside, tmp_path, hypervisor):
    need_lab(ringside, hypervisor.removesuffix("-lab"))
    for name, options in (("dying", "--fault, desc-zero-dies"), ("sound", "")):
        (tmp_path / f"{name}.yaml").write_text(
            DYING.format(name=name, hypervisor=hypervisor, options=options))
    done = ringside("run", tmp_path / "dying.yaml", tmp_path / "sound.yaml", "-o", tmp_path / "out",
                    "--no-report", status=None, timeout=1200)
    found = {p.parts[-3]: json.loads(p.read_text()) for p in (tmp_path / "out").rglob("cell.json")}
    assert found["dying"]["status"] == "died", done.stdout
    assert "the back-end ended with status 70" in found["dying"]["reason"]
    assert found["sound"]["status"] == "pass", done.stdout


def test_a_back_end_that_is_killed_is_told(ringside, kvm_lab, tmp_path):
    """And the next run in the lab is well."""
    script = tmp_path / "job"
    script.write_text("""
ringside-backend rng --socket-path /tmp/b.sock &
backend=$!
until [ -S /tmp/b.sock ]; do usleep 10000; done
(usleep 300000; kill -9 $backend) &
ringside-vmm rng --mode vhost-user --socket-path /tmp/b.sock --stream /tmp/stream \\
    --kernel /guest/ringside-probe-x86_64 \\
    --append 'job=conform device=rng@mmio counter-hz=1000000000'
echo "vmm ended with $?"
""")
    done = ringside("lab", "run", kvm_lab, "--timeout", "100", script)
    assert "the back-end closed the connection" in done.stdout
    assert "vmm ended with 3" in done.stdout
    assert ringside("lab", "run", kvm_lab, "-c", "echo well").stdout == "well\n"


UNASKED = """
ringside-vmm scmi --mode {mode} --kernel /guest/ringside-probe-x86_64 --stream /tmp/stream \\
    --append 'job=conform device=scmi@mmio check=scmi.delayed.* timeout=3s counter-hz=1000000000'
echo "vmm ended with $?"
ringside collect --from /tmp/stream --format json --output /tmp/r.json
give r.json /tmp/r.json
"""


@pytest.mark.parametrize("mode", ["library", "eventfd"])
def test_what_a_guest_has_not_just_asked_for_comes(ringside, kvm_lab, tmp_path, mode):
    """A delayed response is due when the platform is ready: no access of the guest's brings it."""
    script = tmp_path / "job"
    script.write_text(UNASKED.format(mode=mode))
    done = ringside("lab", "run", kvm_lab, "--timeout", "100", "-o", tmp_path / "out", script)
    assert "vmm ended with 33" in done.stdout
    found = json.loads((tmp_path / "out/r.json").read_text())
    assert {c["id"]: c["verdict"] for c in found["checks"]} == dict.fromkeys(
        ("scmi.delayed.error-size", "scmi.delayed.later", "scmi.delayed.several"), "pass")


RESIZED = CHANGES + """
told=''
if [ {mode} = vhost-user ]; then
	ringside-backend blk --memory 16m --num-queues 1 --socket-path /tmp/s &
	told=$!
	until [ -S /tmp/s ]; do usleep 10000; done
fi
ringside-vmm blk --mode {mode} {device} --kernel /guest/ringside-probe-x86_64 --stream /tmp/stream \\
    --append 'job=conform device=blk@mmio check=@(mmio.generation|capacity.announced) changes=on timeout=3s counter-hz=1000000000' &
vmm=$!
changing ${told:-$vmm} $vmm
wait $vmm
echo "vmm ended with $?"
ringside collect --from /tmp/stream --format json --output /tmp/r.json
give r.json /tmp/r.json
"""


@pytest.mark.parametrize("mode", ["library", "eventfd", "vhost-user"])
def test_a_guest_is_told_of_a_disk_that_grows(ringside, kvm_lab, tmp_path, mode):
    """SIGUSR1 to the monitor, or to the back-end, which tells it on a channel of its own. mmio.generation waits for the
    interrupt without a look at the registers, which would have the monitor look at the back-end."""
    script = tmp_path / "job"
    script.write_text(RESIZED.replace("{mode}", mode).replace(
        "{device}", "--socket-path /tmp/s" if mode == "vhost-user" else "--memory 16m"))
    done = ringside("lab", "run", kvm_lab, "--timeout", "100", "-o", tmp_path / "out", script)
    assert "vmm ended with 33" in done.stdout
    found = json.loads((tmp_path / "out/r.json").read_text())
    assert {c["id"]: c["verdict"] for c in found["checks"]} == {"mmio.generation": "pass", "capacity.announced": "pass"}


@pytest.mark.parametrize("device, connect", [("gpio", "library"), ("console", "vhost-user"), ("i2c", "eventfd")])
def test_devices_that_are_more_than_disks(ringside, repo, kvm_lab, tmp_path, device, connect):
    """With what they are attached to, wherever the device is: nothing that was not expected, and not for want of it."""
    text = (repo / "scenarios/lab-devices.yaml").read_text()
    wanted = {"gpio": "gpio.*", "console": "console.@(data.*|hostile.*|ports.separate)", "i2c": "i2c.*"}[device]
    assert "quiet: 10ms}" in text
    path = tmp_path / "s.yaml"
    path.write_text(text.replace("quiet: 10ms}", f"quiet: 10ms, check: '{wanted}'}}"))
    ringside("run", path, "-k", f"{kvm_lab}-lab and {device} and {connect}", "-o", tmp_path / "out", "--no-report",
             timeout=1200)
    (found,) = [json.loads(p.read_text()) for p in (tmp_path / "out").rglob("conform.json")]
    verdicts = [c["verdict"] for c in found["checks"]]
    assert len(verdicts) > 3 and set(verdicts) == {"pass"}, verdicts


def test_a_guest_that_crashes_is_told(ringside, kvm_lab):
    done = ringside("lab", "run", kvm_lab, "-c", """
head -c 65536 /guest/ringside-probe-x86_64 >/tmp/cut
ringside-vmm rng --kernel /tmp/cut; echo "cut $?"
ringside-vmm rng --kernel /bin/ringside-vmm; echo "none $?"
cp /guest/ringside-probe-x86_64 /tmp/p
# Code becomes what no processor knows.
yes | head -c 65536 | dd of=/tmp/p bs=4096 seek=2 conv=notrunc 2>/dev/null
ringside-vmm rng --kernel /tmp/p --append job=list --stream /tmp/x; echo "wild $?"
""")
    assert "cut 1" in done.stdout and "none 1" in done.stdout
    assert "wild 5" in done.stdout and "the guest crashed" in done.stdout


def test_three_percent_more_are_found_in_the_lab(repo, build_dir, kvm_lab):
    """And what is the same is the same: 'ringside gate' says so. Ten times of ten: ci/nightly power."""
    assert kvm_lab
    done = subprocess.run([sys.executable, repo / "tests/bench/power", "--build", build_dir, "--lab", "kvm-lab",
                           "--tries", "2", "--format", "json"], stdout=subprocess.PIPE, check=True, timeout=3000)
    said = json.loads(done.stdout)
    assert said["found"] == said["tries"] == 2 and said["false-alarms"] == 0
