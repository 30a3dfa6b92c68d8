# SPDX-License-Identifier: BSD-3-Clause
"""Packages of the Debian archive that a guest is made of: fetched by the host's own apt, which checks
their signatures, and unpacked into a cache. Nothing is installed.

The cache is ${XDG_CACHE_HOME:-~/.cache}/ringside/debian; what is in there is used as it is. Who wants
newer packages removes it. RINGSIDE_OFFLINE=1: nothing is fetched.
"""
import contextlib
import fcntl
import functools
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

# What Debian calls our architectures.
ARCHES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}
RELEASE = "bookworm"
SUITES = (RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEADLINE = 300


class NotThere(Exception):
    """A package cannot be had; the text says why."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "ringside", "debian")


@contextlib.contextmanager
def locked(folder):
    """One process at a time works there."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "a", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def entries():
    """(URI, suite, components) of the host's apt, in either of its two formats."""
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        with open(path, encoding="utf-8") as f:
            for stanza in re.split(r"\n\s*\n", f.read()):
                fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", stanza, re.M))
                for uri in fields.get("URIs", "").split():
                    yield from ((uri, suite, fields.get("Components", ""))
                                for suite in fields.get("Suites", "").split())
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                yield from re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$", f.read(),
                                      re.M)


def _sources(kind):
    """Debian's own entries of the host: its mirror is used. `kind` is deb or deb-src. NotThere."""
    # Other archives use the release's name, too, but not with the component main.
    found = [(uri, suite) for uri, suite, components in entries()
             if suite in SUITES and "main" in components.split()]
    if not any(suite == RELEASE for _, suite in found):
        raise NotThere(f"apt has no entry of Debian 12 ({RELEASE}) in /etc/apt")
    return "".join(f"{kind} [signed-by={KEYRING}] {uri} {suite} main\n" for uri, suite in found)


class Archive:
    """The archive as a machine of another architecture would see it."""
    KIND = "deb"
    PROGRAMS = ("apt-get", "dpkg-deb")

    def __init__(self, arch):
        self.arch = ARCHES[arch]
        self.folder = os.path.join(cache(), self._subfolder())
        self.apt = os.path.join(self.folder, ".apt")

    def _subfolder(self):
        return self.arch

    def record(self, package):
        """What was fetched: {"package", "version", "sha256"}; None: it is not known any more."""
        try:
            with open(os.path.join(self.folder, f".{package}.json"), encoding="utf-8") as f:
                return json.load(f)
        except (OSError, ValueError):
            return None

    def unpacked(self, package, recorded=False):
        """The folder with its files; fetched when it is not there yet. With `recorded`, one of which
        record() knows nothing is fetched again. NotThere."""
        folder = os.path.join(self.folder, package)
        if os.path.isdir(folder) and (self.record(package) or not recorded):
            return folder
        if os.environ.get("RINGSIDE_OFFLINE"):
            raise NotThere(f"{package} is not in {self.folder}, and RINGSIDE_OFFLINE is set")
        for program in self.PROGRAMS:
            if not shutil.which(program):
                raise NotThere(f"{package} cannot be fetched without {program}")
        with locked(self.folder):
            if not os.path.isdir(folder) or (recorded and not self.record(package)):
                self._fetch(package, folder)
        return folder

    def _run(self, *argv, cwd=None):
        env = {**os.environ, "APT_CONFIG": os.path.join(self.apt, "apt.conf"), "LC_ALL": "C.UTF-8"}
        try:
            return subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, text=True, cwd=cwd,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=DEADLINE, check=True).stdout
        except subprocess.CalledProcessError as e:
            said = [line for line in e.stdout.splitlines() if line.startswith("E:")]
            raise NotThere(f"{' '.join(argv[:3])}: {(said or ['failed'])[0]}") from None
        except (OSError, subprocess.TimeoutExpired) as e:
            raise NotThere(f"{' '.join(argv[:3])}: {e}") from None

    def _prepare(self):
        """Lists of its own, for its architecture, beside the host's."""
        if os.path.exists(os.path.join(self.apt, "updated")):
            return
        for name in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.apt, name), exist_ok=True)
        with open(os.path.join(self.apt, "sources.list"), "w", encoding="utf-8") as f:
            f.write(_sources(self.KIND))
        with open(os.path.join(self.apt, "apt.conf"), "w", encoding="utf-8") as f:
            f.write(f'APT::Architecture "{self.arch}";\n'
                    f'APT::Architectures {{ "{self.arch}"; }};\n'
                    f'Dir::State "{self.apt}/state";\n'
                    'Dir::State::status "/dev/null";\n'
                    f'Dir::Cache "{self.apt}/cache";\n'
                    f'Dir::Etc::sourcelist "{self.apt}/sources.list";\n'
                    'Dir::Etc::sourceparts "-";\n'
                    # The folder may be one that only its owner can enter.
                    f'APT::Sandbox::User "{"root" if os.geteuid() == 0 else ""}";\n'
                    'Acquire::Languages "none";\nAcquire::Retries "3";\n')
        self._run("apt-get", "update", "-qq")
        with open(os.path.join(self.apt, "updated"), "w", encoding="ascii"):
            pass

    def _check(self, package, deb):
        """The file is what the archive's signed list says; the record of it. NotThere."""
        listed = self._run("apt-cache", "show", package)
        with open(deb, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        if digest not in re.findall(r"^SHA256: ([0-9a-f]{64})$", listed, re.M):
            raise NotThere(f"{os.path.basename(deb)} is not what the archive lists: its SHA-256 is "
                           f"{digest}")
        version = self._run("dpkg-deb", "-f", deb, "Version").strip()
        return {"package": package, "version": version, "architecture": self.arch,
                "sha256": digest}

    def _download(self, package, part, root):
        """Download into `part` and unpack into `root`; the record. A kernel that is a name for another
        one is that other one."""
        match = None
        if package.startswith("linux-image-"):
            depends = self._run("apt-cache", "depends", package)
            match = re.search(r"^\s+Depends: (linux-image-\d\S*)", depends, re.M)
        real = match.group(1) if match else package
        self._run("apt-get", "download", "-qq", real, cwd=part)
        (deb,) = [n for n in os.listdir(part) if n.endswith(".deb")]
        found = self._check(real, os.path.join(part, deb))
        self._run("dpkg-deb", "-x", os.path.join(part, deb), root)
        return found

    def _fetch(self, package, folder):
        self._prepare()
        part = tempfile.mkdtemp(prefix=".part-", dir=self.folder)
        try:
            root = os.path.join(part, "root")
            found = self._download(package, part, root)
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(root, folder)
            with open(os.path.join(part, "record"), "w", encoding="utf-8") as f:
                json.dump(found, f)
            os.rename(os.path.join(part, "record"),
                      os.path.join(self.folder, f".{package}.json"))
        finally:
            shutil.rmtree(part, ignore_errors=True)


class Sources(Archive):
    """Source packages, with Debian's patches in. apt checks what it downloads against the signed list."""
    KIND = "deb-src"
    PROGRAMS = ("apt-get", "dpkg-source")

    def _subfolder(self):
        return "source"

    def _newest(self, package, part):
        """Download the newest version that there is. A list may name one that the archive has no more, or
        not yet: then it is the one before."""
        listed = re.findall(r"^Version: (\S+)$",
                            self._run("apt-cache", "showsrc", "--only-source", package), re.M)
        older = sorted(set(listed), key=functools.cmp_to_key(self._compare), reverse=True)[1:]
        failed = None
        for wanted in [package, *(f"{package}={version}" for version in older)]:
            try:
                self._run("apt-get", "source", "-qq", "--download-only", wanted, cwd=part)
                return
            except NotThere as e:
                failed = failed or e
                for name in os.listdir(part):
                    os.unlink(os.path.join(part, name))
        raise failed

    @staticmethod
    def _compare(a, b):
        def holds(relation):
            return subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=False,
                                  stdin=subprocess.DEVNULL).returncode == 0
        return -1 if holds("lt") else 1 if holds("gt") else 0

    def _download(self, package, part, root):
        self._newest(package, part)
        (dsc,) = [n for n in os.listdir(part) if n.endswith(".dsc")]
        self._run("dpkg-source", "--no-check", "-x", dsc, root, cwd=part)
        with open(os.path.join(part, dsc), encoding="utf-8") as f:
            version = re.search(r"^Version: (\S+)$", f.read(), re.M).group(1)
        return {"package": package, "version": version, "architecture": "source", "sha256": None}


def find(arch, package, *inside):
    """A file of a package: the host's own when it is installed there, else from the cache.
    NotThere."""
    installed = os.path.join("/", *inside)
    if os.path.exists(installed):
        return installed
    path = os.path.join(Archive(arch).unpacked(package), *inside)
    if not os.path.exists(path):
        raise NotThere(f"{package} has no {os.path.join(*inside)}")
    return path
