# SPDX-License-Identifier: BSD-3-Clause
"""No hypervisor: ringside itself is the front-end, over the back-end's socket."""
import platform

from ringside_scenario.hypervisor.base import Hypervisor


class Direct(Hypervisor):
    name = "none"

    def fold(self, axes):
        if axes["backend"] == "qemu" or axes["driver"] != "host":
            return None
        return {**axes, "arch": platform.machine(), "transport": "vhost-user"}

    def uri(self, cell, ctx, backend):
        return f"vhost-user:{backend.socket}"


def named(_name):
    return Direct()
