# SPDX-License-Identifier: BSD-3-Clause
"""ringside lava: jobs that LAVA's own schema takes, and what a device tells LAVA."""
import base64
import io
import os
import subprocess
import tarfile

import pytest
import yaml

USAGE = 2
QEMU = ("--image", "https://example.org/debian.qcow2", "--package",
        "https://example.org/ringside.deb")


@pytest.fixture
def validate():
    schemas = pytest.importorskip("lava_common.schemas",
                                  reason="lava-common is not installed: ci/bootstrap test")
    return lambda job: schemas.validate(job, strict=True)


def jobs_of(done):
    for path in done.stdout.splitlines():
        with open(path, encoding="utf-8") as f:
            yield yaml.safe_load(f)


def steps_of(job):
    return job["actions"][-1]["test"]["definitions"][0]["repository"]["run"]["steps"]


def test_jobs_are_valid(ringside, repo, tmp_path, validate):
    done = ringside("lava", *QEMU, "--shards", 3, "-k", "not poll", "-o", tmp_path,
                    repo / "scenarios/blk-direct.yaml", repo / "scenarios/probe-rng.yaml")
    jobs = list(jobs_of(done))
    assert len(jobs) == 3
    for shard, job in enumerate(jobs, 1):
        validate(job)
        assert job["job_name"].endswith(f"{shard}/3")
        (run,) = [s for s in steps_of(job) if "ringside run" in s]
        assert f"--shard {shard}/3" in run and "-k 'not poll'" in run


def test_a_job_that_is_wrong_is_refused(ringside, repo, tmp_path, validate):
    """The schema is looked at at all."""
    (job,) = jobs_of(ringside("lava", *QEMU, "-o", tmp_path, repo / "scenarios/blk-direct.yaml"))
    del job["timeouts"]
    with pytest.raises(Exception, match="required key not provided"):
        validate(job)


def test_a_device_of_another_kind(ringside, repo, tmp_path, validate):
    base = tmp_path / "base.yaml"
    base.write_text("""\
- deploy:
    timeout: {minutes: 5}
    to: tftp
    os: debian
    kernel: {url: 'https://example.org/Image', type: image}
    ramdisk: {url: 'https://example.org/initrd.gz', compression: gz}
    dtb: {url: 'https://example.org/board.dtb'}
- boot: {timeout: {minutes: 5}, method: u-boot, commands: nfs, prompts: ['# ']}
""", encoding="utf-8")
    (job,) = jobs_of(ringside("lava", "--device-type", "board", "--base", base, "--package",
                              QEMU[-1], "-o", tmp_path, repo / "scenarios/blk-direct.yaml"))
    validate(job)
    assert job["device_type"] == "board"
    assert [next(iter(a)) for a in job["actions"]] == ["deploy", "boot", "test"]


def test_the_steps_bring_all_that_a_scenario_names(ringside, repo, tmp_path):
    (job,) = jobs_of(ringside("lava", *QEMU, "-o", tmp_path, repo / "scenarios/blk-direct.yaml"))
    (step,) = [s for s in steps_of(job) if "base64 -d" in s]
    data = base64.b64decode(step.split("echo ")[1].split(" |")[0])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path / "there")
    done = ringside("run", "--list", tmp_path / "there/blk-direct.yaml")
    assert done.stdout.startswith("blk-direct::")


def test_each_cell_is_told(ringside_bin, ringside, run_dir, tmp_path):
    """A run with a cell that passes, one that fails and one that cannot be run."""
    scenario = run_dir / "s.yaml"
    scenario.write_text("""\
scenario: told
summary: one of each
matrix:
  backend: [ringside-backend, wrong, none]
backends:
  wrong:
    command: "BACKEND blk --memory 64m --fault blk-id-not-padded --socket-path {socket}"
  none:
    command: "no-such-program {socket}"
jobs:
  - conform: {check: "blk.id.padded"}
""".replace("BACKEND", str(ringside_bin.parent / "ringside-backend")), encoding="utf-8")
    ringside("run", scenario, "-o", run_dir / "out", "--no-report", status=(1, 3, 4))
    # LAVA puts this program on the device; here it writes down what it was told.
    tool = tmp_path / "lava-test-case"
    tool.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/told\n', encoding="utf-8")
    tool.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([ringside_bin, "lava", "--report", run_dir / "out"], env=env, check=True,
                   timeout=60)
    told = sorted((tmp_path / "told").read_text(encoding="utf-8").splitlines())
    results = [line.split(" --result ")[1] for line in told]
    assert len(told) == 3 and sorted(results) == ["fail", "fail", "pass"]
    assert all(line.startswith("told.conform-") for line in told)


@pytest.mark.parametrize("arguments, complaint", [
    ((), "which scenarios?"),
    (("x.yaml",), "--package: where"),
    (("x.yaml", "--package", "u"), "one of --base and --image"),
    (("x.yaml", *QEMU, "--shards", "0"), "--shards: 0 is not a number"),
    (("x.yaml", *QEMU), "x.yaml: cannot be read"),
    (("--report", "nowhere"), "nowhere: no run is in there"),
])
def test_complaints(ringside, arguments, complaint):
    done = ringside("lava", *arguments, status=(USAGE,))
    assert complaint in done.stderr and "Traceback" not in done.stderr
