# SPDX-License-Identifier: BSD-3-Clause
"""One measurement each: ours by `ringside bench`, the others' by what they say of themselves.

A measurement is {"p50": ns, "p99": ns, "rate": per second}; what a peer does not tell is missing."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
DEADLINE = 120
BATCH = 32
WARM_UP = "200ms"  # of the program over libblkio, too
TRIES = 12  # until a machine stays as it is
STEADY = 1.25  # so much may a round trip differ before and after
BLKIO_RING = 256  # entries of libblkio's ring; it negotiates the event index, as we do
# What net_bench sends: (length or length,MSS; batch; outstanding).
FRAMES = {"64": ("64", BATCH, 2 * BATCH), "1500": ("1500", BATCH, 2 * BATCH), "TSO": ("64000,1448", 8, 16)}


class Failed(Exception):
    """It ran, and came to nothing; the text says why."""


class Bench:
    """Where everything is, and on which two processors."""

    def __init__(self, build, tmp, cpus, duration):
        self.bin, self.tests = os.path.join(build, "bin"), os.path.join(build, "tests")
        self.tmp, self.cpus, self.duration = tmp, cpus, duration
        self.host = None  # fingerprint

    def on(self, side, command):
        return f"exec taskset -c {self.cpus[side]} {command}"

    def ringside(self, command, *options):
        argv = [f"{self.bin}/ringside", "bench", "vhost-user:", "--command", command, "--no-floor",
                "--pin", str(self.cpus[0]), "--warmup", WARM_UP, "--format", "json", *map(str, options)]
        if "--requests" not in options:
            argv += ["--duration", self.duration]
        done = subprocess.run(argv, cwd=TOP, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
        if done.returncode:
            raise Failed(done.stderr.strip() or f"exit status {done.returncode}")
        r = json.loads(done.stdout)
        self.host = r["host"]
        return {"p50": r["latency_ns"]["p50"], "p99": r["latency_ns"]["p99"],
                "rate": r["requests_per_s"]}

    def backend(self, *options):
        return self.on(1, f"{self.bin}/ringside-backend {' '.join(options)} --socket-path {{socket}}")

    def null(self, *options, poll):
        return self.ringside(self.backend("null", "--num-queues 1", *(["--poll"] if poll else [])),
                             "--device", "null", "--wait", "poll" if poll else "event", *options)

    def blk(self, command, depth, wait, *options):
        return self.ringside(command, "--device", "blk", "--queue-depth", depth, "--wait", wait, *options)

    def qsd(self, image):
        return self.on(1, f"scenarios/targets/qemu-storage-daemon {{socket}} {image}")

    def testpmd_vhost(self):
        """testpmd's vhost port, which returns what it is sent, and takes packets to be segmented."""
        return self.on(1, " ".join([
            "dpdk-testpmd --no-huge -m 512 --no-pci --no-telemetry --no-shconf --log-level=lib.vhost.config:error",
            f"--lcores 0@{self.cpus[1]},1@{self.cpus[1]}", "--vdev net_vhost0,iface={socket},queues=1,tso=1 --",
            f"--total-num-mbufs=8192 --nb-cores=1 --forward-mode=io --burst={BATCH} --auto-start",
            "--stats-period=3600"]))

    def null_beside_line(self, ring):
        """Polling, with the cache line measured before and after. Where processors move about on their host, as
        virtual ones do, a round trip takes several times as long from one second to the next: what was not
        the same on both sides is measured again."""
        for _ in range(TRIES):
            before = self.floors("--cache-line")["cache line"]
            r = self.null("--ring", ring, poll=True)
            after = self.floors("--cache-line")["cache line"]
            if max(before["p50"], after["p50"]) <= STEADY * min(before["p50"], after["p50"]):
                break
        else:
            raise Failed(f"the cache line's round trip is never the same for as long as it takes ({TRIES} tries)")
        line = {figure: (before[figure] + after[figure]) / 2 for figure in ("p50", "p99")}
        return {**r, "beside": {f"cache line, {ring}": line}}

    def floors(self, *options):
        return json.loads(subprocess.run([f"{self.tests}/floors", *options], text=True, check=True,
                                         stdout=subprocess.PIPE, timeout=DEADLINE).stdout)


@contextlib.contextmanager
def running(argv, **kwargs):
    """A process with its pipes, ended and waited for."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, **kwargs) as p:
        try:
            yield p
        finally:
            p.send_signal(signal.SIGINT)
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()


def _await_socket(path, p):
    end = time.monotonic() + 30
    while not os.path.exists(path):
        if p.poll() is not None or time.monotonic() > end:
            raise Failed(f"{p.args[0]} does not listen at {path}")
        time.sleep(0.02)  # a socket file has no event of its own


def blkio(bench, program, image, depth, wait, requests):
    """libblkio on qemu-storage-daemon, both where our own two sides run."""
    socket = os.path.join(bench.tmp, "blkio.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)
    command = bench.qsd(image).format(socket=socket)
    with running(["/bin/sh", "-c", command], cwd=TOP) as p:
        _await_socket(socket, p)
        done = subprocess.run(["taskset", "-c", str(bench.cpus[0]), *program, socket, str(depth),
                               wait, str(requests)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
    if done.returncode:
        raise Failed(done.stderr.strip())
    r = json.loads(done.stdout)
    return {"p50": r["p50"], "p99": r["p99"], "rate": r["iops"]}


def frames(bench, command, shape):
    """Frames that go round, a second."""
    length, batch, outstanding = shape
    socket = os.path.join(bench.tmp, "frames.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)
    ms = int(float(re.sub("ms$", "", bench.duration)) if bench.duration.endswith("ms")
             else 1000 * float(bench.duration.rstrip("s")))
    with running(["/bin/sh", "-c", command.format(socket=socket)], cwd=TOP, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL) as p:
        _await_socket(socket, p)
        done = subprocess.run(["taskset", "-c", str(bench.cpus[0]), f"{bench.tests}/net_bench", socket, length,
                               str(batch), str(outstanding), str(ms)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
    found = re.match(r"(\d+) frames/s", done.stdout)
    if done.returncode or not found:
        raise Failed(done.stderr.strip() or f"exit status {done.returncode}")
    return {"rate": int(found.group(1))}


def _testpmd(cpu, prefix, vdev, mode, log):
    return ["dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
            f"--file-prefix={prefix}", "--lcores", f"0@{cpu},1@{cpu}", "--vdev", vdev,
            "--log-level=pmd.net.vhost:error", "--", "--total-num-mbufs=4096",
            f"--forward-mode={mode}", f"--burst={BATCH}", "--nb-cores=1", "--auto-start",
            "--stats-period", "1", *(["--txpkts=64"] if mode == "txonly" else [])], log


def testpmd(bench, packed, samples=2):
    """Packets of 64 bytes from DPDK's virtio-user driver to its vhost, a batch of 32, in packets a
    second: of some seconds the best, since the first are setting up."""
    socket = os.path.join(bench.tmp, "net.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket)
    device, device_log = _testpmd(bench.cpus[1], f"rs-vhost-{os.getpid()}",
                                  f"net_vhost0,iface={socket},queues=1", "rxonly",
                                  os.path.join(bench.tmp, "vhost.log"))
    driver, driver_log = _testpmd(
        bench.cpus[0], f"rs-user-{os.getpid()}",
        f"net_virtio_user0,path={socket},queues=1,packed_vq={int(packed)},in_order=1,mrg_rxbuf=0",
        "txonly", os.path.join(bench.tmp, "user.log"))
    with open(device_log, "wb") as a, open(driver_log, "wb") as b, \
            running(device, stdout=a, stderr=a) as p:
        _await_socket(socket, p)
        with running(driver, stdout=b, stderr=b) as q:
            return {"rate": _rates(p, q, device_log, samples)}


def _rates(p, q, log, samples):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with open(log, encoding="utf-8", errors="replace") as f:
            rates = [int(n) for n in re.findall(r"Rx-pps:\s*(\d+)", f.read()) if int(n)]
        # The first second with packets is not a whole one.
        if len(rates) > samples:
            return max(rates[1:])
        if p.poll() is not None or q.poll() is not None:
            break
        time.sleep(0.1)  # it prints once a second
    raise Failed("testpmd receives nothing")
