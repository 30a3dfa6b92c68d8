# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline templates, run here on scratch repositories: what they call is what a project gets.

With RINGSIDE_PIPELINES=whole (ci/pipelines) the jobs clone, build and install Ringside, too, as on a runner.
"""
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import runner
import third_party
import yaml

MAKEFILE = """\
backend:
\tprintf '#!/bin/sh\\nexec %s blk --memory 64M $(EXTRA) "$$@"\\n' "$(BACKEND)" > $@ && chmod +x $@
"""
RINGSIDE_YAML = """\
scenario: scratch
summary: a scratch project's back-end
timeout: 100s
backends:
  scratch:
    command: ./backend --socket-path {socket}
matrix: {device: blk, backend: scratch, wait: event}
jobs:
  - conform: {check: 'blk.write-zeroes*', timeout: 10s}
  - bench: {op: read, block-size: 4096, queue-depth: 1, requests: 100}
"""


@pytest.fixture
def project(tmp_path, backend_bin):
    """A repository with two commits: the second is slower, and reports wrong lengths."""
    folder = tmp_path / "project"
    folder.mkdir()

    def git(*argv):
        return subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *argv],
                              cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    git("init", "-q", "-b", "main")
    (folder / "Makefile").write_text(f"BACKEND = {backend_bin}\nEXTRA =\n{MAKEFILE}")
    (folder / "ringside.yaml").write_text(RINGSIDE_YAML)
    git("add", "-A")
    git("commit", "-q", "-m", "a good one")
    good = git("rev-parse", "HEAD").strip()
    (folder / "Makefile").write_text(
        f"BACKEND = {backend_bin}\nEXTRA = --fault blk-zeroes-unknown-flag-ioerr --burn 3000000\n{MAKEFILE}")
    git("commit", "-q", "-am", "a bad one")
    return folder, good


@pytest.fixture
def environment(ringside_bin, tmp_path):
    """Where `ringside` is what was built."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ringside").write_text(f'#!/bin/sh\nexec {ringside_bin} "$@"\n')
    (tools / "ringside").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "BACKEND_BUILD": "make"}


def shell(script, folder, env, status=(0,)):
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=env, timeout=600,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode in status, done.stdout
    return done.stdout


def check_outcome(out):
    """The broken clause gates, and a reader sees it at once. That it is slower is told, and gates where the machine is
    quiet enough, which a test cannot ask for; that it is not is then said."""
    comment = (out / "comment.md").read_text()
    assert comment.startswith("## Ringside gate: failed")
    assert re.search(r"\*\*\d+ new deviations?", comment), comment
    assert re.search(r"`p50` .*% slower", comment) and re.search(r"`requests_per_s` .*% fewer", comment), comment
    found = json.loads((out / "gate.json").read_text())["findings"]
    gating = {f["tier"] for f in found if f["gates"]}
    assert gating == {"verdict", "paired"} or gating == {"verdict"} and "the host is not quiet" in comment, comment
    assert "v14.blk.operation.dev.5c" in comment
    assert len(comment.split("<details>")[0].split()) < 300
    assert ET.parse(out / "gate.xml").getroot().findall(".//failure")
    assert (out / "gate.sarif").exists() and (out / "report/index.html").exists()


def test_gitlab(repo, project, environment):
    folder, good = project
    jobs = yaml.safe_load((repo / "ci/templates/gitlab-ci.yml").read_text())
    for node in ("1", "2"):
        env = {**environment, "CI_NODE_INDEX": node, "CI_NODE_TOTAL": str(jobs["ringside"]["parallel"]),
               "CI_MERGE_REQUEST_DIFF_BASE_SHA": good}
        script = "\n".join(jobs["ringside"]["script"])
        shell(script.replace("ci measure", "ci measure --max-rounds 3"), folder, env)
    shell("\n".join(jobs["verdict"]["script"]), folder, environment, status=(1,))
    check_outcome(folder / "ringside-out")
    assert not subprocess.run(["git", "worktree", "list"], cwd=folder, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.splitlines()[1:]


def test_github_runs_the_same(repo):
    """What its steps run is what GitLab's do, but for how it names things."""
    text = (repo / "ci/templates/github-actions.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    runs = [s["run"] for job in jobs.values() for s in job["steps"] if "run" in s]
    measure, = [r for r in runs if "ci measure" in r]
    verdict, = [r for r in runs if "ci verdict" in r]
    gitlab = yaml.safe_load((repo / "ci/templates/gitlab-ci.yml").read_text())

    def words(script):
        script = re.sub(r"\$\{\{.*?\}\}|\$CI_\w+|\$\{CI_\w+:-\}", "X", script)
        return re.sub(r"X/2|X/X", "X", script).replace('"', "").split()
    assert words(measure) == words("\n".join(gitlab["ringside"]["script"]))
    assert words(verdict) == words("\n".join(gitlab["verdict"]["script"]))
    assert jobs["measure"]["strategy"]["matrix"]["shard"] == \
        list(range(1, gitlab["ringside"]["parallel"] + 1))


def test_without_a_base_expectations_count(ringside, project, environment):
    folder, good = project
    subprocess.run(["git", "checkout", "-q", good], cwd=folder, check=True)
    ringside("ci", "measure", "--build", "make", "-o", "shard", cwd=folder, env=environment)
    done = ringside("ci", "verdict", "-o", "out", "shard", cwd=folder, env=environment)
    assert done.stdout.splitlines()[-1].startswith("gate passed")
    # A store that nothing was added to yet is what the first pipeline of a project finds.
    ringside("ci", "verdict", "--history", "store", "-o", "out", "shard", cwd=folder, env=environment)
    assert (folder / "out/report/index.html").exists()


@pytest.mark.parametrize("argv,status,complaint", [
    (("measure",), 2, "-o DIR is missing"), (("measure", "-o", "x", "--nonsense"), 2, "--nonsense"),
    (("measure", "-o", "x"), 2, "there is no 'ringside.yaml'"), (("verdict", "-o", "x"), 2, "shards"),
    (("nonsense",), 2, "is not known"), ((), 2, "measure or verdict")])
def test_usage(ringside, tmp_path, argv, status, complaint):
    done = ringside("ci", *argv, status=(status,), cwd=tmp_path)
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_build_that_fails_and_a_base_that_is_none(ringside, project, environment):
    folder, _ = project
    done = ringside("ci", "measure", "--build", "false", "-o", "x", cwd=folder, env=environment,
                    status=(3,))
    assert "'false' failed in the candidate" in done.stderr
    shutil.rmtree(folder / "x")
    done = ringside("ci", "measure", "--base", "nowhere", "-o", "x", cwd=folder, env=environment,
                    status=(2,))
    assert "'nowhere' is no commit" in done.stderr


def test_recipes(repo, project, environment, backend_bin):
    """Each command of the page that tells of pipelines, as it stands there, in a project."""
    folder, good = project
    (folder / "my-blk").write_text(f'#!/bin/sh\nexec {backend_bin} blk --memory 64m --socket-path "$1"\n')
    (folder / "my-blk").chmod(0o755)
    (folder / "my-blk.expect").write_text("")
    (folder / "ringside-out").symlink_to("out")
    for argv in (("remote", "add", "origin", "."), ("fetch", "-q", "origin"), ("checkout", "-q", good)):
        subprocess.run(["git", *argv], cwd=folder, check=True)
    lines = [line.strip() for line in (repo / "ci/templates/README.md").read_text().splitlines()
             if line.startswith("    ringside ")]
    for line in lines:
        if line.startswith("ringside conform"):
            line += " --check 'basic.*'"  # all of them have been run often enough
        line = line.replace("ci measure", "ci measure --max-rounds 2")
        said = shell(line, folder, {**environment, "CI_COMMIT_SHORT_SHA": good[:8]})
        assert "ktap" not in line or said.startswith("KTAP version 1")
    assert {line.split()[1] for line in lines} == {"ci", "conform", "history"}
    assert "entries of the store" in (folder / "out/report/index.html").read_text()


WHOLE = os.environ.get("RINGSIDE_PIPELINES") == "whole"


@pytest.mark.parametrize("host", ["gitlab", "github"])
def test_somebody_elses_back_end(repo, environment, tmp_path, host):
    """One planted regression and one planted violation of the text, in the pipeline of a project that is not ours: both
    are caught, and the comment says so in few words."""
    if third_party.missing():
        pytest.skip(third_party.missing())
    if host == "gitlab" and not WHOLE:
        pytest.skip("the other template runs the same; ci/pipelines runs both")
    project = tmp_path / "project"
    good = third_party.make(project, repo)
    container = runner.Here(environment)
    variables = {"BACKEND_BUILD": "make"}
    if WHOLE:
        source = "https://github.com/example/ringside"
        (tmp_path / "container").mkdir()
        container = runner.Inside({**os.environ}, tmp_path / "container", {source: repo})
        variables["RINGSIDE_REPOSITORY"] = source if host == "gitlab" else "example/ringside"
    template = {"gitlab": "gitlab-ci.yml", "github": "github-actions.yml"}[host]
    kind = {"gitlab": runner.Gitlab, "github": runner.Github}[host]
    pipeline = kind(repo / "ci/templates" / template, project, container, tmp_path / "work", variables).run(good)
    said = "\n".join(f"== {name}: {status}\n{pipeline.said[name]}" for name, status in pipeline.statuses.items())
    assert list(pipeline.statuses.values()) == [0, 0, 1], said
    comment = (pipeline.results / "comment.md").read_text(encoding="utf-8")
    first = comment.split("<details>")[0]
    assert first.startswith("## Ringside gate: failed\n\n**1 new deviation, "), comment
    assert "`vu.msg.form`" in first and third_party.VIOLATED in first
    found = json.loads((pipeline.results / "gate.json").read_text(encoding="utf-8"))
    gating = {f["tier"] for f in found["findings"] if f["gates"]}
    # A machine that is busier than several times as long would show is said to be, and it is all the same told.
    told = first if WHOLE or "not quiet" not in comment else comment
    assert gating == {"verdict", "paired"} or told is comment and gating == {"verdict"}, comment
    assert re.search(r"`p50` .*% slower", told) and re.search(r"`requests_per_s` .*% fewer", told), comment
    # Half a minute, at the pace at which people read.
    assert len(first.split()) <= 125, first
    page = (pipeline.results / "report/index.html").read_text(encoding="utf-8")
    assert "Failed: 1 new deviation" in page
