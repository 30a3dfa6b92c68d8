# SPDX-License-Identifier: BSD-3-Clause
"""Linux's own drivers in a guest, over our back-ends; the judge watches. What cannot be fetched here is skipped."""
import glob
import json
import os
import sys

import pytest

from conftest import REPO

sys.path.insert(0, str(REPO / "harness/scenario"))
from ringside_scenario import debian  # noqa: E402 pylint: disable=wrong-import-position


def only_cell(out):
    (found,) = json.loads((out / "run.json").read_text())["cells"]
    if found["status"] == "skip":
        pytest.skip(found["reason"])
    return found


@pytest.fixture
def cell(ringside, repo, tmp_path):
    """cell(scenario, which): the one cell of it, and the judge's verdicts."""
    def run(scenario, which):
        out = tmp_path / "out"
        ringside("run", repo / f"scenarios/{scenario}.yaml", "-k", which, "-o", out, "--no-report",
                 timeout=900)
        found = only_cell(out)
        assert found["status"] == "pass", found["reason"]
        (judged,) = out.rglob("judge.json")
        return {c["clauses"][0]: c["verdict"] for c in json.loads(judged.read_text())["checks"]}
    return run


def test_behind_an_iommu(cell):
    """The front-end translates, and does it right."""
    verdicts = cell("linux-iommu", "tcg and not packed")
    for clause in ("msg.fe.1", "msg.fe.2", "msg.fe.3", "msg.fe.4", "miss.fe.1"):
        assert verdicts[f"VU.iotlb.{clause}"] == "pass"
    assert verdicts["VU.breq.iotlb.fe.1"] == "pass"
    assert verdicts["v14.split-ring.message-framing.drv.1"] == "pass"


@pytest.mark.parametrize("device", ["i2c", "gpio"])
def test_small_devices(cell, device):
    # It takes Debian's source of the kernel: not fetched for a test.
    if not glob.glob(os.path.join(glob.escape(debian.cache()), f"modules/*/{device}_virtio.ko")):
        pytest.skip(f"{device}_virtio is not built: ringside run scenarios/linux-{device}.yaml does that")
    verdicts = cell(f"linux-{device}", "tcg")
    assert [c for c, v in verdicts.items() if c.startswith(f"v14.{device}.") and v == "pass"]


def test_scmi(cell):
    """Linux finds the platform through a device tree, its sensors through hwmon, and its clocks."""
    for made in ("modules/*/scmi_transport_virtio.ko", "qemu-trixie/aarch64"):
        # It takes Debian's source of the kernel and another QEMU: not fetched for a test.
        if not glob.glob(os.path.join(glob.escape(debian.cache()), made)):
            pytest.skip(f"there is no {made}: ringside run scenarios/linux-scmi.yaml makes it")
    verdicts = cell("linux-scmi", "tcg")
    assert {c for c, v in verdicts.items() if c.startswith("v14.scmi.") and v == "pass"} == {
        "v14.scmi.cmdq.drv.2", "v14.scmi.cmdq.drv.3",
        *(f"v14.scmi.eventq-setup.drv.{n}" for n in (1, 2, 3))}


def test_network(cell):
    """Segmentation, checksums, mergeable buffers; what was sent has come, both ways."""
    verdicts = cell("linux-net", "tcg and not packed")
    assert verdicts["v14.net.tx.drv.29"] == "pass" and verdicts["v14.net.tx.drv.32"] == "pass"


def test_sockets(cell):
    """Connections both ways, sixteen at once; every byte has come back, and credit was never overdrawn."""
    verdicts = cell("linux-vsock", "tcg")
    for clause in ("features.drv.2", "rxtx.drv.1", "credit.drv.1", "credit.drv.2"):
        assert verdicts[f"v14.vsock.{clause}"] == "pass"


def test_messages_over_sockets(cell):
    """SOCK_SEQPACKET: each message came back whole and in its place, both ways."""
    verdicts = cell("linux-vsock-seqpacket", "tcg")
    for clause in ("rxtx.drv.1", "credit.drv.1", "credit.drv.2"):
        assert verdicts[f"v14.vsock.{clause}"] == "pass"


def test_a_message_in_pieces_is_noticed(ringside, repo, tmp_path):
    text = (repo / "scenarios/linux-vsock-seqpacket.yaml").read_text()
    for old, new in (("--no-status]", "--no-status, --fault, vsock-packets-are-messages]"),
                     ("vsock-messages}", "vsock-messages, size: 11}")):
        assert old in text
        text = text.replace(old, new)
    path, out = tmp_path / "s.yaml", tmp_path / "out"
    path.write_text(text)
    ringside("run", path, "-k", "tcg", "-o", out, "--no-report", status=None, timeout=900)
    found = only_cell(out)
    assert found["status"] == "fail" and "message 2, came back as" in found["reason"], found


def test_console(cell):
    if not os.path.isdir(os.path.join(debian.cache(), "amd64", "user-mode-linux")):
        pytest.skip("User-mode Linux is not fetched: ringside run scenarios/linux-console.yaml does that")
    verdicts = cell("linux-console", "uml")
    for clause in ("operation.drv.1", "operation.drv.2", "multiport.drv.1", "multiport.drv.3", "multiport.drv.4"):
        assert verdicts[f"v14.console.{clause}"] == "pass"
