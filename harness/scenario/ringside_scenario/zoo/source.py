# SPDX-License-Identifier: BSD-3-Clause
"""Where a target comes from: one class for each kind, which can build it into a folder.

Each has `facts`, of which a change makes what was built useless; missing(), why it cannot be built on this
machine, or None; build(out), which leaves what it made in a folder; program(out), the words that run it; and
version(out).
"""
import hashlib
import os
import shlex
import shutil
import subprocess

from ringside_scenario import debian

DEADLINE = 3600  # seconds, for one target on a machine that is busy
KEYRING = debian.KEYRING
MIRROR = "http://deb.debian.org/debian"


class BadSource(Exception):
    """What a description says of where it comes from is wrong."""


class NotBuilt(Exception):
    """Building failed; the text says how."""


def run(argv, log, cwd=None, env=None):
    """A step of building, with what it says in a log. NotBuilt."""
    try:
        with open(log, "ab") as out:
            done = subprocess.run(["nice", *argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                  env={**os.environ, **(env or {})}, timeout=DEADLINE, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise NotBuilt(f"{argv[0]}: {e}") from None
    if done.returncode:
        raise NotBuilt(f"{argv[0]} ended with exit status {done.returncode}: see {log}")


class _Source:
    KEYS = {}  # of the mapping; ...: it must be there

    def __init__(self, description, data):
        for key in data:
            if key not in self.KEYS:
                raise BadSource(f"'source' has no '{key}' with '{self.kind}': {', '.join(self.KEYS)}")
        for key, default in self.KEYS.items():
            if default is ... and key not in data:
                raise BadSource(f"'source' of kind '{self.kind}' wants '{key}'")
            wanted = str if default is ... else type(default)
            if key in data and not isinstance(data[key], wanted):
                raise BadSource(f"'source': '{key}' is a {wanted.__name__}")
        self.data = {**{k: v for k, v in self.KEYS.items() if v is not ...}, **data}
        self.description = description

    @property
    def kind(self):
        return next(iter(self.KEYS))

    @property
    def facts(self):
        return self.data

    def missing(self):
        return None

    def version(self, out):  # pylint: disable=unused-argument
        return self.description.version

    def _here(self):
        return os.path.dirname(os.path.realpath(self.description.path))

    def _digests(self):
        """Of the files beside the description that it is made of."""
        digests = {}
        for name in self.data["files"]:
            try:
                with open(os.path.join(self._here(), name), "rb") as f:
                    digests[name] = hashlib.sha256(f.read()).hexdigest()
            except OSError as e:
                raise NotBuilt(f"{name}: {e.strerror}") from None
        return digests

    def _script(self, script, out, log):
        for word, value in (("{here}", self._here()), ("{out}", out)):
            script = script.replace(word, shlex.quote(value))
        run(["sh", "-ec", script], log, cwd=out)


def _mirror():
    """The host's own mirror of Debian, or the one of all."""
    return next((uri for uri, suite, _ in debian.entries() if suite == debian.RELEASE), MIRROR)


LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


def _no_root():
    """Why no root of a Debian release can be made, or its programs cannot be run here; None."""
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed (ci/bootstrap zoo)"
    if os.uname().machine not in LOADERS:
        return f"what the loader is called on {os.uname().machine} is not known here"
    return None


def unpack(suite, packages, out, log):
    """Packages of a Debian release with all that they depend on, into the folder `root` of out, and a list of them
    with their versions, `packages`."""
    root = os.path.join(out, "root")
    run(["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(packages)}",
         "--skip=cleanup/apt/cache,download/empty", suite, root,
         f"deb [signed-by={KEYRING}] {_mirror()} {suite} main"], log)
    archives = os.path.join(root, "var/cache/apt/archives")
    # NAME_VERSION_ARCHITECTURE.deb, with the version's colon as %3a.
    found = sorted(n.rsplit("_", 1)[0].replace("_", " ").replace("%3a", ":")
                   for n in os.listdir(archives) if n.endswith(".deb"))
    with open(os.path.join(out, "packages"), "w", encoding="utf-8") as f:
        f.write("".join(f"{line}\n" for line in found))
    shutil.rmtree(archives)


def loader(root):
    """The words that start a program with the loader and the libraries of a root."""
    machine = os.uname().machine
    libraries = [os.path.join(root, p, f"{machine}-linux-gnu") for p in ("usr/lib", "lib")]
    for folder in ("usr/lib64", "lib64", "usr/lib", "lib", *libraries):
        program = os.path.join(root, folder, LOADERS[machine])
        if os.path.exists(program):
            return [program, "--library-path", ":".join(libraries)]
    raise NotBuilt(f"there is no {LOADERS[machine]} in {root}")


class Crate(_Source):
    """Of the crates registry, in the version of the description and with the versions of its own lock file. A
    library that it takes is asked of pkg-config, or comes with the `packages` of a Debian release, `suite`, against
    which it is then built, and with whose loader it runs; `then` is a script that makes what it runs with."""
    KEYS = {"crate": ..., "features": [], "default-features": True, "program": "", "library": "", "suite": "",
            "packages": [], "then": "", "files": []}

    @property
    def facts(self):
        return {**self.data, "version": self.description.version, "digests": self._digests()}

    def missing(self):
        library = self.data["library"]
        if not shutil.which("cargo"):
            return "cargo is not installed"
        if library and (not shutil.which("pkg-config") or subprocess.run(
                ["pkg-config", "--exists", library], stdin=subprocess.DEVNULL, check=False).returncode):
            return f"there is no {library} (pkg-config)"
        return _no_root() if self.data["suite"] else None

    def _against(self, out, log):
        """What cargo, and the programs that it calls, are told of the release that it is built against."""
        root, machine = os.path.join(out, "root"), os.uname().machine
        unpack(self.data["suite"], [*self.data["packages"], "libc6-dev"], out, log)
        # Made by a package that is not among them, and in the texts that linkers read.
        for name in ("lib", "lib64"):
            if not os.path.lexists(os.path.join(root, name)):
                os.symlink(f"usr/{name}", os.path.join(root, name))
        return {"PKG_CONFIG_SYSROOT_DIR": root,
                "PKG_CONFIG_LIBDIR": os.path.join(root, f"usr/lib/{machine}-linux-gnu/pkgconfig"),
                "BINDGEN_EXTRA_CLANG_ARGS": f"--sysroot={root}",
                # By a target that is named, its own programs are told apart from those that are run to build it.
                "CARGO_BUILD_TARGET": f"{machine}-unknown-linux-gnu",
                "CARGO_ENCODED_RUSTFLAGS": f"-Clink-arg=--sysroot={root}"}

    def build(self, out, cache, log):
        # What several crates share is compiled once.
        env = {"CARGO_HOME": os.path.join(cache, "cargo"), "CARGO_TARGET_DIR": os.path.join(cache, "target")}
        if self.data["suite"]:
            env.update(self._against(out, log))
        argv = ["cargo", "install", self.data["crate"], "--version", self.description.version, "--locked",
                "--root", out, "--no-track"]
        if not self.data["default-features"]:
            argv.append("--no-default-features")
        if self.data["features"]:
            argv += ["--features", ",".join(self.data["features"])]
        run(argv, log, env=env)
        if self.data["then"]:
            self._script(self.data["then"], out, log)

    def program(self, out):
        program = os.path.join(out, "bin", self.data["program"] or self.data["crate"])
        return [*loader(os.path.join(out, "root")), program] if self.data["suite"] else [program]


class Debian(_Source):
    """Packages of a Debian release with all that they depend on, unpacked into a root of their own. Their loader
    and libraries are that root's: nothing of them meets the host's."""
    KEYS = {"debian": ..., "packages": [], "program": ...}

    def missing(self):
        return _no_root()

    def build(self, out, cache, log):  # pylint: disable=unused-argument
        unpack(self.data["debian"], self.data["packages"], out, log)

    def version(self, out):
        with open(os.path.join(out, "packages"), encoding="utf-8") as f:
            versions = dict(line.split() for line in f)
        return versions.get(self.data["packages"][0], "unknown")

    def program(self, out):
        root = os.path.join(out, "root")
        return [*loader(root), os.path.join(root, self.data["program"])]


class Host(_Source):
    """A program that is installed on this machine: nothing is built."""
    KEYS = {"host": ..., "package": ...}

    def missing(self):
        return None if shutil.which(self.data["host"]) else \
            f"{self.data['host']} is not installed (Debian's package {self.data['package']})"

    def build(self, out, cache, log):
        pass

    def program(self, out):  # pylint: disable=unused-argument
        return [shutil.which(self.data["host"])]

    def version(self, out):
        try:
            return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", self.data["package"]], check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return "unknown"


class Script(_Source):
    """A shell script that builds it, from files that stand beside the description: {here}, {out}."""
    KEYS = {"build": ..., "files": [], "program": ...}

    @property
    def facts(self):
        return {**self.data, "version": self.description.version, "digests": self._digests()}

    def build(self, out, cache, log):  # pylint: disable=unused-argument
        self._script(self.data["build"], out, log)

    def program(self, out):
        return [os.path.join(out, self.data["program"])]


_KINDS = {next(iter(kind.KEYS)): kind for kind in (Crate, Debian, Host, Script)}


def of(description):
    data = description.source
    kinds = [kind for kind in _KINDS if kind in data]
    if len(kinds) != 1:
        raise BadSource(f"'source' says one of {', '.join(_KINDS)}")
    return _KINDS[kinds[0]](description, data)
