# SPDX-License-Identifier: BSD-3-Clause
"""Linux's own drivers in a guest, over our back-ends; the judge watches. What cannot be fetched here is skipped."""
import json

import pytest


@pytest.fixture
def cell(ringside, repo, tmp_path):
    """cell(scenario, which): the one cell of it, and the judge's verdicts."""
    def run(scenario, which):
        out = tmp_path / "out"
        ringside("run", repo / f"scenarios/{scenario}.yaml", "-k", which, "-o", out, "--no-report",
                 timeout=900)
        (found,) = json.loads((out / "run.json").read_text())["cells"]
        if found["status"] == "skip":
            pytest.skip(found["reason"])
        assert found["status"] == "pass", found["reason"]
        (judged,) = out.rglob("judge.json")
        return {c["clauses"][0]: c["verdict"] for c in json.loads(judged.read_text())["checks"]}
    return run


def test_behind_an_iommu(cell):
    """The front-end translates, and does it right."""
    verdicts = cell("linux-iommu", "tcg and not packed")
    for clause in ("msg.fe.1", "msg.fe.2", "msg.fe.3", "msg.fe.4", "miss.fe.1"):
        assert verdicts[f"VU.iotlb.{clause}"] == "pass"
    assert verdicts["VU.breq.iotlb.fe.1"] == "pass"
    assert verdicts["v14.split-ring.message-framing.drv.1"] == "pass"
