# SPDX-License-Identifier: BSD-3-Clause
"""Scenario files: YAML read with its line numbers, checked against the schema, complaints that name
file, line and key."""
import difflib
import functools
import json
import os

import jsonschema
import yaml

SCHEMA = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))),
                      "schema", "scenario-1.json")


class BadScenario(Exception):
    """A file that is not a scenario; each line of the text is FILE:LINE: KEY: what is wrong."""


class Scenario:
    """One file. `data` is the document; `line_of(path)` tells where a key stands."""

    def __init__(self, path, data, lines):
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self.data = data
        self.lines = lines
        self.name = data.get("scenario")
        self.explicit = data.get("explicit", False)

    def complaint(self, keys, message):
        return f"{self.path}:{line_of(self.lines, keys)}: {message}"

    def find(self, name):
        """A file that the scenario names: beside it, or None."""
        path = os.path.join(self.folder, name)
        return path if os.path.exists(path) else None


def line_of(lines, keys):
    """The line of a key, or of the nearest one above it."""
    keys = tuple(keys)
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys, 1)


def dotted(keys):
    """matrix.arch[1]"""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _build(path, loader, node, keys, lines):
    lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadScenario(f"{path}:{line}: a key must be a word")
            # As it is written: 'on' and 'no' are names here, not truth values.
            key = key_node.value
            if key in result:
                raise BadScenario(f"{path}:{line}: {dotted(keys + (key,))}: stands here twice")
            lines[keys + (key,)] = line
            result[key] = _build(path, loader, value_node, keys + (key,), lines)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(path, loader, item, keys + (i,), lines)
                for i, item in enumerate(node.value)]
    return loader.construct_object(node)


def _parse(path, text):
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines = {}
        data = _build(path, loader, node, (), lines) if node else None
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else 1
        raise BadScenario(f"{path}:{line}: this is not YAML: {e.problem or e.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise BadScenario(f"{path}:1: this is not YAML: {str(e).splitlines()[0]}") from None
    finally:
        loader.dispose()
    return data, lines


@functools.lru_cache(maxsize=None)
def _validator():
    with open(SCHEMA, encoding="utf-8") as f:
        return jsonschema.Draft202012Validator(json.load(f))


def _shown(value):
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _unknown_keys(error):
    known = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key in known:
            continue
        near = difflib.get_close_matches(str(key), known, 1)
        hint = f"did you mean '{near[0]}'?" if near else "known are " + ", ".join(sorted(known))
        yield list(error.absolute_path) + [key], f"is not a key here: {hint}"


def _explain(error):
    """(keys, message) for each thing that one error of the schema says."""
    keys, v = list(error.absolute_path), error.validator
    if v == "additionalProperties" and isinstance(error.validator_value, bool):
        yield from _unknown_keys(error)
    elif v == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield keys + [key], "is missing"
    elif v == "type":
        wanted = error.validator_value
        names = {"object": "a mapping", "array": "a list", "string": "a word", "null": "nothing",
                 "integer": "a whole number", "boolean": "true or false"}
        wanted = [wanted] if isinstance(wanted, str) else wanted
        yield keys, (" or ".join(names.get(w, w) for w in wanted) +
                     f" is expected, not {_shown(error.instance)}")
    elif v == "anyOf":
        yield keys, f"a name or a list of names is expected, not {_shown(error.instance)}"
    elif v == "pattern" and "ms|s|m" in error.validator_value:
        yield keys, f"{_shown(error.instance)} is not a duration (500ms, 2s, 1.5m)"
    elif v == "pattern":
        yield keys, f"{_shown(error.instance)} is not a name of lower case letters, digits, . _ -"
    elif v in ("minItems", "minProperties", "minLength"):
        yield keys, "must not be empty"
    elif v == "maxProperties":
        yield keys, f"one kind of job at a time, not {', '.join(error.instance)}"
    elif v == "uniqueItems":
        yield keys, "has something twice"
    elif v == "minimum":
        yield keys, f"{_shown(error.instance)} is less than {error.validator_value}"
    else:
        yield keys, error.message


def _validate(path, data, lines):
    complaints = []
    for error in _validator().iter_errors(data):
        for keys, message in _explain(error):
            where = f"{dotted(keys)}: " if keys else ""
            complaints.append((line_of(lines, keys), f"{where}{message}"))
    if complaints:
        raise BadScenario("\n".join(f"{path}:{line}: {text}" for line, text in sorted(complaints)))


def load(path):
    """A Scenario, or BadScenario."""
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except OSError as e:
        raise BadScenario(f"{path}: cannot be read: {e.strerror}") from None
    except UnicodeDecodeError:
        raise BadScenario(f"{path}:1: this is not UTF-8") from None
    data, lines = _parse(path, text)
    if not isinstance(data, dict):
        raise BadScenario(f"{path}:1: this is not a scenario: a mapping is expected")
    _validate(path, data, lines)
    return Scenario(path, data, lines)


def seconds(text):
    """'500ms', '2s', '1.5m' in seconds."""
    for unit, scale in (("ms", 0.001), ("s", 1), ("m", 60)):
        if text.endswith(unit):
            return float(text[:-len(unit)]) * scale
    raise ValueError(text)
