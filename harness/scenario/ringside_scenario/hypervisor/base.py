# SPDX-License-Identifier: BSD-3-Clause
"""What a hypervisor is to a scenario."""


class Hypervisor:
    """A cell sees these; a module overrides what differs."""

    name = ""
    whole = False  # run(cell, ctx) does the whole cell, whatever driver and back-end
    connects = ("usual",)  # ways to connect a device, after fold()

    def fold(self, axes):
        """The axes with those settled that this hypervisor leaves no choice about, so that equal
        cells become one; None when the combination means nothing here."""
        return axes

    def has_backend(self, cell):
        """Is there a program beside the hypervisor that is the device?"""
        return cell.backend != "qemu"

    def missing(self, cell, ctx):
        """Why the cell cannot be run on this machine, in words; None: it can."""
        return None

    def uri(self, cell, ctx, backend):
        """The target, as `ringside conform` takes it, when the host is the driver."""
        raise NotImplementedError

    def expect_files(self, cell):
        """Expectation files that go with the device itself."""
        return []

    def run(self, cell, ctx):
        """Do the cell; an Outcome, or Failed is raised. Of one that is `whole`."""
        raise NotImplementedError

    def start(self, cell, ctx, backend, guest):
        """Start a guest; a Running."""
        raise NotImplementedError


class Running:
    """A guest that was started."""

    def __init__(self, process, console):
        self.process = process
        self.console = console  # the file with what the guest said

    def blame(self):
        """The guest has ended and not done its job: an Outcome's status and reason, when that is
        the hypervisor's own failure; None when it is not."""
        return None

    def words(self):
        """What the hypervisor said of the guest's end."""
        return ""
