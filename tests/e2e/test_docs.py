# SPDX-License-Identifier: BSD-3-Clause
"""What the documents tell a reader to type exists: programs, commands, options, files.

Every command line in a Markdown file and in an example of a manual page is looked at; README.md's section on
one's own back-end is also run, as it stands, against a back-end, and so are the guides of section 7 from their first
command to their last.
"""
import functools
import re
import shlex
import subprocess

import pytest

OURS = re.compile(r"^(ringside(-backend|-vmm|-xen)?|build/bin/ringside\S*|ci/\S+|tests/\S+|build/tests/\S+)$")


def markdown_lines(text):
    """Lines of code blocks, with those that are continued joined."""
    lines, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or re.match(r" {4,}\S", line):
            lines.append(line.strip())
    return lines


def manual_lines(text):
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith((".Bd", ".Ed")):
            inside = line.startswith(".Bd")
        elif inside:
            lines.append(line.rstrip().replace("\\e", "\\").replace("\\-", "-"))
    return lines


def commands_of(lines):
    """Each as a list of words; what a shell would not read is no command."""
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    for line in joined.splitlines():
        # '…' stands for what a reader knows.
        line = re.sub(r"\s#\s.*$", "", line).strip().removeprefix("$ ").replace("…", " ")
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        if words and OURS.match(words[0]):
            yield words


def documents(repo):
    found = subprocess.run(["git", "-C", repo, "ls-files", "*.md", "*.[17]"], capture_output=True,
                           text=True, check=False).stdout.split()
    return found or [str(p.relative_to(repo)) for p in repo.rglob("*.md")]


def told(repo):
    for name in documents(repo):
        text = (repo / name).read_text(encoding="utf-8")
        lines = markdown_lines(text) if name.endswith(".md") else manual_lines(text)
        for words in commands_of(lines):
            yield name, words


@pytest.fixture(scope="module")
def help_of(build_dir):
    @functools.lru_cache(maxsize=None)
    def text(*argv):
        path = build_dir / "bin" / argv[0]
        if not path.exists():
            return None
        return subprocess.run([path, *argv[1:], "--help"], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False).stdout
    return text


def options_in(words):
    """Up to where another program's words begin."""
    for word in words:
        if word in ("--", "|", "&", ">", ";", "&&"):
            return
        if re.match(r"--[a-z]", word):
            yield word.partition("=")[0]


def test_commands_and_options_exist(repo, commands, help_of):
    wrong, seen = [], 0
    for name, words in told(repo):
        program = words[0].rpartition("/")[2] if words[0].startswith("build/bin") else words[0]
        if not program.startswith("ringside"):
            path = repo / words[0]
            if not words[0].startswith("build/") and not path.exists():
                wrong.append(f"{name}: {words[0]} is not there")
            continue
        call = [program]
        if program == "ringside" and len(words) > 1 and not words[1].startswith("-"):
            if words[1].endswith(","):
                continue  # a title in a picture
            if words[1] not in commands:
                wrong.append(f"{name}: 'ringside {words[1]}' is no command")
                continue
            call.append(words[1])
            if words[1] in ("lab", "zoo") and len(words) > 2:
                call.append(words[2])
        text = help_of(*call)
        if text is None:
            continue
        seen += 1
        for option in options_in(words[len(call):]):
            if not re.search(rf"{re.escape(option)}\b", text):
                wrong.append(f"{name}: {' '.join(call)} has no {option}")
    assert not wrong, "\n".join(wrong)
    assert seen > 40


# What is tested at length elsewhere, and takes too long here.
ELSEWHERE = ("ringside gate", "ringside ab", "ringside run", "ringside conform module:",
             "ringside bench … --trace")


def test_the_section_on_ones_own_back_end(repo, build_dir, backend, backend_bin, tmp_path):
    """As it stands there, line by line, with a back-end of ours in the reader's place."""
    text = (repo / "README.md").read_text(encoding="utf-8")
    section = text.split("## Point it at your own back-end")[1].split("\n## ")[0]
    socket = backend("--memory", "64m").socket
    (tmp_path / "my-backend.expect").write_text("", encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", "\n".join(markdown_lines(section))).splitlines()
    ran = []
    for line in lines:
        line = re.sub(r"\s#\s.*$", "", line).rstrip()
        if line.startswith(ELSEWHERE):
            continue
        short = "…" in line
        line = line.replace("…", f"vhost-user:{socket} --device blk")
        line = line.replace("/run/blk.sock", str(socket))
        line = line.replace("my-backend --socket {socket} --image /tmp/scratch.img",
                            f"{backend_bin} --socket-path {{socket}} --memory 64m")
        if line.startswith("ringside conform") and not re.search("--check|--clause", line):
            line += " --check 'basic.*'"  # all of them have been run often enough
        if line.startswith("ringside bench"):
            line += " --duration 100ms --format json -o bench.json"
        done = subprocess.run(f"PATH={build_dir}/bin:$PATH; {line}", shell=True, cwd=tmp_path,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        ran.append((line.split()[1], short))
    assert {name for name, _ in ran} == {"conform", "bench", "report", "show"}
    assert (tmp_path / "report/index.html").exists() and (tmp_path / "conform.xml").exists()


def session_of(text):
    """[(command, exit status)] of the blocks of a guide: what follows a '$', with the lines that belong to it."""
    commands = []
    for line in manual_lines(text):
        if line.startswith("$ "):
            commands.append([line[2:]])
        elif commands:
            commands[-1].append(line)
    found = []
    for lines in commands:
        status = re.search(r"\s# exits with (\d+)$", lines[-1])
        found.append(("\n".join(lines), int(status.group(1)) if status else 0))
    return found


@pytest.mark.parametrize("guide", ["tutorial", "numbers", "faq"])
def test_a_guide_from_its_first_command_to_its_last(repo, build_dir, tmp_path, guide):
    """In one shell, in an empty folder, as a reader would."""
    session = session_of((repo / f"harness/cli/man/ringside-{guide}.7").read_text(encoding="utf-8"))
    script = [f"PATH={build_dir}/bin:$PATH", "check() { [ $? = $1 ] || { echo \"$2: not $1\" >&2; exit 99; }; }"]
    for command, status in session:
        script += [command, f"check {status} {shlex.quote(command)}"]
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=300,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(session) >= 2
    if guide == "tutorial":
        assert (tmp_path / "report/index.html").exists() and "blk.id.padded" in done.stdout
