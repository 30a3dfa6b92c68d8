# SPDX-License-Identifier: BSD-3-Clause
"""The lab of Xen on arm64. What needs the lab is skipped when its image is not in the cache, or our programs for it are
not in the build tree: ci/labs builds both and runs these. The rest is about what the lab is made of."""
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import pytest

import lab_jobs
from lab_jobs import BACKEND

NAME = "xen-arm64"
PROBE = lab_jobs.probe("aarch64")
guest = lab_jobs.guest_of("aarch64")
RNG = "job=conform device=rng check=rng* rest=200us"
SHIM = "--mode vhost-user --socket-path /tmp/s"


@pytest.fixture(scope="module", autouse=True)
def package(repo):
    sys.path.insert(0, str(repo / "harness/scenario"))
    yield
    sys.path.remove(str(repo / "harness/scenario"))


@pytest.fixture(scope="module")
def lab(ringside, build_dir, tmp_path_factory):
    found = lab_jobs.runs_in(NAME, ringside, tmp_path_factory)
    if not (build_dir / "aarch64/bin/ringside-xen").exists():
        pytest.skip(f"our programs for lab {NAME} are not built: ringside lab build {NAME}, or ci/labs")
    return found


def verdicts(text):
    return {c["id"]: c["verdict"] for c in json.loads(text)["checks"]}


def test_each_way_of_connecting(lab):
    script = guest("rng", RNG, name="library")
    script += BACKEND.format(command="ringside-backend rng --socket-path /tmp/s")
    script += guest("rng", RNG, SHIM, name="foreign")
    script += guest("rng", RNG, SHIM, "--share bounce", name="bounce")
    _, found = lab(script)
    for way in ("library", "foreign", "bounce"):
        assert "status 33" in found[f"{way}.log"], found[f"{way}.log"]
        assert set(verdicts(found[f"{way}.json"]).values()) == {"pass"}, found[f"{way}.said"]
        assert len(verdicts(found[f"{way}.json"])) == 3


def test_a_block_device(lab):
    script = guest("blk", "job=conform device=blk check=blk.rw* rest=200us", "--memory 16m", name="library")
    script += BACKEND.format(command="ringside-backend blk --memory 16m --num-queues 1 --socket-path /tmp/s")
    script += guest("blk", "job=conform device=blk check=blk.rw* rest=200us", SHIM, name="foreign")
    _, found = lab(script)
    for way in ("library", "foreign"):
        assert "status 33" in found[f"{way}.log"], found[f"{way}.log"]
        got = set(verdicts(found[f"{way}.json"]).values())
        assert "pass" in got and not got & {"fail", "error"}, found[f"{way}.said"]


def test_what_is_broken_is_seen_through_xen(lab):
    _, found = lab(guest("rng", RNG, "--fault rng-used-len-plus-one"))
    assert "fail" in verdicts(found["r.json"]).values(), found


def test_what_the_hypervisor_charges(lab):
    """A hypercall, an access that dom0 answers, an interrupt by the line; the same figures each time."""
    words = "counter-hz=1000000000 job=calibrate samples=50 user=0x02000800 inject=0x02000804 line=33"
    script = guest("rng", words) + ("ringside collect --from /tmp/r.stream --figures /tmp/figures >/dev/null\n"
                                    "give figures /tmp/figures\n")
    first, second = lab(script)[1], lab(script)[1]
    assert "status 33" in first["r.log"], first["r.log"]
    from ringside_scenario import exact
    figures = exact.read_figures(first["figures"])
    assert set(figures) == {"clock", "exit", "mmio-exit", "interrupt"}
    assert figures["clock"]["median"] < figures["exit"]["median"] < figures["mmio-exit"]["median"]
    assert first["figures"] == second["figures"]


def test_a_killed_back_end(lab):
    script = BACKEND.format(command="ringside-backend rng --socket-path /tmp/s")
    script += "(sleep 1; kill -9 $backend) &\n"
    script += guest("rng", "job=bench device=rng op=fill rate=50 duration=600s", SHIM)
    # The lab is well, and so is the next guest.
    script += guest("rng", RNG, name="next")
    _, found = lab(script)
    assert "ringside-xen: the back-end went away\nstatus 3" in found["r.log"], found["r.log"]
    assert set(verdicts(found["next.json"]).values()) == {"pass"}


def test_a_crashed_guest(lab):
    """It branches into nothing where it is entered, and there is nobody yet who takes exceptions."""
    script = (f"cp {PROBE} /tmp/broken\n"
              # From the entry on: an instruction that is none.
              "dd if=/dev/zero of=/tmp/broken bs=4 count=1 conv=notrunc 2>/dev/null\n"
              "ringside-xen rng --kernel /tmp/broken --silence 2 --append job=list "
              "--stream /tmp/b.stream >/tmp/b.log 2>&1\n"
              "echo status $? >>/tmp/b.log\ngive b.log /tmp/b.log\n")
    script += guest("rng", RNG, name="next")
    _, found = lab(script)
    assert re.search(r"ringside-xen: the guest (crashed: .*\nstatus 5|has asked for nothing for 2 s\nstatus 6)",
                     found["b.log"]), found
    assert set(verdicts(found["next.json"]).values()) == {"pass"}


def test_a_dom0_that_panics(lab):
    done, _ = lab("echo 1 >/proc/sys/kernel/sysrq\necho c >/proc/sysrq-trigger\nsleep 5\n")
    assert done.returncode == 3, done.stderr
    assert re.search(r"the lab panicked: .*(Kernel panic|Dom0 crashed)", done.stderr), done.stderr


def test_what_arm64_has_not(lab):
    script = ""
    for name, options in (("msi", "--interrupt msi"), ("upcall", "--interrupt upcall"),
                          ("hvm", "--platform hvm"), ("eventfd", "--mode eventfd")):
        script += guest("rng", RNG, options, name=name)
    _, found = lab(script)
    for name in ("msi", "upcall", "hvm", "eventfd"):
        assert "status 2" in found[f"{name}.log"], found[f"{name}.log"]


SCENARIO = """\
scenario: s
summary: a load in the lab
timeout: 900s
clock: instructions
matrix: {{hypervisor: xen-lab-arm64, connect: {connect}, driver: probe, device: blk}}
jobs: [{{bench: {{requests: 20}}}}, {{bench: {{requests: 20, burn: 1000}}}}, {{bench: {{requests: 20, burn: 3000}}}}]
"""


@pytest.mark.parametrize("connect", ["library", "vhost-user"])
def test_cells_of_the_exact_tier(ringside, lab, tmp_path, connect):
    """Two runs are the same; the stages, which two clocks tell, add up; and iterations more are counted exactly."""
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.format(connect=connect))
    ringside("run", path, "-o", tmp_path / "out", "--no-report", timeout=1200)
    found = {f["load"]["burn"]: f for f in (json.loads(p.read_text())
                                            for p in (tmp_path / "out").rglob("exact.json"))}
    assert set(found) == {0, 1000, 3000}
    for one in found.values():
        assert one["identical"] and one["runs"] == 2 and one["lab"]["name"] == NAME
        assert one["target"]["approach"] == f"xen-arm64-{connect}"
        assert one["calibration"]["exit"]["median"] < one["calibration"]["mmio-exit"]["median"]
        assert one["instructions"]["count"] == 20
        # A notification, and the interrupt status read and acknowledged.
        assert one["counts"] == {"mmio_exits": 60, "interrupts": 20}
        assert len(one["stages"]) == 6
        total = sum(s["instructions"]["median"] for s in one["stages"])
        assert total == pytest.approx(one["instructions"]["median"], rel=0.05)
    serve = {n: next(s for s in f["stages"] if s["stage"] == "serve")["instructions"]["median"]
             for n, f in found.items()}
    constant, rest = divmod(serve[3000] - serve[1000], 2000)
    assert rest == 0 and constant > 0


# --- what the lab is made of ---------------------------------------------------------------------------------


def image_of(data):
    from ringside_scenario.lab import xen_arm64
    return xen_arm64._image(data)


IMAGE = b"MZ" + b"\0" * 54 + b"ARM\x64" + b"text" * 500


def test_dom0s_kernel_as_debian_may_pack_it():
    packed = gzip.compress(IMAGE)
    program = b"MZ\0\0zimg" + struct.pack("<II", 64, len(packed)) + b"gzip" + b"\0" * 44 + packed + b"rest"
    assert image_of(IMAGE) == image_of(packed) == image_of(program) == IMAGE
    from ringside_scenario.lab.base import NotMade
    with pytest.raises(NotMade):
        image_of(b"MZ\0\0zimg" + struct.pack("<II", 64, 8) + b"\0" * 48 + b"\x28\xb5\x2f\xfd....")


def test_libraries_of_another_architecture(tmp_path):
    """What a program needs, and what that needs; one that is missing is named."""
    compiler = "aarch64-linux-gnu-gcc"
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    folder = tmp_path / "root/usr/lib/aarch64-linux-gnu"
    folder.mkdir(parents=True)

    def build(text, *argv):
        source = tmp_path / "x.c"
        source.write_text(text)
        subprocess.run([compiler, "-nostdlib", "-o", *argv[:1], source, *argv[1:]], cwd=tmp_path, check=True,
                       timeout=120)
    build("int b(void) { return 1; }", folder / "libb.so.1", "-shared", "-Wl,-soname,libb.so.1")
    build("int b(void); int a(void) { return b(); }", folder / "liba.so.1", "-shared", "-Wl,-soname,liba.so.1",
          folder / "libb.so.1")
    build("int a(void); void _start(void) { a(); }", tmp_path / "program", folder / "liba.so.1",
          f"-Wl,-rpath-link,{folder}", "-Wl,--dynamic-linker=/lib/ld.so")
    from ringside_scenario.lab import libraries
    from ringside_scenario.lab.base import NotMade
    (tmp_path / "root/lib").mkdir()
    (tmp_path / "root/lib/ld.so").write_text("loader")
    found = libraries.gather([str(tmp_path / "program")], str(tmp_path / "root"), "aarch64")
    where = "usr/lib/aarch64-linux-gnu"
    assert set(found) == {"bin/program", "lib/ld.so", f"{where}/liba.so.1", f"{where}/libb.so.1"}
    assert found["bin/program"].content()[:4] == b"\x7fELF"
    os.unlink(folder / "libb.so.1")
    with pytest.raises(NotMade) as why:
        libraries.gather([str(tmp_path / "program")], str(tmp_path / "root"), "aarch64")
    assert "liba.so.1 needs libb.so.1" in str(why.value)


def test_a_register_of_a_machine_that_stands_still(tmp_path):
    """By QEMU's debugger interface, with the counter's rate, which the lab's processor is given, for an example."""
    qemu = shutil.which("qemu-system-aarch64")
    if not qemu:
        pytest.skip("qemu-system-aarch64 is not installed")
    from ringside_scenario import process
    from ringside_scenario.lab import gdb, qmp
    path = str(tmp_path / "gdb")
    with process.Processes() as processes:
        one = processes.start("qemu", [qemu, "-M", "virt,virtualization=on", "-cpu", "cortex-a57,cntfrq=1000000000",
                                       "-m", "64", "-S", "-nodefaults", "-display", "none", "-qmp",
                                       f"unix:{tmp_path}/qmp,server=on,wait=off"], str(tmp_path / "log"))
        monitor = qmp.Monitor(str(tmp_path / "qmp"), one, 60)
        monitor.run("human-monitor-command", **{"command-line": f"gdbserver unix:{path},server=on,wait=off"})
        debugger = gdb.Gdb(path)
        assert debugger.register("CNTFRQ_EL0") == 1000000000
        assert debugger.register("CNTVOFF_EL2") == 0
        with pytest.raises(qmp.Refused, match="no register NOSUCH"):
            debugger.register("NOSUCH")
        debugger.close()
        monitor.close()


def test_a_debugger_interface_that_is_none(tmp_path):
    import socket
    import threading
    from ringside_scenario.lab import gdb, qmp
    path = str(tmp_path / "s")
    with pytest.raises(qmp.Refused):
        gdb.Gdb(path)
    for answer in (b"", b"-", b"+$", b"+$m<x", b"+$#00", b"+$E01#a6"):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)

            def serve(server=server, answer=answer):
                with server.accept()[0] as connection:
                    connection.recv(4096)
                    connection.sendall(answer)
            thread = threading.Thread(target=serve)
            thread.start()
            debugger = gdb.Gdb(path)
            with pytest.raises(qmp.Refused):
                debugger.register("X")
            debugger.close()
            thread.join()
        os.unlink(path)


def test_a_source_that_the_archive_has_no_more(tmp_path):
    """The version before is taken; the reason is that of the newest when there is none at all."""
    from ringside_scenario import debian
    asked = []

    def run(self, *argv, cwd=None):
        if argv[0] == "apt-cache":
            return "Version: 1.9\n\nVersion: 1.10\n"
        asked.append(argv[-1])
        if not there or argv[-1] != there:
            open(os.path.join(cwd, "part.dsc"), "w", encoding="ascii").close()
            raise debian.NotThere(f"no {argv[-1]}")
        return ""
    sources = debian.Sources.__new__(debian.Sources)
    sources._run = run.__get__(sources)
    there = "p=1.9"
    sources._newest("p", str(tmp_path))
    assert asked == ["p", "p=1.9"] and not os.listdir(tmp_path)
    there = None
    with pytest.raises(debian.NotThere, match="no p$"):
        sources._newest("p", str(tmp_path))
