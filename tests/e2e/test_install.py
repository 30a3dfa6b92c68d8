# SPDX-License-Identifier: BSD-3-Clause
"""cmake --install: what is put where, and that it runs from there."""
import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def prefix(build_dir, tmp_path_factory):
    """An installation in a folder of its own."""
    path = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", build_dir, "--prefix", path], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="module")
def package(build_dir, tmp_path_factory):
    """The Debian package, as a file."""
    if not shutil.which("dpkg-shlibdeps") or not shutil.which("cpack"):
        pytest.skip("dpkg-dev or cpack is not installed: ci/bootstrap build")
    path = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "--config", build_dir / "CPackConfig.cmake", "-B", path], check=True,
                   timeout=120, stdout=subprocess.DEVNULL)
    (deb,) = path.glob("ringside_*.deb")
    return deb


def run(*argv, **kwargs):
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, text=True, timeout=60,
                          capture_output=True, check=False, **kwargs)


def installed(prefix):
    return {str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file()}


def test_ringside_runs_from_the_prefix(prefix):
    done = run(prefix / "bin/ringside", "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("ringside ")


def test_every_listed_command_is_installed(prefix, commands):
    """In particular those in libexec, which are found by name."""
    for command in commands:
        done = run(prefix / "bin/ringside", command, "--help")
        assert done.returncode == 0, (command, done.stderr)
        assert "usage: ringside " + command in done.stdout


def test_nothing_points_back_into_the_sources(prefix, repo, build_dir):
    """An installation outlives the tree it was built in; debug information may name it."""
    for name in installed(prefix):
        path = prefix / name
        assert not path.is_symlink() or repo not in path.resolve().parents, name
        if name.startswith(("share/", "libexec/")) and not name.endswith(".so"):
            text = path.read_text(errors="replace")
            for inside in (f"{repo}/harness", f"{repo}/reports", f"{repo}/scenarios", build_dir):
                assert f"{inside}/" not in text, name


def test_every_command_has_a_manual_page(prefix, commands):
    pages = {p.name for p in (prefix / "share/man/man1").iterdir()}
    assert {"ringside.1", "ringside-backend.1"} <= pages
    assert {f"ringside-{c}.1" for c in commands} <= pages
    guides = {p.name for p in (prefix / "share/man/man7").iterdir()}
    assert {"ringside-tutorial.7", "ringside-numbers.7", "ringside-faq.7"} <= guides


def test_manual_pages_render(prefix):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed: ci/bootstrap check")
    for page in (prefix / "share/man").glob("man*/*"):
        done = run("mandoc", "-T", "utf8", page)
        assert done.returncode == 0 and len(done.stdout) > 500, (page, done.stderr)


def bash_complete(prefix, *words):
    """What bash offers for the last of the words."""
    script = """
        . "$PREFIX/share/bash-completion/completions/ringside"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _ringside
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    env = {**os.environ, "PREFIX": str(prefix)}
    done = run("bash", "-c", script, "bash", *words, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_completion_of_commands(prefix, commands):
    ringside = prefix / "bin/ringside"
    assert set(commands) <= set(bash_complete(prefix, ringside, ""))
    assert bash_complete(prefix, ringside, "repo") == ["report"]
    assert bash_complete(prefix, ringside, "--ver") == ["--version"]


def test_completion_of_options_and_their_values(prefix, ringside):
    program = prefix / "bin/ringside"
    checks = [line.split()[0] for line in ringside("conform", "--list").stdout.splitlines()]
    assert bash_complete(prefix, program, "conform", "--form") == ["--format"]
    assert bash_complete(prefix, program, "conform", "--format", "j") == ["json", "junit"]
    assert set(bash_complete(prefix, program, "conform", "--check", "")) == set(checks)
    assert "v14.blk.init.dev.1" in bash_complete(prefix, program, "conform", "--clause", "v14.blk.")
    assert {checks[0], "v14.blk.init.dev.1"} <= set(bash_complete(prefix, program, "explain", ""))
    assert bash_complete(prefix, program, "bench", "--wait", "") == ["event", "poll"]


def test_completion_is_installed_for_three_shells(prefix):
    assert {
        "share/bash-completion/completions/ringside",
        "share/bash-completion/completions/ringside-backend",
        "share/fish/vendor_completions.d/ringside.fish",
        "share/zsh/site-functions/_ringside",
    } <= installed(prefix)


def test_scenarios_are_found_by_name(prefix, repo, tmp_path):
    """From any folder, and one of ours runs from the prefix with all that it names."""
    ringside = prefix / "bin/ringside"
    listed = run(ringside, "run", "--list", "scenarios", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    names = {line.partition("::")[0] for line in listed.stdout.splitlines()}
    files = list((repo / "scenarios").glob("*.yaml"))
    assert names == {p.stem for p in files if "\nexplicit: true\n" not in p.read_text("utf-8")}
    assert run(ringside, "run", "--list", *(p.stem for p in files), cwd=tmp_path).returncode == 0
    for name in ("blk-direct", "blk-direct.yaml", "scenarios/blk-direct.yaml"):
        assert run(ringside, "run", "--list", name, cwd=tmp_path).stdout.startswith("blk-direct::")
    done = run(ringside, "run", "blk-direct", "-k", "conform and not storage", "-o", tmp_path / "out",
               "--no-report", cwd=tmp_path)
    assert done.returncode == 0 and "1 cell: 1 pass" in done.stdout, done.stdout + done.stderr
    gone = run(ringside, "run", "--list", "no-such-scenario", cwd=tmp_path)
    assert gone.returncode == 2 and "no-such-scenario: cannot be read" in gone.stderr


def test_a_scenario_here_comes_first(prefix, tmp_path):
    (tmp_path / "blk-direct.yaml").write_text("scenario: mine\nsummary: mine\njobs:\n  - conform:\n",
                                              encoding="utf-8")
    listed = run(prefix / "bin/ringside", "run", "--list", "blk-direct.yaml", cwd=tmp_path)
    assert listed.stdout.startswith("mine::")


def test_a_debian_package_says_what_it_needs(package):
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", package).stdout.splitlines()
                  if ": " in line and not line.startswith(" "))
    assert fields["Package"] == "ringside"
    for library in ("libc6", "libjansson4", "liburing2"):
        assert f"{library} (>= " in fields["Depends"]
    assert "python3" in fields["Recommends"] and "python3" not in fields["Depends"]


def test_a_debian_package_holds_what_is_installed_and_runs(package, prefix, tmp_path):
    run("dpkg-deb", "-x", package, tmp_path / "root")
    usr = tmp_path / "root/usr"
    assert installed(usr) == installed(prefix)
    done = run(usr / "bin/ringside", "conform", "vhost-user:", "--device", "blk", "--check",
               "basic.*", "--command",
               f"{usr}/bin/ringside-backend blk --memory 64m --socket-path {{socket}}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass" in done.stdout
