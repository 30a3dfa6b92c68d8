# SPDX-License-Identifier: BSD-3-Clause
"""A lab's image: kernel and initramfs, made of Debian packages, in a folder of the cache.

    CACHE/NAME/image/image.json   what it was made of: packages with versions and checksums; the
                                  checksum of each file here
    CACHE/NAME/image/…            the files
    CACHE/NAME/snapshot-…         snapshot.py
"""
import hashlib
import json
import os
import shutil
import tempfile

from ringside_scenario import debian, initramfs
from ringside_scenario.debian import locked
from ringside_scenario.lab import base
from ringside_scenario.lab.base import NotMade

SCHEMA = "ringside.lab-image/1"
FOLDERS = ("bin", "dev", "proc", "sys", "tmp", "run", "root", "lab", "modules", "modules/job",
           "guest", "lib", "lib64", "usr", "usr/bin", "usr/lib", "sbin", "etc", "var")


class NoImage(Exception):
    """The lab cannot be built, or its image is not what it was; the text says why."""


def cache():
    base_folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("RINGSIDE_LAB_CACHE") or os.path.join(base_folder, "ringside", "lab")


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def archive(files):
    """{path: base.File} as an archive that the kernel reads; folders come by themselves."""
    made, parts = set(), []

    def folder(path):
        if path and path not in made:
            folder(os.path.dirname(path))
            made.add(path)
            parts.append(initramfs.entry(path, 0o40755, ino=len(parts) + 2))
    for path, found in files.items():
        if (found.mode & 0o170000) == 0o40000:
            folder(path)
            continue
        folder(os.path.dirname(path))
        parts.append(initramfs.entry(path, found.mode, found.content(), ino=len(parts) + 2,
                                     rdev=getattr(found, "rdev", (0, 0))))
    parts.append(initramfs.entry("TRAILER!!!", 0, ino=len(parts) + 2))
    data = b"".join(parts)
    # Archives are put one behind the other.
    return data + b"\0" * (-len(data) % 512)


class Image:
    def __init__(self, lab, say=lambda text: None):
        self.lab = lab
        self.say = say
        self.top = os.path.join(cache(), lab.name)
        self.folder = os.path.join(self.top, "image")
        self.manifest = os.path.join(self.folder, "image.json")

    # --- what is there -----------------------------------------------------------------------------

    def _recipe(self):
        """What the image follows from, beside the packages: another recipe is another image."""
        h = hashlib.sha256()
        for path in (self.lab.recipe.path, base.INIT):
            with open(path, "rb") as f:
                h.update(f.read())
        h.update(self.lab.start_script().encode())
        return h.hexdigest()

    def read(self):
        """The manifest, when there is an image of this recipe."""
        try:
            with open(self.manifest, encoding="utf-8") as f:
                found = json.load(f)
        except (OSError, ValueError):
            return None
        good = found.get("schema") == SCHEMA and found.get("recipe") == self._recipe()
        return found if good else None

    def verify(self):
        """Files that are not what they were when they were made: [name]."""
        found = self.read()
        if not found:
            return ["image.json"]
        wrong = []
        for name, wanted in found["files"].items():
            path = os.path.join(self.folder, name)
            if not os.path.exists(path) or digest(path) != wanted:
                wrong.append(name)
        return wrong

    def __getitem__(self, name):
        return os.path.join(self.folder, name)

    # --- how it comes there --------------------------------------------------------------------------

    def ensure(self):
        """Build it when it is not there. NoImage."""
        with locked(self.top):
            if self.read():
                return False
            self._build()
            return True

    def _fetch(self):
        """{package: folder}, [what was fetched]."""
        roots, fetched = {}, []
        def fetch(archive, packages, kind=""):
            for n, package in enumerate(packages, 1):
                self.say(f"package {n} of {len(packages)}: {kind}{package}")
                try:
                    roots[kind + package] = archive.unpacked(package, recorded=True)
                    fetched.append(archive.record(package))
                except debian.NotThere as e:
                    raise NoImage(f"{package} cannot be had: {e}") from None
        archive = debian.Archive(self.lab.recipe.arch)
        fetch(archive, self.lab.recipe.packages)
        fetch(archive, self.lab.more_packages(roots))
        fetch(debian.Sources(self.lab.recipe.arch), self.lab.sources, "source/")
        return roots, fetched

    def _initramfs(self, roots):
        recipe = self.lab.recipe
        settings = (f"lab='{recipe.name}'\nchannel='{recipe.channel}'\n"
                    f"snapshot={int(recipe.snapshot)}\n")
        files = {name: base.File(0o40755) for name in FOLDERS}
        console = base.File(0o20600, b"")
        console.rdev = (5, 1)
        files["dev/console"] = console
        files["bin/busybox"] = base.File(0o100755, path=os.path.join(roots["busybox-static"],
                                                                     "bin/busybox"))
        files["bin/sh"] = base.File(0o120777, b"busybox")
        files["init"] = base.File(0o100755, path=base.INIT)
        files["lab/settings"] = base.File(data=settings.encode())
        files["lab/start"] = base.File(data=self.lab.start_script().encode())
        for n, (name, content) in enumerate(self.lab.modules(roots)):
            late = name == "qemu_fw_cfg"
            files[f"modules/{'job/' if late else ''}{n:02}-{name}.ko"] = base.File(data=content)
        files.update(self.lab.files(roots))
        return archive(files)

    def _build(self):
        roots, fetched = self._fetch()
        self.say("kernel and initramfs")
        part = tempfile.mkdtemp(prefix=".part-", dir=self.top)
        try:
            made = dict(self.lab.kernel(roots))
            made["base.cpio"] = self._initramfs(roots)
            for name, data in made.items():
                with open(os.path.join(part, name), "wb") as f:
                    f.write(data)
            document = {"schema": SCHEMA, "lab": self.lab.name, "recipe": self._recipe(),
                        "packages": fetched,
                        "files": {name: hashlib.sha256(data).hexdigest()
                                  for name, data in made.items()}}
            with open(os.path.join(part, "image.json"), "w", encoding="utf-8") as f:
                json.dump(document, f, indent=1)
                f.write("\n")
            os.chmod(part, 0o755)
            shutil.rmtree(self.folder, ignore_errors=True)
            os.rename(part, self.folder)
        except (OSError, KeyError, IndexError, NotMade) as e:
            raise NoImage(f"the image could not be made: {e}") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
