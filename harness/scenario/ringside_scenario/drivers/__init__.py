# SPDX-License-Identifier: BSD-3-Clause
"""Who drives the device, one module each: ringside on the host, or something in a guest."""
import importlib

# Name as in a scenario: its module.
NAMES = {
    "host": "host",
    "probe": "probe",
    "linux": "linux",
    "seabios": "firmware",
    "ovmf": "firmware",
    "aavmf": "firmware",
    "u-boot": "firmware",
    "ipxe": "firmware",
}


def named(name):
    module = importlib.import_module(f"ringside_scenario.drivers.{NAMES[name]}")
    return module.named(name)
