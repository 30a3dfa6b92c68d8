# SPDX-License-Identifier: BSD-3-Clause
"""The block checks against each kind of store, and what stands on the medium afterwards."""
import hashlib
import os

import pytest

BLK = ("--check", "@(blk|capacity).*")
SIZE = 16 << 20
EXPECT = "scenarios/expect/qemu-storage-daemon-7.2.expect"


@pytest.fixture
def image(run_dir):
    """A file of random bytes."""
    path = run_dir / "disk.img"
    path.write_bytes(os.urandom(SIZE))
    return path


def verdicts(result):
    return {c["id"]: c["verdict"] for c in result["checks"]}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_clean(result, skipped=()):
    """Nothing but passes, and skips of those checks whose id begins with one of `skipped`."""
    bad = [(c["id"], c["reason"]) for c in result["checks"]
           if c["verdict"] != "pass" and not (c["verdict"] == "skip" and c["id"].startswith(skipped))]
    assert not bad
    assert result["summary"]["pass"] > 20


@pytest.mark.parametrize("queues", [1, 4])
def test_memory(run_json, backend, queues):
    result = run_json("conform", backend("--memory", "64m", "--num-queues", queues).target, *BLK,
                      "--config-trigger", "kill -USR1 {pid}")
    few = ("blk.rw.queues",) if queues == 1 else ()
    assert_clean(result, ("blk.read-only", *few))
    assert verdicts(result)["capacity.announced"] == "pass"


def test_image(run_json, backend, image):
    """Requests beyond the end must not make the file longer."""
    result = run_json("conform", backend("--image", image).target, *BLK)
    assert_clean(result, ("blk.read-only", "capacity"))
    assert image.stat().st_size == SIZE


def test_image_grows(run_json, backend, image):
    grow = f"truncate -s +1M {image} && kill -USR1 {{pid}}"
    result = run_json("conform", backend("--image", image).target, "--check", "capacity.*",
                      "--config-trigger", grow)
    assert verdicts(result) == {"capacity.announced": "pass"}
    assert image.stat().st_size == SIZE + (3 << 20)


def test_small_disk(run_json, backend):
    """What does not fit is skipped, and says so."""
    result = run_json("conform", backend("--memory", "64k").target, *BLK)
    assert not [c for c in result["checks"] if c["verdict"] not in ("pass", "skip")]
    small = [c for c in result["checks"] if "the device has 128" in c["reason"]]
    assert small and all(c["verdict"] == "skip" for c in small)


def test_read_only_image(run_json, backend, image):
    before = digest(image)
    result = run_json("conform", backend("--image", image, "--read-only").target, *BLK)
    assert not [c for c in result["checks"] if c["verdict"] not in ("pass", "skip")]
    ran = verdicts(result)
    for check in ("write", "unchanged", "ranges", "flush"):
        assert ran[f"blk.read-only.{check}"] == "pass"
    assert digest(image) == before


@pytest.mark.parametrize("writable", [True, False], ids=["writable", "read-only"])
def test_storage_daemon(run_json, qsd, repo, writable):
    """Every deviation is one that the expectation file explains."""
    result = run_json("conform", qsd(queues=2, writable=writable).target, *BLK,
                      "--expect", repo / EXPECT)
    assert result["unexpected"] == 0
    assert result["summary"]["error"] == 0
    assert result["summary"]["pass"] > (50 if writable else 20)
