# SPDX-License-Identifier: BSD-3-Clause
"""Recipes: one small file for each lab, which says what it is made of."""
import glob
import os
import sys

import yaml

# Every key, with what it is when a recipe does not say; None: it must.
KEYS = {
    "lab": None,  # its name
    "summary": None,
    "arch": None,
    "module": None,  # ringside_scenario/lab/MODULE.py
    "packages": None,  # Debian's, of that architecture
    "modules": [],  # of the kernel, loaded before the lab is ready
    "machine": None,  # QEMU's -machine, -cpu, -m
    "cpu": None,
    "memory": None,
    "cmdline": None,  # the kernel's
    "channel": "/dev/ttyS1",  # where results go, inside
    "qemu": [],  # more arguments of QEMU
    "snapshot": True,  # booted once, then taken up where it was ready
    "boot-timeout": 900,  # seconds, on a machine that is busy
}


class BadRecipe(Exception):
    """There is no such lab, or its file is wrong."""


def folder():
    """Where recipes are: in the build tree or the installation."""
    libexec = os.environ.get("RINGSIDE_LIBEXEC") or os.path.dirname(os.path.abspath(sys.argv[0]))
    return os.path.join(libexec, "lab")


def names():
    return sorted(os.path.splitext(os.path.basename(p))[0]
                  for p in glob.glob(os.path.join(glob.escape(folder()), "*.yaml")))


class Recipe:
    def __init__(self, path, data):
        self.path = path
        for key in KEYS:
            setattr(self, key.replace("-", "_"), data.get(key, KEYS[key]))
        self.name = data["lab"]


def load(name):
    path = os.path.join(folder(), f"{name}.yaml")
    if name not in names():
        raise BadRecipe(f"no lab '{name}': {', '.join(names()) or 'there is none'}")
    with open(path, encoding="utf-8") as f:
        data = yaml.safe_load(f)
    if not isinstance(data, dict):
        raise BadRecipe(f"{path}: this is no recipe")
    for key in data:
        if key not in KEYS:
            raise BadRecipe(f"{path}: '{key}' is no key of a recipe: {', '.join(KEYS)}")
    for key, default in KEYS.items():
        if default is None and key not in data:
            raise BadRecipe(f"{path}: '{key}' is missing")
    return Recipe(path, data)
