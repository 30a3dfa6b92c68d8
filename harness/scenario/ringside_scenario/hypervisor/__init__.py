# SPDX-License-Identifier: BSD-3-Clause
"""Hypervisors, one module each; README.md tells how one is added."""
import importlib

# Name as in a scenario: its module.
NAMES = {
    "none": "direct",
    "qemu-tcg": "qemu",
    "qemu-kvm": "qemu",
    "uml": "uml",
    "kvm": "kvm_host",
    "xen": "xen_host",
    "kvm-lab": "kvm_lab",
    "xen-lab": "xen_lab",
    "xen-pvh-lab": "xen_lab",
    "xen-lab-arm64": "xen_arm64_lab",
    "vhost-lab": "vhost_lab",
}


def named(name):
    """The hypervisor of that name."""
    module = importlib.import_module(f"ringside_scenario.hypervisor.{NAMES[name]}")
    return module.named(name)
