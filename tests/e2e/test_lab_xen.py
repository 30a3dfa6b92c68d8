# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen: a device in each of its ways, and a clear word when something ends that should not.

Skipped when the lab's image is not in the cache: ci/labs builds it and runs these.
"""
import base64
import json
import re
import shutil
import struct
import subprocess

import pytest

import lab_jobs
from lab_jobs import BACKEND

PROBE = lab_jobs.probe("x86_64")
guest = lab_jobs.guest_of("x86_64")


@pytest.fixture(scope="module")
def lab(ringside, tmp_path_factory):
    return lab_jobs.runs_in("xen", ringside, tmp_path_factory)


@pytest.fixture(scope="module")
def pvh_lab(ringside, tmp_path_factory):
    return lab_jobs.runs_in("xen-pvh", ringside, tmp_path_factory)


def counts(text):
    found = {}
    for check in json.loads(text)["checks"]:
        found[check["verdict"]] = found.get(check["verdict"], 0) + 1
    return found


RNG = "job=conform device=rng check=rng*"


def test_each_way_of_connecting(lab):
    """Device model in the process, PVH and HVM; a back-end that maps the guest; copies for one that
    need not."""
    script = guest("rng", RNG, name="library")
    script += guest("rng", RNG, "--platform hvm --interrupt line", name="hvm")
    script += BACKEND.format(command="ringside-backend rng --socket-path /tmp/s")
    script += guest("rng", RNG, "--mode vhost-user --socket-path /tmp/s", name="foreign")
    script += guest("rng", RNG, "--mode vhost-user --socket-path /tmp/s --share bounce",
                    name="bounce")
    _, found = lab(script)
    for way in ("library", "hvm", "foreign", "bounce"):
        assert "status 33" in found[f"{way}.log"], found[f"{way}.log"]
        assert counts(found[f"{way}.json"]) == {"pass": 3}, way


def test_what_the_guest_has_granted(lab):
    """The back-end maps that through gntdev, and nothing else of the guest's."""
    script = BACKEND.format(command="ringside-backend rng --socket-path /tmp/s")
    script += (f"ringside-xen rng --kernel {PROBE} --mode vhost-user --socket-path /tmp/s --share grants "
               "--append 'job=bench device=rng op=fill rate=50 duration=600s' --stream /tmp/b.stream "
               ">/tmp/b.log 2>&1 &\nguest=$!\n"
               "n=0\nuntil grep gntdev /proc/$backend/maps >/tmp/maps; do usleep 10000; "
               "n=$((n + 1)); [ $n -lt 1000 ] || break; done\n"
               "cp /proc/$backend/maps /tmp/maps\ngive maps /tmp/maps\nkill $guest\nwait $guest\n"
               "give b.log /tmp/b.log\n")
    script += guest("rng", f"{RNG} rest=200us", "--mode vhost-user --socket-path /tmp/s --share grants")
    script += "give backend.log /tmp/backend.log\n"
    _, found = lab(script)
    mapped = [line for line in found["maps"].splitlines() if "/dev/xen" in line or "gntdev" in line]
    assert mapped and all("gntdev" in line for line in mapped), found
    start, end = (int(word, 16) for word in mapped[0].split()[0].split("-"))
    assert end - start == 64 << 20
    assert "status 33" in found["r.log"], (found["r.log"], found["backend.log"])
    assert counts(found["r.json"]) == {"pass": 3}, found["r.said"]


def test_what_is_broken_is_seen_through_xen(lab):
    _, found = lab(guest("rng", RNG, "--fault rng-used-len-plus-one"))
    assert counts(found["r.json"]).get("fail", 0) >= 1, found


def test_a_disk_that_grows(lab):
    """SIGUSR1 to ringside-xen, and to the back-end of its shim, which tells it on a channel of its own; the check waits
    for the interrupt without a look at the registers."""
    job = "job=conform device=blk rest=200us timeout=3s changes=on check=@(mmio.generation|capacity.announced)"
    script = lab_jobs.CHANGES + BLK_BACKEND
    # A bounced ring of the back-end's starts with the first request, and while none runs nothing is to be told.
    for name, options, told in (("library", "--memory 16m", "$guest"), ("foreign", SHIM, "$backend")):
        script += f"(\n{guest('blk', job, options, name=name)})"
        # The monitor is a child of that shell.
        script += (" &\nshell=$!\n"
                   "until guest=$(cat /proc/$shell/task/$shell/children) && [ \"$guest\" ] && "
                   "grep -q ringside-xen /proc/${guest%% *}/comm; do usleep 10000; done\nguest=${guest%% *}\n"
                   f"changing {told} $guest\nwait $shell\n")
    _, found = lab(script)
    for name in ("library", "foreign"):
        assert "status 33" in found[f"{name}.log"], found[f"{name}.log"]
        assert verdicts(found[f"{name}.json"]) == {"mmio.generation": "pass", "capacity.announced": "pass"}, name


def test_an_interrupt_comes_each_way(lab):
    script = ""
    for name, options in (("msi", ""), ("upcall", "--interrupt upcall"),
                          ("line", "--interrupt line --platform hvm")):
        script += guest("rng", "job=calibrate samples=20 user=0xd0000800 inject=0xd0000804 line=5",
                        options, name=name)
    _, found = lab(script)
    for name in ("msi", "upcall", "line"):
        assert "status 33" in found[f"{name}.log"], (name, found[f"{name}.log"])


def test_a_killed_back_end(lab):
    script = BACKEND.format(command="ringside-backend rng --socket-path /tmp/s")
    script += "(sleep 1; kill -9 $backend) &\n"
    script += guest("rng", "job=bench device=rng op=fill rate=50 duration=600s",
                    "--mode vhost-user --socket-path /tmp/s")
    # The lab is well, and so is the next guest.
    script += guest("rng", RNG, name="next")
    _, found = lab(script)
    assert "ringside-xen: the back-end went away\nstatus 3" in found["r.log"]
    assert counts(found["next.json"]) == {"pass": 3}


def entry_offset(image):
    """Where in an ELF file of 64 bits the code is that is entered first."""
    data = image.read_bytes()
    entry, headers = struct.unpack_from("<QQ", data, 24)
    size, count = struct.unpack_from("<HH", data, 54)
    for n in range(count):
        kind, _, offset, _, at, length = struct.unpack_from("<IIQQQQ", data, headers + n * size)
        if kind == 1 and at <= entry < at + length:
            return offset + entry - at
    raise ValueError(f"{image} has no code")


def test_a_crashed_guest(lab, build_dir):
    """There are no instructions where it is entered, and nobody yet who takes exceptions."""
    offset = entry_offset(build_dir / "probe/ringside-probe-x86_64")
    script = (f"cp {PROBE} /tmp/broken\n"
              "printf '\\017\\013\\017\\013' >/tmp/junk\n"
              f"dd if=/tmp/junk of=/tmp/broken bs=1 seek={offset} conv=notrunc 2>/dev/null\n"
              "ringside-xen rng --kernel /tmp/broken --silence 60 --append job=list "
              "--stream /tmp/b.stream >/tmp/b.log 2>&1\n"
              "echo status $? >>/tmp/b.log\ngive b.log /tmp/b.log\n")
    script += guest("rng", RNG, name="next")
    _, found = lab(script)
    assert re.search(r"ringside-xen: the guest crashed: .*\nstatus 5", found["b.log"]), found
    assert counts(found["next.json"]) == {"pass": 3}


def test_a_dom0_that_panics(lab):
    """Xen ends the machine then; the run says so, in one line."""
    done, _ = lab("echo 1 >/proc/sys/kernel/sysrq\necho c >/proc/sysrq-trigger\nsleep 5\n")
    assert done.returncode == 3, done.stderr
    assert re.search(r"the lab panicked: .*(Kernel panic|Dom0 crashed)", done.stderr), done.stderr


def glob_of(*checks):
    """Words of the probe: a job for each of these."""
    return " ".join(f"job=conform device=blk rest=200us timeout=3s check={c}" for c in checks)


BLK_BACKEND = BACKEND.format(command="ringside-backend blk --memory 16m --num-queues 1 "
                                     "--socket-path /tmp/s")
SHIM = "--mode vhost-user --socket-path /tmp/s"


def verdicts(text):
    """{check: verdict} of one job's result."""
    return {c["id"]: c["verdict"] for c in json.loads(text)["checks"]}


def test_a_shim_shows_what_the_back_end_shows(lab):
    """A ring that the back-end has given up, an interrupt for each of its calls and no more, and no
    feature whose configuration cannot be read."""
    checks = ("basic.status.needs-reset", "split.hostile.head-range", "split.notify.event-far",
              "blk.config.usable", "blk.features.honoured")
    script = BLK_BACKEND
    for n, check in enumerate(checks):
        script += guest("blk", glob_of(check), SHIM, name=f"c{n}")
    _, found = lab(script)
    for n, check in enumerate(checks):
        assert verdicts(found[f"c{n}.json"]) == {check: "pass"}, found[f"c{n}.said"]


QSD = BACKEND.format(command="qemu-storage-daemon --blockdev driver=file,filename=/tmp/d,node-name=n "
                             "--export type=vhost-user-blk,id=e,node-name=n,writable=on,"
                             "addr.type=unix,addr.path=/tmp/s")


def test_an_untouched_back_end_is_bounced(lab):
    """qemu-storage-daemon, which cannot map a guest of Xen's."""
    script = "[ -x /bin/qemu-storage-daemon ] && echo yes >/tmp/there && give there /tmp/there\n"
    script += "truncate -s 64M /tmp/d\n" + QSD
    script += guest("blk", glob_of("blk.rw*"), SHIM, name="foreign")
    script += guest("blk", glob_of("blk.rw*"), f"{SHIM} --share bounce", name="bounce")
    _, found = lab(script)
    if "there" not in found:
        pytest.skip("qemu-storage-daemon is not installed")
    assert "cannot map a guest of Xen's (XEN_MMAP)" in found["foreign.log"]
    assert "status 33" in found["bounce.log"]
    got = set(verdicts(found["bounce.json"]).values())
    assert "pass" in got and not got & {"fail", "error"}, found["bounce.said"]


def test_another_back_end_that_maps_the_guest(lab):
    """rust-vmm's, built for Xen. Its bytes arrive; the length that it reports is often 0, and after that it
    may serve no more."""
    script = "[ -x /bin/vhost-device-rng ] && echo yes >/tmp/there && give there /tmp/there\n"
    script += BACKEND.format(command="vhost-device-rng -s /tmp/s -f /dev/urandom").replace(
        "/tmp/s ]", "/tmp/s0 ]")
    script += guest("rng", f"{RNG} rest=200us timeout=3s", "--mode vhost-user --socket-path /tmp/s0")
    script += "give backend.log /tmp/backend.log\n"
    _, found = lab(script)
    if "there" not in found:
        pytest.skip("vhost-device-rng is not in the cache: ci/rust-vmm")
    assert "status 33" in found["r.log"], (found["r.log"], found["backend.log"])
    assert verdicts(found["r.json"])["rng.read.fresh"] == "pass", found["r.said"]
    assert verdicts(found["r.json"])["rng.read.something"] == "fail"
    assert "came back with length 0" in found["r.json"]


PANIC = """\
#include <stdlib.h>
#include <xendevicemodel.h>

int main(int argc, char **argv)
{
	xendevicemodel_handle *dm = xendevicemodel_open(NULL, 0);

	return !dm || xendevicemodel_set_isa_irq_level(dm, (domid_t)atoi(argv[1]), 5, 1);
}
"""


def test_a_hypervisor_that_panics(lab, tmp_path):
    """Xen 4.17 dies of a line that a PVH guest has not; the run says so, and the next one is well."""
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")
    (tmp_path / "panic.c").write_text(PANIC)
    built = subprocess.run(["cc", "-Os", "-s", "-D__XEN_TOOLS__", "-o", "panic", "panic.c",
                            "-lxendevicemodel"], cwd=tmp_path, capture_output=True, text=True,
                           timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    program = base64.encodebytes((tmp_path / "panic").read_bytes()).decode()
    script = f"base64 -d >/tmp/panic <<'END'\n{program}END\nchmod 755 /tmp/panic\n"
    script += (f"ringside-xen rng --kernel {PROBE} --append 'job=bench device=rng op=fill rate=50 "
               "duration=600s' --stream /tmp/s1 >/dev/null 2>&1 &\n"
               "until grep -q RSPF /tmp/s1 2>/dev/null; do usleep 10000; "
               "n=$((n + 1)); [ $n -lt 200 ] || break; done\n"
               "for d in 1 2 3; do /tmp/panic $d; done\nsleep 5\n")
    done, _ = lab(script)
    assert done.returncode == 3, done.stderr
    assert re.search(r"the lab panicked: Panic on CPU: .+", done.stderr), done.stderr
    _, found = lab(guest("rng", RNG))
    assert counts(found["r.json"]) == {"pass": 3}


def test_eventfds_of_the_kernel(pvh_lab):
    """Notifications and interrupts pass through dom0's kernel alone, and registers still work."""
    _, found = pvh_lab(guest("rng", f"{RNG} rest=200us", "--mode eventfd"))
    assert "status 33" in found["r.log"], found["r.log"]
    assert counts(found["r.json"]) == {"pass": 3}, found["r.said"]


def test_eventfds_are_refused_where_the_kernel_would_die(lab):
    _, found = lab(guest("rng", RNG, "--mode eventfd"))
    assert "eventfds need a PVH dom0" in found["r.log"] and "status 4" in found["r.log"]
