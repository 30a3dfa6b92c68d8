# SPDX-License-Identifier: BSD-3-Clause
"""This machine's KVM with ringside-vmm: used where it runs ordinary guests, and told apart where it does not."""
import json
import subprocess

UNEXPECTED, INTERNAL = 1, 4


def cells(out):
    return json.loads((out / "run.json").read_text())["cells"]


def test_each_way_of_connecting_or_a_reason(ringside, repo, build_dir, tmp_path):
    tried = subprocess.run([build_dir / "bin/ringside-vmm", "--check"], text=True,
                           stdout=subprocess.PIPE, timeout=60, check=False)
    ringside("run", repo / "scenarios/kvm.yaml", "-k", "rng and (bench or conform)", "-o",
             tmp_path / "out", "--no-report", timeout=1200)
    found = cells(tmp_path / "out")
    assert {c["axes"]["connect"] for c in found} == {"library", "eventfd", "vhost-user"}
    if tried.returncode == 0:
        assert {c["status"] for c in found} == {"pass"}, [c["reason"] for c in found]
        return
    assert tried.returncode == INTERNAL
    for cell in found:
        assert cell["status"] == "skip" and tried.stdout.strip() in cell["reason"]
    ringside("run", repo / "scenarios/kvm.yaml", "--no-skip", "-k", "conform and rng and library",
             "-o", tmp_path / "strict", "--no-report", status=(UNEXPECTED,))


def test_only_what_means_something(ringside, tmp_path):
    """A device model that is linked in is ours; the guest is x86_64's; the registers are virtio-mmio's."""
    path = tmp_path / "s.yaml"
    path.write_text("scenario: s\nsummary: s\nmatrix:\n  hypervisor: [kvm, none]\n  driver: [probe, host]\n"
                    "  arch: [x86_64, aarch64]\n  transport: [pci, mmio]\n"
                    "  backend: [ringside-backend, qemu, other]\n"
                    "  connect: [usual, library, direct]\n"
                    "backends: {other: {command: 'prog {socket}'}}\njobs:\n  - conform:\n")
    listed = ringside("run", path, "--list").stdout.split()
    ours = [c for c in listed if "[kvm" in c]
    assert ours == ["s::conform[kvm-probe-x86_64-mmio-blk-ringside-backend-vhost-user]",
                    "s::conform[kvm-probe-x86_64-mmio-blk-ringside-backend-library]",
                    "s::conform[kvm-probe-x86_64-mmio-blk-other-vhost-user]"]
