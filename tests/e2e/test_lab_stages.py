# SPDX-License-Identifier: BSD-3-Clause
"""Where a request's instructions go under KVM and Xen: all sources on the lab's one clock, in a table that sums up.

Skipped when a lab's image is not in the cache: ci/labs builds it and runs these.
"""
import json

import pytest

from lab_jobs import need_lab

REQUESTS = 40
SCENARIO = """\
scenario: s
summary: where a request's instructions go
timeout: 900s
clock: instructions
matrix: {{hypervisor: {hypervisor}, connect: {connect}, driver: probe, arch: x86_64, device: rng, wait: event}}
jobs:
  - bench: {{requests: {requests}, stages: {stages}}}
"""
LIBRARY = ["submit", "notify", "exit+wake", "fetch", "serve", "publish", "call+inject", "handle", "reap"]
WITHOUT = ["submit", "notify+exit+wake", "fetch", "serve", "publish", "call", "inject+handle", "reap"]
ALL = ["submit", "notify", "exit", "wake", "fetch", "serve", "publish", "call", "inject", "handle", "reap"]


@pytest.mark.parametrize("hypervisor, connect, stages, names", [
    ("kvm-lab", "library", "true", LIBRARY),
    ("kvm-lab", "vhost-user", "true", WITHOUT),
    # By KVM's own tracepoints, in the lab's kernel.
    ("kvm-lab", "vhost-user", "kernel", ALL),
    ("xen-lab", "library", "true", LIBRARY),
    ("xen-lab", "vhost-user", "true", ALL),
    ("xen-pvh-lab", "eventfd", "true", WITHOUT)])
def test_stages_add_up(ringside, tmp_path, run_json, hypervisor, connect, stages, names):
    need_lab(ringside, hypervisor.removesuffix("-lab"))
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.format(hypervisor=hypervisor, connect=connect, stages=stages, requests=REQUESTS))
    ringside("run", path, "-o", tmp_path / "out", "--no-report", timeout=1800)
    (result,) = (tmp_path / "out").rglob("exact.json")
    traced = json.loads(result.read_text())["traced"]
    trace, rows = traced["trace"], traced["stages"]
    assert trace["requests"] == REQUESTS and trace["discarded"] == 0 and trace["unmatched"] == 0
    assert trace["adds_up"] and trace["guest_clock"] == {"how": "told"}
    assert sum(r["sum_ns"] for r in rows) - trace["end_to_end"]["sum_ns"] <= trace["skewed"] * trace["clock_error_ns"]
    # Each request has each stage.
    assert [r["name"] for r in rows if r["count"]] == names
    assert {r["count"] for r in rows if r["count"]} == {REQUESTS}
    if stages == "kernel":
        kernel = trace["kernel"]
        assert kernel["lost"] == 0 and kernel["guest_exits"] > REQUESTS
        # The same load once before it.
        assert 2 * REQUESTS <= kernel["guest_notifications"] <= 2 * REQUESTS + 8
        assert 0 < trace["clock_error_ns"] < 1000
    else:
        assert trace["clock_error_ns"] == 0 and trace["skewed"] == 0
    # The recording says the same by itself.
    again = run_json("trace", "stages", "--counter-hz", 1000000000, result.parent / "trace")
    assert again["stages"] == rows


def test_stages_of_a_kernel_that_sees_one_side_only(ringside, tmp_path):
    need_lab(ringside, "xen")
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.format(hypervisor="xen-lab", connect="library", stages="kernel", requests=REQUESTS))
    ringside("run", path, "-o", tmp_path / "out", "--no-report", status=None)
    (cell,) = (json.loads(p.read_text()) for p in (tmp_path / "out").rglob("cell.json"))
    assert cell["status"] == "skip" and "no kernel that sees both sides" in cell["reason"]
