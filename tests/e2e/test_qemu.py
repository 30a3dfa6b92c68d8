# SPDX-License-Identifier: BSD-3-Clause
"""ringside conform on devices inside QEMU, and on a QEMU that does not start or dies."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

IMAGE = "arg=-drive&arg=if=none,id=d,format=raw,file={image}"
BLK_PCI = f"qemu:virtio-blk-pci,drive=d?{IMAGE}"
BLK_MMIO = f"qemu:virtio-blk-device,drive=d?{IMAGE}"
READ = ("--check", "split.used-len.in")


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: ci/bootstrap run")


@pytest.fixture(autouse=True)
def x86():
    need("qemu-system-x86_64")


@pytest.mark.parametrize("uri, transport, arch", [
    (BLK_PCI, "pci", "x86_64"),
    (BLK_MMIO, "mmio", "x86_64"),
    (BLK_PCI + "&arch=aarch64", "pci", "aarch64"),
    (BLK_MMIO + "&arch=aarch64", "mmio", "aarch64"),
    (BLK_PCI + "&machine=pc", "pci", "x86_64"),
])
def test_block_checks_run_over_registers(run_json, uri, transport, arch):
    need(f"qemu-system-{arch}")
    result = run_json("conform", uri, *READ)
    assert result["target"]["transport"] == transport
    assert result["target"]["device"] == "blk"
    assert [c["verdict"] for c in result["checks"]] == ["pass"]


@pytest.mark.parametrize("device, name", [
    ("virtio-rng-pci", "rng"), ("virtio-net-pci", "net"), ("virtio-serial-pci", "console"),
    ("virtio-scsi-device", "scsi"), ("virtio-keyboard-device", "input"),
])
def test_a_type_without_checks_has_those_for_all(run_json, device, name):
    # One of them finds fault with QEMU's virtio-mmio.
    result = run_json("conform", f"qemu:{device}", "--check", "basic.features.*", status=(0, 1))
    assert result["target"]["device"] == name
    ids = {c["id"]: c["verdict"] for c in result["checks"]}
    assert ids["basic.features.version-1"] == "pass"
    assert "basic.features.each" not in ids, "that one needs block requests"


# As scenarios/qemu/targets.tsv has it, and how many rings have to move in it: nothing passes by being skipped.
@pytest.mark.parametrize("name, passes", [("scsi-pci", 24), ("scsi-mmio", 24), ("scsi-pci-packed", 38),
                                          ("keyboard-pci", 22), ("keyboard-mmio", 22),
                                          ("vhost-user-fs-pci", 22), ("vhost-user-fs-mmio", 22)])
def test_rings_of_a_device_whose_requests_go_elsewhere(run_json, repo, backend_bin, name, passes):
    """Not to queue 0: those before are there and idle."""
    rows = [line.split("\t") for line in (repo / "scenarios/qemu/targets.tsv").read_text(encoding="utf-8").splitlines()]
    (_, uri, command, expect), = [row for row in rows if row[0] == name]
    options = [] if expect == "-" else ["--expect", str(repo / "scenarios/expect" / expect)]
    if command != "-":
        options += ["--command", command.replace("{build}/bin/ringside-backend", str(backend_bin))]
    result = run_json("conform", uri, "--check", "@(split|packed|basic.answer).*", "--timeout", "5s", *options)
    verdicts = {c["id"]: c["verdict"] for c in result["checks"]}
    assert list(verdicts.values()).count("pass") >= passes, verdicts
    assert verdicts["basic.answer.own"] == "pass"
    if name.startswith("keyboard"):
        assert verdicts["split.used-len.answer"] == "fail"
    assert "error" not in verdicts.values()


def test_a_configuration_space_that_ends_early_is_not_accused(run_json):
    """QEMU's block device ends before the bytes behind write_zeroes_may_unmap."""
    result = run_json("conform", BLK_PCI, "--check", "blk.config.padding")
    assert result["checks"][0]["verdict"] == "info"


def test_a_device_that_qemu_does_not_know(ringside):
    done = ringside("conform", "qemu:no-such-device-pci", *READ, status=(3,))
    assert "no-such-device-pci" in done.stderr, "QEMU's own words"


def test_a_program_that_is_not_there(ringside):
    done = ringside("conform", "qemu:virtio-rng-pci?qemu=/nonexistent/qemu",
                    "--check", "basic.*", status=(3,))
    assert "/nonexistent/qemu" in done.stderr


@pytest.mark.parametrize("spec", ["", "virtio-rng-pci?arch=vax", "virtio-rng-pci?colour=red",
                                  "virtio-rng-pci?machine"])
def test_uris_that_are_none(ringside, spec):
    ringside("conform", f"qemu:{spec}", status=(2,))


def test_a_legacy_window_is_recognised(ringside, run_dir):
    """A QEMU whose virtio-mmio is of version 1, whatever it is told."""
    wrapper = run_dir / "legacy-qemu"
    wrapper.write_text("#!/bin/bash\n"
                       f"exec {shutil.which('qemu-system-x86_64')} "
                       '"${@/force-legacy=off/force-legacy=on}"\n')
    wrapper.chmod(0o755)
    done = ringside("conform", f"qemu:virtio-rng-device?qemu={wrapper}", "--check", "basic.*",
                    status=(3,))
    assert "legacy" in done.stderr and "version 1" in done.stderr


def test_qemu_dies_during_a_check(run_json, run_dir):
    """A QEMU that is killed as soon as DRIVER_OK was set once: a verdict with its last words."""
    wrapper = run_dir / "dying-qemu"
    wrapper.write_text("#!/bin/sh\n"
                       "echo 'last words' >&2\n"
                       f"exec timeout -s KILL 3 {shutil.which('qemu-system-x86_64')} \"$@\"\n")
    wrapper.chmod(0o755)
    # A check that is made to wait for longer than QEMU lives.
    result = run_json("conform", f"{BLK_PCI}&qemu={wrapper}", "--check", "split.*",
                      "--quiet", "1s", status=(1, 3))
    died = [c for c in result["checks"] if c["verdict"] == "error"]
    assert died
    assert any("killed" in c["reason"] or "exited" in c["reason"] for c in died)
    # It is started again: not everything behind is lost.
    assert any(c["verdict"] == "pass" for c in result["checks"])


def processes_with(text):
    """Pids whose command line has `text` in it: what a run started is known by its folder's name."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(text).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


@pytest.fixture
def own_tmp(run_dir):
    """The environment in which all that a run makes is in a folder of the test's; empty afterwards."""
    tmp = run_dir / "tmp"
    tmp.mkdir()
    yield dict(os.environ, TMPDIR=str(tmp))
    assert not list(tmp.iterdir()), "files are left"
    assert not processes_with(tmp), "processes are left"


def program(path, script):
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


BEHIND = ("qemu:vhost-user-blk-pci,chardev=c,num-queues=2{}?{}arg=-chardev&"
          "arg=socket,id=c,path={{socket}}")


@pytest.fixture
def behind(backend_bin):
    """The arguments for our back-end behind a device of QEMU's; with a prefix to its command."""
    def arguments(prefix="", keys=""):
        return (BEHIND.format("", keys), "--command",
                f"exec {prefix} {backend_bin} blk --socket-path {{socket}} --memory 64M")
    return arguments


def test_a_back_end_behind_qemu(run_json, behind, own_tmp):
    """The back-end is started with QEMU, and both are started anew between groups."""
    result = run_json("conform", *behind(), "--check", "@(split.used-len|blk.rw).*", env=own_tmp)
    assert result["target"]["transport"] == "pci"
    assert {c["verdict"] for c in result["checks"]} == {"pass"}


def test_what_a_failed_check_broke_is_not_the_next_ones_verdict(run_json, behind, own_tmp):
    """Behind head-range the ring is stuck for good; the checks after it have a fresh device."""
    result = run_json("conform", *behind(), "--check", "split.hostile.@(head-range|next-range|recovers)",
                      status=(1,), env=own_tmp)
    verdicts = {c["id"]: c["verdict"] for c in result["checks"]}
    assert verdicts == {"split.hostile.head-range": "fail", "split.hostile.next-range": "pass",
                        "split.hostile.recovers": "pass"}


def test_what_qemu_prints_is_evidence(run_json, behind):
    result = run_json("conform", *behind(), "--check", "split.hostile.head-range", status=(1,))
    log = result["checks"][0]["evidence"]["log"]
    assert any(line.startswith("  QEMU: ") and "vring error" in line for line in log), log


def test_nobody_waits_for_a_back_end_that_has_gone(run_json, behind):
    """It refuses a ring outside memory and closes the connection: the deadline is not waited out."""
    result = run_json("conform", *behind(), "--check", "split.hostile.ring-outside",
                      "--timeout", "1000s", status=(1,))
    assert result["checks"][0]["verdict"] == "fail"
    assert any("closed QEMU's connection" in line for line in result["checks"][0]["evidence"]["log"])


def test_the_back_end_behind_qemu_dies(run_json, behind, own_tmp):
    result = run_json("conform", *behind("timeout -s KILL 1"), "--check", "split.notify.*",
                      "--quiet", "1s", status=(3,), env=own_tmp)
    reasons = [c["reason"] for c in result["checks"] if c["verdict"] == "error"]
    assert any("lost its back-end" in r and "killed" in r for r in reasons), reasons
    assert "during split.notify" in result["died"]


def test_a_back_end_that_does_not_start(ringside, own_tmp):
    done = ringside("conform", BEHIND.format("", ""), "--command", "echo no such disk >&2; exit 4",
                    "--check", "basic.*", status=(3,), env=own_tmp)
    assert "status 4" in done.stderr and "no such disk" in done.stderr


def test_a_command_and_no_place_for_its_socket(ringside, backend_bin):
    done = ringside("conform", "qemu:virtio-rng-pci", "--command", str(backend_bin), status=(2,))
    assert "{socket}" in done.stderr
    done = ringside("conform", BEHIND.format("", ""), status=(2,))
    assert "--command" in done.stderr


def test_a_real_crash_of_qemu(run_json, behind, own_tmp):
    """QEMU 7.2 dies of a queue that is enabled late, once the device is reset."""
    result = run_json("conform", *behind(), "--check", "regs.queue.*", status=None, env=own_tmp)
    checks = {c["id"]: c for c in result["checks"]}
    late = checks.pop("regs.queue.enabled-late")
    if late["verdict"] == "pass":
        pytest.skip("this QEMU does not crash any more")
    assert late["verdict"] == "fail"
    assert "QEMU was killed by signal 11" in late["reason"]
    assert late["clause"] == "ROB.live.bad-request"
    assert "during regs.queue.enabled-late" in result["died"]
    verdicts = {c["verdict"] for c in checks.values()}
    assert "pass" in verdicts <= {"pass", "skip", "info"}, "those before and behind it"


def test_an_expected_crash_is_no_failure(ringside, behind, run_dir):
    expect = run_dir / "known.expect"
    expect.write_text("regs.queue.enabled-late fail ROB.live.bad-request: as reported\n")
    ringside("conform", *behind(), "--check", "regs.queue.*", "--expect", expect)


def test_qemu_hangs(run_json, run_dir, own_tmp):
    """A QEMU that is stopped does not end by itself, nor does it answer."""
    wrapper = program(run_dir / "stopping-qemu",
                      "qemu-system-x86_64 \"$@\" &\nsleep 1\nkill -STOP $!\nwait\n")
    started = time.monotonic()
    result = run_json("conform", f"qemu:virtio-blk-pci,drive=d?qemu={wrapper}&{IMAGE}", "--check",
                      "split.notify.@(event-exact|event-far|flag-set)", "--quiet", "1s",
                      status=(3,), env=own_tmp)
    hung = [c for c in result["checks"] if c["verdict"] == "error"]
    assert hung and all("no longer answers" in c["reason"] for c in hung), hung
    assert hung[0]["id"] in result["died"]
    assert time.monotonic() - started < 100, "one deadline for each, no more"


@pytest.mark.parametrize("uri, words", [
    ("qemu:virtio-rng-pci,colour=red", "colour"),
    ("qemu:virtio-blk-pci,drive=d?arg=-drive&arg=if=none,id=d,format=raw,file=/nonexistent/image",
     "/nonexistent/image"),
    ("qemu:virtio-blk-pci", "drive"),
    ("qemu:virtio-rng-pci?machine=q35,colour=red", "colour"),
    ("qemu:virtio-rng-pci?arg=--no-such-option", "no-such-option"),
])
def test_a_qemu_that_cannot_start(ringside, own_tmp, uri, words):
    """Its own words, in one line, and no verdict on a device that is not there."""
    done = ringside("conform", uri, "--check", "basic.*", status=(3,), env=own_tmp)
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--device" not in done.stderr, "not a question of what it is"


def test_a_qemu_that_says_nothing(ringside, run_dir, own_tmp):
    """It neither connects nor ends."""
    wrapper = program(run_dir / "silent-qemu", f"exec sleep 600 # {run_dir}\n")
    done = ringside("conform", f"qemu:virtio-rng-pci?qemu={wrapper}", "--check", "basic.*",
                    status=(3,), env=own_tmp)
    assert "did not connect" in done.stderr


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(ringside_bin, behind, own_tmp, run_dir, sig):
    with subprocess.Popen([ringside_bin, "conform", *behind(), "--format", "json", "-o",
                           run_dir / "out.json"], env=own_tmp) as process:
        end = time.monotonic() + 20
        while len(processes_with(own_tmp["TMPDIR"])) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(sig)
        assert process.wait(60) == 128 + sig


def test_nothing_is_left_behind(ringside, own_tmp):
    ringside("conform", BLK_PCI, *READ, env=own_tmp)


def test_the_table_of_devices(repo, build_dir):
    """ci/qemu-devices prints one line per device and says what is unexpected."""
    done = subprocess.run([repo / "ci/qemu-devices", "--build", build_dir, "rng-pci", "rng-mmio"],
                          stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1:-1]] == ["rng-pci", "rng-mmio"]
