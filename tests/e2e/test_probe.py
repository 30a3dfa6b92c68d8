# SPDX-License-Identifier: BSD-3-Clause
"""The probe: boots under QEMU, runs checks and loads on QEMU's devices, and ringside collect."""
import json
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

DONE, FAILED, PANIC, RESTART = 33, 35, 37, 39  # isa-debug-exit: twice the guest's code, and one

# A file that the boots of one run append to.
OUT = "-chardev file,id=out,path={out},append=on "
CHANNELS = {"debugcon": OUT + "-device isa-debugcon,chardev=out -device isa-debug-exit",
            "serial": OUT + "-serial chardev:out"}

# What starts a guest on a machine, and the channel that its results come out of.
MACHINES = {
    "q35": ("x86_64", "-M q35 {debugcon}"),
    "pc": ("x86_64", "-M pc {debugcon}"),
    "microvm": ("x86_64", "-M microvm {debugcon}"),
    "virt": ("aarch64", "-M virt -cpu cortex-a57 {serial}"),
    "virt-gic2": ("aarch64", "-M virt,gic-version=2 -cpu cortex-a57 {serial}"),
    "virt-gic3": ("aarch64", "-M virt,gic-version=3 -cpu cortex-a57 {serial}"),
    "virt-no-its": ("aarch64", "-M virt,gic-version=3,its=off -cpu cortex-a57 {serial}"),
    "virt-el2": ("aarch64", "-M virt,gic-version=3,virtualization=on -cpu cortex-a57 "
                            "{serial}"),
    "riscv": ("riscv64", "-M virt {serial}"),
    "riscv-imsic": ("riscv64", "-M virt,aia=aplic-imsic {serial}"),
    "microvm-no-acpi": ("x86_64", "-M microvm,acpi=off {debugcon}"),
}
DISK = "-drive if=none,id=d,format=raw,file={disk}"
MMIO = "-global virtio-mmio.force-legacy=off"


class Guest:
    def __init__(self, build_dir, run_dir):
        self.build_dir, self.run_dir, self.count = build_dir, run_dir, 0

    def argv(self, machine, job, extra="", suffix="", memory=64):
        arch, options = MACHINES[machine]
        image = self.build_dir / f"probe/ringside-probe-{arch}{suffix}"
        program = shutil.which(f"qemu-system-{arch}")
        if not image.exists():
            pytest.skip(f"{image.name} is not built: no compiler for {arch}")
        if not program:
            pytest.skip(f"qemu-system-{arch} is not installed")
        disk = self.run_dir / "disk"
        if not disk.exists():
            with open(disk, "wb") as f:
                f.truncate(64 << 20)
        self.count += 1
        out = self.run_dir / f"stream-{self.count}"
        channels = {k: v.format(out=out) for k, v in CHANNELS.items()}
        words = f"{options} {extra}".format(disk=disk, **channels).split()
        return out, [program, "-accel", "tcg", "-m", str(memory), "-nodefaults", "-display", "none",
                     "-no-reboot", *([] if "{serial}" in options else ["-serial", "none"]),
                     "-monitor", "none", "-kernel", str(image),
                     "-append", job, *words]

    def boot(self, machine, job, extra="", status=DONE, timeout=120, **kwargs):
        out, argv = self.argv(machine, job, extra, **kwargs)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, text=True, check=False)
        # aarch64's machine has no device that ends it with a status of our choice.
        if status is not None and MACHINES[machine][0] == "aarch64":
            status = 0
        if status is not None:
            said = out.read_bytes().decode(errors="replace")[-2000:] if out.exists() else ""
            assert done.returncode == status, f"{' '.join(argv)}\n{done.stdout}\n{said}"
        return out


@pytest.fixture
def guest(build_dir, run_dir):
    return Guest(build_dir, run_dir)


@pytest.fixture
def collect(run_json):
    def run(stream, *args, **kwargs):
        return run_json("collect", "--from", stream, *args, **kwargs)
    return run


def verdicts(result):
    return {c["id"]: c["verdict"] for c in result["checks"]}


# --- conformance ---------------------------------------------------------------------------------

AGREE = [
    ("q35", "rng@pci", "-device virtio-rng-pci", "qemu:virtio-rng-pci"),
    ("q35", "blk@pci", DISK + " -device virtio-blk-pci,drive=d",
     "qemu:virtio-blk-pci,drive=d?arg=-drive&arg=if=none,id=d,format=raw,file={image}"),
    ("microvm", "blk@mmio", DISK + f" {MMIO} -device virtio-blk-device,drive=d",
     "qemu:virtio-blk-device,drive=d?arg=-drive&arg=if=none,id=d,format=raw,file={image}"),
    ("virt", "rng@pci", "-device virtio-rng-pci", "qemu:virtio-rng-pci"),
    ("virt", "blk@mmio", DISK + f" {MMIO} -device virtio-blk-device,drive=d",
     "qemu:virtio-blk-device,drive=d?arch=aarch64&arg=-drive&"
     "arg=if=none,id=d,format=raw,file={image}"),
    ("riscv", "rng@pci", "-device virtio-rng-pci", "qemu:virtio-rng-pci"),
    ("riscv-imsic", "rng@pci", "-device virtio-rng-pci", "qemu:virtio-rng-pci"),
]
# A guest does not see the process that serves it; the others end by who is quicker, QEMU's reset of a
# queue or a request in it.
UNLIKE = {"split.hostile.idle-cpu", "split.hostile.leaks", "regs.queue-reset.in-progress"}


@pytest.mark.parametrize("machine, device, extra, uri", AGREE, ids=lambda v: str(v)[:12])
def test_a_guest_says_what_the_host_says(guest, collect, run_json, machine, device, extra, uri):
    def both(checks):
        stream = guest.boot(machine, f"device={device} job=conform check={checks}", extra)
        inside = collect(stream, status=(0, 1))
        outside = run_json("conform", uri, "--check", checks, status=(0, 1))
        assert inside["target"]["features"] == outside["target"]["features"]
        assert inside["target"]["transport"] == outside["target"]["transport"]
        inside, outside = verdicts(inside), verdicts(outside)
        assert inside.keys() == outside.keys()
        return {k: (inside[k], outside[k]) for k in inside
                if inside[k] != outside[k] and k not in UNLIKE}
    differ = both("*")
    # On a machine with much to do a deadline may pass on either side: only what stays so counts.
    for _ in range(2):
        if differ:
            differ = both(f"@({'|'.join(differ)})")
    assert not differ


@pytest.mark.parametrize("machine, suffix", [("pc", ""), ("q35", ".multiboot")])
def test_other_ways_in(guest, collect, machine, suffix):
    stream = guest.boot(machine, "job=conform check=rng.*", "-device virtio-rng-pci", suffix=suffix)
    result = collect(stream)
    assert set(verdicts(result).values()) == {"pass"}
    assert result["guest"]["arch"] == "x86_64"
    assert result["guest"]["machine"] == machine


def test_a_machine_without_acpi_names_its_windows(guest, collect):
    stream = guest.boot("microvm-no-acpi", "job=conform check=rng.*",
                        f"{MMIO} -device virtio-rng-device")
    assert set(verdicts(collect(stream)).values()) == {"pass"}


def test_vhost_user_behind_qemu(guest, collect, backend):
    back = backend("--memory", "64M")
    stream = guest.boot(
        "q35", "job=conform device=blk check=@(blk.rw.*|blk.id.*|split.used-len.*)",
        "-machine memory-backend=m -object memory-backend-memfd,id=m,size=64M,share=on "
        f"-chardev socket,id=v,path={back.socket} -device vhost-user-blk-pci,chardev=v")
    assert set(verdicts(collect(stream)).values()) <= {"pass", "skip"}


def test_vhost_user_that_hostile_drivers_break(guest, collect, run_json, ringside, backend):
    """QEMU's vhost-user front-end does not recover from a ring in error: the guest asks for a new QEMU
    after such a check, and goes on there. Its verdicts are then those of the host, which starts a new
    QEMU as well."""
    checks = "split.@(hostile.[q-s]*|used-len.*)"
    back = backend("--memory", "64M")
    out, argv = guest.argv(
        "q35", f"job=conform device=blk restart=on check={checks}",
        "-machine memory-backend=m -object memory-backend-memfd,id=m,size=64M,share=on "
        f"-chardev socket,id=v,path={back.socket} -device vhost-user-blk-pci,chardev=v")
    job = argv.index("-append") + 1
    words, boots = argv[job], 0
    while boots < 40:
        boots += 1
        status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                                stderr=subprocess.DEVNULL, timeout=120).returncode
        resume = ringside("collect", "--from", out, "--resume").stdout.strip()
        assert (status == RESTART) == bool(resume)
        if not resume:
            break
        argv[job] = f"{words} {resume}"
    assert status == DONE
    assert boots > 1
    inside = verdicts(collect(out, status=(0, 1)))
    outside = verdicts(run_json("conform", "qemu:vhost-user-blk-pci,chardev=c?arg=-chardev&"
                                f"arg=socket,id=c,path={back.socket}", "--check", checks,
                                status=(0, 1)))
    differ = {k: (inside[k], outside[k]) for k in outside if inside[k] != outside[k]}
    assert not differ


# --- load -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("machine, extra, wait", [
    ("q35", "-device virtio-blk-pci,drive=d", "poll"),
    ("q35", "-device virtio-blk-pci,drive=d", "event"),
    ("microvm", f"{MMIO} -device virtio-blk-device,drive=d", "event"),
    ("microvm-no-acpi", f"{MMIO} -device virtio-blk-device,drive=d", "event"),
    ("virt-gic2", "-device virtio-blk-pci,drive=d", "event"),
    ("virt-gic3", "-device virtio-blk-pci,drive=d", "event"),
    ("virt-gic2", f"{MMIO} -device virtio-blk-device,drive=d", "event"),
    ("virt-gic3", f"{MMIO} -device virtio-blk-device,drive=d", "event"),
    ("virt-el2", "-device virtio-blk-pci,drive=d", "poll"),
    ("virt-no-its", "-device virtio-blk-pci,drive=d", "event"),
    ("riscv", "-device virtio-blk-pci,drive=d", "poll"),
    # No messages: each of the four lines, by the slot.
    *(("riscv", f"-device virtio-blk-pci,drive=d,addr={slot}", "event") for slot in (1, 2, 3, 4)),
    ("riscv", f"{MMIO} -device virtio-blk-device,drive=d", "event"),
    ("riscv-imsic", "-device virtio-blk-pci,drive=d", "event"),
])
def test_a_load_inside_counts_every_request(guest, collect, run_dir, machine, extra, wait):
    stream = guest.boot(machine, f"job=bench op=write requests=3000 queue-depth=4 wait={wait} "
                                 "warmup=10ms raw=500", f"{DISK} {extra}")
    raw = run_dir / "raw.tsv"
    result = collect(stream, "--raw", raw)
    assert result["requests"] == 3000
    assert sum(count for _, count in result["histogram"]) == 3000
    assert result["errors"] == 0
    assert result["workload"]["wait"] == wait
    assert result["workload"]["op"] == "write"
    assert result["clock"]["hz"] > 1000000
    rows = raw.read_text().splitlines()[1:]
    assert len(rows) == 500
    assert all(int(end) > int(start) for start, end, *_ in map(str.split, rows))
    if wait == "event":
        assert result["notifications_per_request"]["calls"] > 0


def test_the_translation_service_reads_no_memory_but_its_queue(guest, run_dir):
    """Its queue of 128 commands goes round: what lies behind it are no commands."""
    log = run_dir / "its.log"
    guest.boot("virt-gic3", "job=conform device=rng@pci check=@(regs|pci).*",
               f"-device virtio-rng-pci -trace gicv3_its_process_command -D {log}")
    found = [int(at, 16) for at in re.findall(r"processing command at offset (0x[0-9a-f]+)",
                                              log.read_text())]
    assert len(found) > 128
    assert set(found) == set(range(128))


def test_the_clock_of_a_guest_that_is_held_up(guest, collect):
    """The timer goes round every 55 ms: who is stopped for longer cannot tell how often it did."""
    job, disk = "job=bench requests=50", f"{DISK} -device virtio-blk-pci,drive=d"
    quiet = collect(guest.boot("q35", job, disk), status=None)
    out, argv = guest.argv("q35", job, disk)
    stops = random.Random(1)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as qemu:
        end = time.monotonic() + 60
        while qemu.poll() is None and time.monotonic() < end:
            qemu.send_signal(signal.SIGSTOP)
            time.sleep(stops.uniform(0.02, 0.2))
            qemu.send_signal(signal.SIGCONT)
            try:
                qemu.wait(stops.uniform(0.03, 0.15))
            except subprocess.TimeoutExpired:
                pass
        qemu.kill()
    held_up = collect(out, status=None)
    assert abs(held_up["clock"]["hz"] / quiet["clock"]["hz"] - 1) < 0.02


def test_several_jobs_in_one_boot(guest, collect, ringside):
    stream = guest.boot("q35", "device=blk job=conform check=blk.rw.* job=bench requests=100",
                        f"{DISK} -device virtio-blk-pci,drive=d")
    ringside("collect", "--from", stream, "--format", "json", status=(2,))
    assert collect(stream, "--job", "conform")["schema"] == "ringside.conform/1"
    assert collect(stream, "--job", "2")["requests"] == 100
    ringside("collect", "--from", stream, "--job", "3", status=(2,))


# --- the job and the channel -------------------------------------------------------------------------

@pytest.mark.parametrize("machine", ["q35", "virt"])  # QEMU 7.2 has fw_cfg too late on riscv
def test_the_job_from_fw_cfg(guest, run_dir, collect, machine):
    job = run_dir / "job"
    job.write_text("job=conform\ncheck=rng.*\n")
    stream = guest.boot(machine, "", f"-fw_cfg name=opt/ringside/job,file={job} -device virtio-rng-pci")
    assert set(verdicts(collect(stream)).values()) == {"pass"}


def test_shared_memory_as_channel(guest, run_dir, collect):
    memory = run_dir / "memory"
    out = guest.boot("q35", "channel=shm:0x3000000,1m job=conform check=rng.*",
                     "-device virtio-rng-pci -machine memory-backend=m "
                     f"-object memory-backend-file,id=m,size=64M,mem-path={memory},share=on")
    assert out.read_bytes() == b""
    assert set(verdicts(collect(memory, "--memory", "0x3000000")).values()) == {"pass"}


def test_a_serial_line_as_channel(guest, run_dir, collect):
    """With the firmware's words before it."""
    serial = run_dir / "serial"
    guest.boot("q35", "channel=com:0x3f8 job=conform check=rng.*",
               f"-device virtio-rng-pci -chardev file,id=s,path={serial} "
               "-device isa-serial,chardev=s")
    assert set(verdicts(collect(serial)).values()) == {"pass"}


@pytest.mark.parametrize("job, said", [
    ("", "no job="),
    ("job=dance", "job=dance"),
    ("job=conform chek=rng.*", "chek=rng.*"),
    ("job=conform check=no-such-check", "no check matches"),
    ("job=conform device=net", "no such virtio function"),
    ("job=bench", "not a block device"),
    ("job=conform channel=pigeon", "channel=pigeon"),
])
def test_jobs_that_cannot_be_done(guest, ringside, job, said):
    stream = guest.boot("q35", job, "-device virtio-rng-pci", status=FAILED)
    done = ringside("collect", "--from", stream, status=(3,))
    assert said in done.stderr


# --- streams that are broken ----------------------------------------------------------------------------

@pytest.fixture
def stream(guest):
    return guest.boot("q35", "job=conform check=@(rng|basic).*", "-device virtio-rng-pci")


def broken(ringside, path, lines):
    path.write_text("\n".join(lines) + "\n" if lines else "")
    done = ringside("collect", "--from", path, "--format", "json", status=(3,))
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr, json.loads(done.stdout) if done.stdout else None


def test_a_stream_that_is_cut(stream, ringside, collect, run_dir):
    """Behind any of its frames: what had come is kept, the rest is an error."""
    whole = verdicts(collect(stream))
    lines = stream.read_text().splitlines()
    kept = 0
    for n in range(3, len(lines), 7):
        said, result = broken(ringside, run_dir / "cut", lines[:n])
        assert f"ends behind frame {n - 1}" in said
        found = verdicts(result)
        assert found.keys() == whole.keys()
        good = {k for k, v in found.items() if v != "error"}
        assert all(found[k] == whole[k] for k in good)
        assert len(good) >= kept
        kept = len(good)
    assert 0 < kept <= len(whole)


def test_frames_that_are_lost_swapped_or_changed(stream, ringside, run_dir):
    lines = stream.read_text().splitlines()
    path = run_dir / "broken"
    said, _ = broken(ringside, path, lines[:10] + lines[11:])
    assert "frame 10 is missing" in said
    said, _ = broken(ringside, path, lines[:10] + [lines[11], lines[10]] + lines[12:])
    assert "frame 10 is missing" in said
    said, _ = broken(ringside, path, lines[:10] + [lines[9]] + lines[10:])
    assert "frame 9 comes behind frame 9" in said
    flipped = lines[10][:30] + ("A" if lines[10][30] != "A" else "B") + lines[10][31:]
    said, result = broken(ringside, path, lines[:10] + [flipped] + lines[11:])
    assert "checksum" in said
    assert result["summary"]["pass"] > 0
    said, _ = broken(ringside, path, lines + lines)
    assert "started over" in said


def test_nothing_at_all(ringside, run_dir):
    said, result = broken(ringside, run_dir / "empty", [])
    assert "no guest has spoken" in said
    assert result is None
    said, _ = broken(ringside, run_dir / "other", ["Booting from ROM..", "No bootable device."])
    assert "No bootable device." in said


@pytest.mark.parametrize("machine, said", [
    ("q35", ("exception 14 (page fault)", "rip", "cr2 00007fffffff0000")),
    ("virt", ("data abort", "pc ", "far 00007fffffff0000")),
    ("riscv", ("load access", "pc ", "stval 00007fffffff0000")),
])
def test_a_guest_that_panics(guest, ringside, machine, said):
    """Configuration space that is not there."""
    stream = guest.boot(machine, "job=conform device=@pci check=rng.* ecam=0x7fffffff0000",
                        "-device virtio-rng-pci", status=PANIC)
    done = ringside("collect", "--from", stream, status=(3,))
    assert "the guest panicked" in done.stderr
    for words in said:
        assert words in done.stderr


def test_an_exit_status_on_aarch64(guest):
    out, argv = guest.argv("virt", "job=list exit=semihosting", "-semihosting -device virtio-rng-pci")
    assert subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=60).returncode == DONE
    assert out.exists()


def test_an_exit_status_in_memory_on_aarch64(guest, run_dir):
    """A word of ours, at which a hypervisor's user space would have been: half of the status."""
    memory = run_dir / "memory"
    guest.boot("virt", "job=list exit=0x43fffff0",
               "-device virtio-rng-pci -machine memory-backend=m "
               f"-object memory-backend-file,id=m,size=64M,mem-path={memory},share=on")
    with open(memory, "rb") as f:
        f.seek(0x3fffff0)
        assert f.read(4) == bytes([DONE >> 1, 0, 0, 0])


@pytest.mark.parametrize("machine, found", [("virt", {"clock", "exit"}), ("virt-el2", {"clock"})])
def test_what_a_hypercall_costs_on_aarch64(guest, ringside, run_dir, machine, found):
    """Where PSCI is called by HVC; at EL2, where the guest begins, it is called by SMC."""
    stream = guest.boot(machine, "job=calibrate samples=10")
    figures = run_dir / "figures"
    ringside("collect", "--from", stream, "--figures", figures, status=None)
    assert {line.split("\t")[0] for line in figures.read_text().splitlines()[1:]} == found


def test_the_firmware_s_console_on_riscv(guest, ringside):
    stream = guest.boot("riscv", "channel=sbi job=list", "-device virtio-rng-pci")
    assert "pci:00:01.0" in ringside("collect", "--from", stream).stderr


def test_a_guest_that_is_killed(guest, ringside):
    """In the middle of a check that waits: it is said which, and another boot goes on behind it."""
    out, argv = guest.argv("q35", "job=conform check=split.@(notify|used-len).* quiet=20s",
                           f"{DISK} -device virtio-blk-pci,drive=d")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        size = -1
        # Until it has said nothing for a second: it waits.
        while time.monotonic() < end:
            time.sleep(1)
            now = out.stat().st_size if out.exists() else 0
            if now == size and now:
                break
            size = now
        process.kill()
    done = ringside("collect", "--from", out, "--format", "json", status=(3,))
    result = json.loads(done.stdout)
    during = re.search(r"during (split\.\S+)", result["died"])[1]
    assert result["summary"]["error"] > 0
    resume = ringside("collect", "--from", out, "--resume").stdout.strip()
    assert resume.startswith("resume=0:")
    argv[argv.index("-append") + 1] = f"job=conform check=split.@(notify|used-len).* {resume}"
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                   stderr=subprocess.DEVNULL, timeout=120)
    done = ringside("collect", "--from", out, "--format", "json", status=(3,))
    assert "the guest ended, during " + during in done.stderr
    result = json.loads(done.stdout)
    assert {k for k, v in verdicts(result).items() if v == "error"} == {during}


# --- speed -------------------------------------------------------------------------------------------------

def test_the_first_request_comes_soon(guest, run_dir):
    """From QEMU's start to the first request served; the figure of a quiet machine is in README.md."""
    _, argv = guest.argv("microvm", "job=bench requests=1 warmup=0s device=blk",
                         f"{DISK} {MMIO} -device virtio-blk-device,drive=d")
    best = 10
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, time.monotonic() - start)
    # To QEMU's end, which is later than the first request; and others use this machine too.
    assert best < 2


@pytest.mark.parametrize("arch", ["aarch64", "riscv64"])
def test_an_image_relocates_itself(build_dir, arch):
    """Its first instructions add where it is to each pointer, and know no other kind."""
    image = build_dir / f"probe/ringside-probe-{arch}.elf"
    if not image.exists():
        pytest.skip(f"{image.name} is not built: no {arch}-linux-gnu-gcc")
    listed = subprocess.run(["readelf", "-rW", str(image)], capture_output=True, text=True, check=True).stdout
    kinds = set(re.findall(r" (R_[A-Z0-9_]+) ", listed))
    assert len(kinds) == 1 and kinds.pop().endswith("_RELATIVE")
