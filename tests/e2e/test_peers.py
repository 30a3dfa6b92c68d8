# SPDX-License-Identifier: BSD-3-Clause
"""Both halves of the rings against somebody else's: drivers of other projects on our back-ends, and
watched while they are at it; a back-end of another project under our driver."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import DEADLINE, REPO

sys.path.insert(0, str(REPO / "tests/bench"))
from ringside_peers import measure, roots, table  # noqa: E402 pylint: disable=wrong-import-position

# What is known of DPDK 22.11: its front-end asks GET_VRING_BASE with what it believes to be the answer; its
# driver sends a packet that it forwards with the header it came with, num_buffers 1 and all.
DPDK_DEVIATES = {"VU.base.get.fe.1", "v14.net.tx.drv.2"}


@pytest.fixture(scope="session")
def blkio():
    """argv of the program over libblkio. It is used where it is, not fetched for a test."""
    root = os.path.join(roots.cache(), roots.SUITE)
    if not os.path.exists(os.path.join(root, "usr/include/blkio.h")):
        pytest.skip(f"libblkio is not in {root}: tests/bench/peers --part blkio puts it there")
    try:
        return roots.blkio()
    except roots.Missing as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def testpmd():
    program = shutil.which("dpdk-testpmd")
    if not program:
        pytest.skip("dpdk-testpmd is not installed: ci/bootstrap peers")
    return program


@pytest.fixture
def judged(start_backend, backend_bin, run_dir):
    """judged(device, *options): a back-end with a judge; then verdicts() ends it."""
    class Judged:
        def __init__(self, *options):
            self.socket, self.output = run_dir / "judged.sock", run_dir / "judge.json"
            self.backend = start_backend([backend_bin, *options, "--socket-path", self.socket,
                                          "--judge-output", self.output], self.socket)

        def verdicts(self):
            assert self.backend.stop() == 0, self.backend.output()
            found = json.loads(self.output.read_text(encoding="utf-8"))
            return {c["clauses"][0]: c["verdict"] for c in found["checks"]}
    return Judged


def accused(verdicts):
    return {clause for clause, verdict in verdicts.items() if verdict in ("fail", "warn")}


def passed(verdicts, prefix):
    return {c for c, v in verdicts.items() if v == "pass" and c.startswith(prefix)}


@pytest.mark.parametrize("depth,wait,op", [(1, "event", "read"), (8, "event", "write"), (32, "poll", "read")])
def test_libblkio_drives_our_back_end(blkio, judged, depth, wait, op):
    one = judged("blk", "--memory", "16m")
    done = subprocess.run([*blkio, str(one.socket), str(depth), wait, "3000", op], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["requests"] == 3000
    verdicts = one.verdicts()
    assert accused(verdicts) == set(), one.backend.output()
    assert len(passed(verdicts, "v14.split-ring")) >= 5


@pytest.mark.parametrize("packed", [0, 1], ids=["split", "packed"])
@pytest.mark.parametrize("in_order", [0, 1], ids=["any-order", "in-order"])
def test_virtio_user_drives_our_back_end(testpmd, judged, run_dir, packed, in_order):
    """DPDK's driver sends bursts to a device that sends them back, and forwards what it gets."""
    one = judged("net", "--loopback")
    script = run_dir / "script"
    script.write_text("start tx_first 2\nstop\nquit\n", encoding="ascii")
    vdev = (f"net_virtio_user0,path={one.socket},queues=1,packed_vq={packed},in_order={in_order},"
            "mrg_rxbuf=0")
    done = subprocess.run(
        [testpmd, "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
         f"--file-prefix=rs-e2e-{os.getpid()}", "--lcores", "0@0-1,1@0-1", "--vdev", vdev, "--",
         "--total-num-mbufs=2048", "--nb-cores=1", "-i", f"--cmdline-file={script}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=DEADLINE, check=False)
    assert "Bye..." in done.stdout, done.stdout
    sent = [int(line.split()[1]) for line in done.stdout.splitlines() if "TX-packets:" in line]
    assert sent and max(sent) >= 64, done.stdout
    verdicts = one.verdicts()
    print(done.stdout, one.backend.output())
    assert accused(verdicts) <= DPDK_DEVIATES, one.backend.output()
    assert "VU.base.get.fe.1" in accused(verdicts), "a deviation is gone: DPDK_DEVIATES"
    assert len(passed(verdicts, "v14.")) >= 5


def test_our_driver_on_dpdks_vhost(testpmd, ringside, repo):
    """The checks that any device can pass; the rest of the list is for somebody with minutes."""
    version = subprocess.run([testpmd, "--version"], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False).stdout
    found = re.search(r"DPDK (\d+\.\d+)", version)
    if not found:
        found = re.search(r"^Version: (\d+\.\d+)", subprocess.run(
            ["dpkg-query", "-s", "dpdk-dev"], text=True, stdout=subprocess.PIPE, check=False).stdout, re.M)
    expect = repo / f"scenarios/expect/dpdk-vhost-{found and found.group(1)}.expect"
    if not expect.exists():
        pytest.skip(f"what this DPDK deviates in is not known: {expect.name}")
    done = ringside("conform", "vhost-user:", "--device", "net", "--timeout", "10",
                    "--command", f"exec {repo}/scenarios/targets/dpdk-vhost {{socket}}",
                    "--check", "basic.*", "--check", "vu.ring.*", "--check", "vu.msg.ack.*",
                    "--expect", expect)
    assert re.search(r"\b[1-9]\d* pass", done.stdout), done.stdout


def test_a_table_of_rounds():
    """Ratios are of rounds, and what is wanted is said of each."""
    rounds = [{"null split poll": {"p50": 2 * n}, "cache line, split": {"p50": n}} for n in (100, 200, 50)]
    rounds += [{"null split poll": {"p50": 900}, "cache line, split": {"p50": 100}}]
    rows = {r["key"]: r for r in table.ratios(rounds)}
    assert set(rows) == {"null-split-poll"}
    assert rows["null-split-poll"]["ratio"] == 2.0 and rows["null-split-poll"]["met"] is True
    assert rows["null-split-poll"]["rounds"] == 4
    assert "at most 2" in table.text(list(rows.values()))
    assert "| yes |" in table.markdown(list(rows.values()))


def test_floors(build_dir):
    """The measuring program's own output is what the table reads."""
    bench = measure.Bench(str(build_dir), "/tmp", [0, 1], "50ms")
    found = bench.floors()
    assert {"cache line", "eventfd", "pipe"} <= set(found)
    assert all(found[k]["p50"] > 0 for k in ("cache line", "eventfd", "pipe"))
    assert set(bench.floors("--cache-line")) == {"cache line", "cpus"}
