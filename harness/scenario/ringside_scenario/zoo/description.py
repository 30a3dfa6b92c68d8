# SPDX-License-Identifier: BSD-3-Clause
"""Descriptions: one small file for each target."""
import glob
import os

import yaml

from ringside_scenario import programs
from ringside_scenario.zoo import source

# Every key: what kind of value it has, and what it is when a description does not say; ... : it must.
KEYS = {
    "target": (str, ...),  # its name, that of the file
    "summary": (str, ...),
    "device": (str, ...),  # for --device
    "version": (str, ...),  # what is wanted of a crate; what the expectations are of, of anything else
    "source": (dict, ...),  # source.py
    "command": (str, ...),  # {program}, {out}, {targets}, {socket}
    "uri": (str, "vhost-user:"),  # vhost-user-listen: when it connects to {socket}
    "needs": (list, []),  # what a run takes beside it: root, a program's name, a path
    "expect": (str, None),  # a file of scenarios/expect
    "conform": (list, []),  # more arguments
    "bench": (list, []),  # loads: arguments of each; none: there is no load for the device
    "reference": (str, None),  # what ringside-backend is measured as beside it: {backend}, {socket}
}
WORDS = {str: "a text", list: "a list", dict: "a mapping"}


class BadDescription(Exception):
    """There is no such target, or its file is wrong."""


def folder():
    """Where descriptions are: in the build tree or the installation."""
    return programs.scenario("scenarios/zoo") or ""


class Description:
    def __init__(self, path, data):
        self.path = path
        for key, (_, default) in KEYS.items():
            setattr(self, key, data.get(key, default))
        self.name = self.target
        self.source = source.of(self)

    def beside(self, kind, name=""):
        """A file of scenarios/KIND, which stands beside the folder of the descriptions."""
        here = os.path.dirname(os.path.realpath(self.path))
        return os.path.join(os.path.dirname(here), kind, name)


def _texts(path, key, values):
    for value in values:
        if isinstance(value, list):
            _texts(path, key, value)
        elif not isinstance(value, str):
            raise BadDescription(f"{path}: '{key}': {value!r} is no text")


def _read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return yaml.safe_load(f)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise BadDescription(f"{path}: {' '.join(str(e).split())}") from None


def load(path):
    data = _read(path)
    if not isinstance(data, dict):
        raise BadDescription(f"{path}: this is no description")
    for key, value in data.items():
        if key not in KEYS:
            raise BadDescription(f"{path}: '{key}' is no key of a description: {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key][0]):
            raise BadDescription(f"{path}: '{key}' is not {WORDS[KEYS[key][0]]}")
    for key, (_, default) in KEYS.items():
        if default is ... and key not in data:
            raise BadDescription(f"{path}: '{key}' is missing")
    for key in ("needs", "conform", "bench"):
        _texts(path, key, data.get(key, []))
    if not all(isinstance(load, list) for load in data.get("bench", [])):
        raise BadDescription(f"{path}: 'bench' is a list of loads, each a list of arguments")
    name = os.path.splitext(os.path.basename(path))[0]
    if data["target"] != name:
        raise BadDescription(f"{path}: 'target' is {data['target']}, and the file is called {name}")
    try:
        found = Description(path, data)
    except source.BadSource as e:
        raise BadDescription(f"{path}: {e}") from None
    if found.expect and not os.path.exists(found.beside("expect", found.expect)):
        raise BadDescription(f"{path}: 'expect': there is no {found.beside('expect', found.expect)}")
    return found


def names():
    return sorted(os.path.splitext(os.path.basename(p))[0]
                  for p in glob.glob(os.path.join(glob.escape(folder()), "*.yaml")))


def find(name):
    """A target's description, by its name or by its file."""
    if name.endswith(".yaml"):
        return load(name)
    if name not in names():
        raise BadDescription(f"no target '{name}': {', '.join(names()) or 'there is none'}")
    return load(os.path.join(folder(), f"{name}.yaml"))
