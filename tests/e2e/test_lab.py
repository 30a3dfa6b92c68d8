# SPDX-License-Identifier: BSD-3-Clause
"""ringside lab: images, snapshots, jobs, and what becomes of a lab that goes wrong.

Tests that need a lab take it as it is in the cache, and are skipped when it is not there: ci/labs
builds labs and runs all of them.
"""
import base64
import hashlib
import os
import subprocess
import sys

import pytest

USAGE, TARGET, INTERNAL = 2, 3, 4


@pytest.fixture(scope="session", autouse=True)
def package(repo):
    sys.path.insert(0, str(repo / "harness/scenario"))
    yield
    sys.path.remove(str(repo / "harness/scenario"))


@pytest.fixture(scope="session")
def kvm_lab(ringside):
    """The name of the lab, when its image is in the cache."""
    for line in ringside("lab", "list").stdout.splitlines():
        words = line.split()
        if words[0] == "kvm" and words[1] == "built":
            return "kvm"
    pytest.skip("the image of lab kvm is not in the cache: ringside lab build kvm, or ci/labs")


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
