# SPDX-License-Identifier: BSD-3-Clause
"""ci/findings: how findings are reproduced, twice."""
import fnmatch
import re
import subprocess
import sys

import pytest

OK, GONE, USAGE, SKIPPED = 0, 1, 2, 77
PAGE = """# Something

Of `v14.entropy.operation.dev.1`.

## How to reproduce

    ringside conform vhost-user: --device rng --check rng.read.something \\
        --command '{command}'

## Observed

Nothing.
"""


@pytest.fixture
def findings(repo, build_dir):
    def run(*args, status=OK):
        done = subprocess.run([sys.executable, repo / "ci/findings", "--build", build_dir, *map(str, args)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done
    return run


@pytest.fixture
def page(tmp_path, backend_bin):
    """page(more): a finding in our own back-end, with these arguments; and its folder."""
    def write(more):
        path = tmp_path / "pages" / "one.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PAGE.format(command=f"exec {backend_bin} rng --socket-path {{socket}} {more}"), encoding="utf-8")
        return path
    return write


def test_each_page_says_how(findings, repo, ringside):
    """… with checks that there are, and scenarios that there are."""
    listed = findings("--list").stdout.splitlines()
    pages = {p.stem for p in (repo / "reports/findings").glob("*.md")} - {"README"}
    assert {line.split()[2 if line.startswith("would") else 1].rstrip(":") for line in listed} == pages
    table = (repo / "reports/findings/README.md").read_text(encoding="utf-8")
    assert pages == set(re.findall(r"^\| \[([\w-]+)\]\(\1\.md\) \|", table, re.M))
    checks = [line.split()[0] for line in ringside("conform", "--list").stdout.splitlines() if line.strip()]
    for line in listed:
        for text in re.findall(r"--check '?([^' ;]+)", line):
            globs = [text]
            while any("@(" in g for g in globs):
                globs = [g.replace(m.group(), word, 1) for g in globs for m in [re.search(r"@\(([^()]*)\)", g)]
                         for word in m.group(1).split("|")]
            for one in globs:
                assert fnmatch.filter(checks, one), f"{line}: there is no check {one}"
        for scenario in re.findall(r"ringside run (scenarios/\S+)", line):
            assert (repo / scenario).exists()


def test_a_finding_is_seen_twice(findings, page):
    path = page("--fault rng-nothing")
    done = findings("--pages", path.parent)
    assert re.match(r"seen +one: `rng.read.something` (fail|error)\n1 findings: 1 accused twice, 0 not", done.stdout)
    findings("--pages", path.parent, "--write", "one")
    once = path.read_text(encoding="utf-8")
    assert re.search(r"\n\nSeen twice by `ci/findings`, \d+ \w+ \d{4}: `rng.read.something` \w+\.\n\n## Observed", once)
    findings("--pages", path.parent, "--write")
    assert re.sub(r", \d+ \w+ \d{4}:", "", path.read_text(encoding="utf-8")) == re.sub(r", \d+ \w+ \d{4}:", "", once)


def test_a_finding_that_is_gone(findings, page):
    assert "nothing is accused" in findings("--pages", page("").parent, status=GONE).stdout


def test_a_finding_that_is_seen_once(findings, page, tmp_path):
    more = f"$([ -e {tmp_path}/once ] || echo --fault rng-nothing; touch {tmp_path}/once)"
    assert "then nothing" in findings("--pages", page(more).parent, status=GONE).stdout


def test_pages_that_do_not_say_how(findings, page):
    path = page("")
    assert "no page 'two'" in findings("--pages", path.parent, "two", status=USAGE).stderr
    path.write_text("# Something\n\n## Observed\n", encoding="utf-8")
    assert "no section 'How to reproduce'" in findings("--pages", path.parent, status=USAGE).stderr
    path.write_text("# Something\n\n## How to reproduce\n\nBy hand.\n\n## Observed\n", encoding="utf-8")
    assert "nothing to run" in findings("--pages", path.parent, status=USAGE).stderr
    path.write_text("# Something\n\n## How to reproduce\n\n    ringside run scenarios/kvm.yaml\n\n## Observed\n",
                    encoding="utf-8")
    assert "elsewhere  one: ringside run" in findings("--pages", path.parent, status=SKIPPED).stdout
