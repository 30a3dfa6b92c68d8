# SPDX-License-Identifier: BSD-3-Clause
"""ringside conform on devices inside QEMU, and on a QEMU that does not start or dies."""
import os
import shutil
import subprocess

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


def test_nothing_is_left_behind(ringside, run_dir):
    env = dict(os.environ, TMPDIR=str(run_dir))
    ringside("conform", BLK_PCI, *READ, env=env)
    assert not list(run_dir.iterdir())


def test_the_table_of_devices(repo, build_dir):
    """ci/qemu-devices prints one line per device and says what is unexpected."""
    done = subprocess.run([repo / "ci/qemu-devices", "--build", build_dir, "rng-pci", "rng-mmio"],
                          stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["rng-pci", "rng-mmio"]
