# SPDX-License-Identifier: BSD-3-Clause
"""What a driver is to a scenario."""


class Driver:
    name = ""
    jobs = ()  # kinds of job it can do

    def missing(self, cell, ctx):
        """Why it cannot be run here, in words; None: it can."""
        return None

    def run(self, cell, ctx, hypervisor, backend):
        """Do the job; an Outcome, or Failed is raised."""
        raise NotImplementedError
