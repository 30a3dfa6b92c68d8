# SPDX-License-Identifier: BSD-3-Clause
"""The lab of KVM: Debian's Linux with the kvm modules, on a processor with virtualization that
QEMU emulates."""
import os

from ringside_scenario import programs
from ringside_scenario.lab import base


class Kvm(base.Lab):
    def _linux(self, roots):
        (package,) = [p for p in self.recipe.packages if p.startswith("linux-image-")]
        return base.linux(roots, package)

    def kernel(self, roots):
        with open(self._linux(roots).image, "rb") as f:
            return {"kernel": f.read()}

    def modules(self, roots):
        return self._linux(roots).in_order(self.recipe.modules)

    def start_script(self):
        # Whoever asks for random bytes first waits a second for them: that is not a device's cost.
        return "head -c 16 /dev/random >/dev/null\n"

    def programs(self):
        found = programs.find()
        beside = os.path.dirname(os.path.abspath(found["ringside"]))
        paths = [found["ringside"], found["backend"], os.path.join(beside, "ringside-vmm")]
        return [p for p in paths if os.path.exists(p)]


LAB = Kvm
