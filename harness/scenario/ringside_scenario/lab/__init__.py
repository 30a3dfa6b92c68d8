# SPDX-License-Identifier: BSD-3-Clause
"""Labs: a real hypervisor under software emulation, whose clock counts instructions.

recipe    what a lab is made of: scenarios/lab/NAME.yaml
base      what a lab's own module (kvm, xen) says; its defaults
image     kernel and initramfs in the cache, with what was fetched and its checksums
machine   QEMU's command line, and a lab that runs: from its snapshot, with a job
snapshot  a lab that has booted, saved at one certain instruction
channel   results that come out of a lab, line by line, framed and checked
qmp       QEMU's monitor
gdb       … and its debugger interface
cross     our programs for a lab's processor, when it is another one than the host's
libraries programs with what they need, as files of an initramfs
run       one job from beginning to end, and whom to blame
"""
import importlib

from ringside_scenario.lab import recipe


def named(name):
    """The lab of that name; recipe.BadRecipe."""
    found = recipe.load(name)
    module = importlib.import_module(f"ringside_scenario.lab.{found.module}")
    return module.LAB(found)
