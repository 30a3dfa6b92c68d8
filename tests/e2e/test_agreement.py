# SPDX-License-Identifier: BSD-3-Clause
"""The verdicts of one back-end agree between its socket and a guest behind QEMU, except where
scenarios/expect/direct-behind-qemu-7.2.tsv explains why they do not."""
import fnmatch
import json
import re
import shutil
import subprocess

import pytest

SCENARIO = """\
scenario: agree
summary: the same checks on the socket and in a guest
timeout: 180s
matrix:
  hypervisor: [none, qemu-tcg]
  driver: [host, probe]
  arch: x86_64
  transport: [vhost-user, pci]
  device: {device}
  backend: {backend}
exclude:
  - {{hypervisor: none, driver: probe}}
  - {{hypervisor: qemu-tcg, driver: host}}
options: {{{backend}: [{options}]}}
jobs:
  - conform:
      check: '@(@(blk|basic|rng|split.@(used-len|indirect|desc)).*|split.used.!(in-order))'
      timeout: 3s
"""
COLUMNS = ("backend", "check", "direct", "behind", "clause", "reason")


@pytest.fixture(scope="module")
def explained(repo, run_json):
    path = repo / "scenarios/expect/direct-behind-qemu-7.2.tsv"
    rows = [dict(zip(COLUMNS, line.split("\t"))) for line in path.read_text().splitlines()
            if line and line[0] != "#"]
    known = {c["id"] for c in run_json("clauses")["clauses"]}
    assert all(len(r) == len(COLUMNS) and r["reason"] and r["clause"] in known for r in rows)
    return rows


def is_explained(rows, backend, check, direct, behind):
    return any(r["backend"] in ("*", backend) and fnmatch.fnmatchcase(check, r["check"]) and
               (r["direct"], r["behind"]) == (direct, behind) for r in rows)


def verdicts(path):
    with open(path, encoding="utf-8") as f:
        return {c["id"]: c["verdict"] for c in json.load(f)["checks"]}


@pytest.mark.parametrize("device, backend, options", [
    ("blk", "ringside-backend", ""),
    ("blk", "qemu-storage-daemon", ""),
    ("rng", "ringside-backend", "--no-status"),
])
def test_the_socket_and_a_guest_agree(ringside, run_dir, repo, build_dir, explained, device, backend,
                                      options):
    if not shutil.which("qemu-system-x86_64") or not shutil.which("qemu-storage-daemon"):
        pytest.skip("QEMU is not installed: ci/bootstrap run")
    if not (build_dir / "probe/ringside-probe-x86_64").exists():
        pytest.skip("the probe is not built: ci/bootstrap guests")
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                             check=True).stdout
    if not re.search(r"version 7\.2\.", version):
        pytest.skip("what is explained is QEMU 7.2")
    for name in ("targets", "qemu"):
        (run_dir / name).symlink_to(repo / "scenarios" / name)
    path = run_dir / "agree.yaml"
    path.write_text(SCENARIO.format(device=device, backend=backend, options=options),
                    encoding="utf-8")

    def both(count):
        """What differs, and is not explained."""
        out = run_dir / f"out-{count}"
        # 1: with no expectation file a deviation of the daemon is one, in both cells.
        ringside("run", path, "-o", out, "--no-report", status=(0, 1), timeout=400)
        (direct,) = out.glob("cells/agree/conform.none-*/conform.json")
        (behind,) = out.glob("cells/agree/conform.qemu-tcg-*/conform.json")
        direct, behind = verdicts(direct), verdicts(behind)
        assert direct.keys() == behind.keys()
        assert list(direct.values()).count("pass") > 5
        return {check: (direct[check], behind[check]) for check in direct
                if direct[check] != behind[check] and
                not is_explained(explained, backend, check, direct[check], behind[check])}
    differ = both(0)
    # An error says nothing of either. On a machine with much to do a deadline may pass on either side: only what stays so counts.
    if differ:
        again = both(1)
        differ = {check: pair for check, pair in differ.items() if again.get(check) == pair}
    assert not differ
