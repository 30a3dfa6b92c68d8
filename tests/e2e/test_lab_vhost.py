# SPDX-License-Identifier: BSD-3-Clause
"""Devices of Linux's own, in the lab that has them: they do what is known of them, and no more."""
import json
import re

import pytest

import lab_jobs

CELLS = {"vdpa_sim_blk": ("vdpa", "blk", 90), "vdpa_sim_net": ("vdpa", "net", 10),
         "qemu-storage-daemon": ("vdpa", "blk", 90), "vhost_net": ("vhost", "net", 10), "vhost_vsock": ("vhost", "vsock", 20),
         "vhost_scsi": ("vhost", "scsi", 34)}


@pytest.mark.parametrize("backend", CELLS)
def test_it_is_as_it_is_known(ringside, repo, tmp_path, backend):
    lab_jobs.need_lab(ringside, "vhost")
    transport, device, passes = CELLS[backend]
    done = ringside("run", str(repo / "scenarios/vhost.yaml"), "-k", backend, "-o", str(tmp_path / "out"),
                    "--no-report", status=None, timeout=1200)
    found = list((tmp_path / "out").glob("**/conform.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    document, = [json.loads(p.read_text(encoding="utf-8")) for p in found]
    verdicts = [c["verdict"] for c in document["checks"]]
    assert re.search(rf"^pass +conform .*{backend}", done.stdout, re.M)
    assert verdicts.count("pass") >= passes
    assert document["target"]["transport"] == transport and document["target"]["device"] == device
    # What a request costs, which the scenario has counted twice.
    exact, = [json.loads(p.read_text(encoding="utf-8")) for p in (tmp_path / "out").glob("**/exact.json")]
    assert exact["target"]["transport"] == transport and exact["load"]["requests"] == 200
    assert [s["stage"] for s in exact["stages"]] == ["submit", "device", "reap"]
    assert re.search(rf"^pass +bench-.*{backend}.* instructions: submit ", done.stdout, re.M)


def test_nobody_there(ringside, tmp_path):
    for target in ("vdpa:/nonexistent", "vhost:/nonexistent,cid=3"):
        for command in ("conform", "bench"):
            done = ringside(command, target, status=None)
            assert done.returncode == 3 and "cannot open '/nonexistent'" in done.stderr
    for target, command in (("vhost:/dev/vhost-net", None), ("vdpa:", None), ("vhost:/dev/x,cid=3", "true"),
                            ("vdpa:/dev/x", "true")):
        done = ringside("conform", target, *(["--command", command] if command else []), status=None)
        assert done.returncode == 2, done.stderr


def test_what_is_not_measured(ringside, tmp_path):
    """One line each, and the exit status of a command that was not understood."""
    for target, *options in (["qemu:virtio-blk-pci"], ["vdpa:/nonexistent", "--trace", str(tmp_path / "trace")]):
        done = ringside("bench", target, *options, status=None)
        assert done.returncode == 2 and target.partition("?")[0] in done.stderr and done.stderr.count("\n") == 1
    done = ringside("bench", "vdpa:/nonexistent", "--memory", "copy", status=None)
    assert done.returncode == 3 and "only with vhost-user" in done.stderr


def test_who_makes_no_device(ringside):
    done = ringside("conform", "vdpa:", "--device", "blk", "--command", "echo 'no vduse here' >&2; exit 5", status=None)
    assert done.returncode == 3 and "no vduse here" in done.stderr
