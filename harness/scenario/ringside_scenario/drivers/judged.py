# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts of the judge: what our back-end says of a driver that worked with it."""
import os

from ringside_scenario import results
from ringside_scenario.outcome import Failed, Outcome


def outcome(cell, ctx, backend, driver, summary):
    """The outcome of a driver that has done its work; the judge may still object to how."""
    if not (backend and cell.judge and backend.judge):
        return Outcome("pass", summary=summary)
    # It writes when its front-end goes, and when it ends.
    backend.process.stop()
    found = results.read(backend.judge)
    if not found:
        raise Failed("error", "the judge wrote no verdicts: " + backend.process.last_words())
    found["target"] = {**found.get("target", {}), "uri": f"driver:{driver}",
                       "name": f"{driver}, {cell.hypervisor} {cell.arch} {cell.transport}"}
    results.expect(found, cell.expect_files)
    results.write(backend.judge, found)
    text = ", ".join(t for t in (summary, f"judge: {results.summarise(found)}") if t)
    files = [os.path.basename(backend.judge)]
    if found["unexpected"]:
        return Outcome("fail", results.first_finding(found), files, text)
    return Outcome("pass", "", files, text)
