# SPDX-License-Identifier: BSD-3-Clause
"""Results: read, checked against their schema, and cleaned."""
import functools
import json
import os
import re

import jsonschema

SCHEMAS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "schema")

# C0 and C1 controls but for newline and tab, surrogates, and what reorders text around it.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
                       "\ud800-\udfff\ufffe\uffff]")


class BadResult(Exception):
    """A file that is not a result; the text says which, where and why."""


class Result:
    """One file: `kind` is conform, bench, trace, prove, …; `data` the cleaned document; `axes` what the cell of a
    run combined that it is from, as {axis: value}, or {}."""

    def __init__(self, path, kind, data, axes=None):
        self.path = path
        self.axes = axes or {}
        self.file = clean(os.path.basename(path))
        self.kind = kind
        self.data = data


def clean(text):
    """Make what a target said visible and harmless: controls become control pictures."""
    def picture(match):
        code = ord(match.group())
        if code < 0x20:
            return chr(0x2400 + code)
        return "\u2421" if code == 0x7f else "\ufffd"
    return _UNWANTED.sub(picture, text)


def _clean_all(value):
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean_all(v) for v in value]
    if isinstance(value, dict):
        return {clean(k): _clean_all(v) for k, v in value.items()}
    return value


def _finite(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text} is out of range")
    return number


def _whole(text):
    if len(text) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(text)


def _no_constant(text):
    raise ValueError(f"{text} is not JSON")


@functools.lru_cache(maxsize=None)
def validator(kind):
    """The validator of a kind of result, or None when there is no such kind."""
    if not re.fullmatch("[a-z]+-[0-9]+", kind):
        return None
    try:
        with open(os.path.join(SCHEMAS, f"{kind}.json"), encoding="utf-8") as f:
            schema = json.load(f)
    except FileNotFoundError:
        return None
    return jsonschema.Draft202012Validator(schema)


def _read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f, parse_float=_finite, parse_int=_whole,
                             parse_constant=_no_constant)
    except OSError as e:
        raise BadResult(f"cannot read '{path}': {e.strerror}") from None
    except (ValueError, RecursionError) as e:
        raise BadResult(f"'{path}' is not JSON: {e}") from None


def _kind(path, data):
    name = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise BadResult(f"'{path}' is not a result of ringside: it has no \"schema\"")
    match = re.fullmatch(r"ringside\.([a-z]+)/([0-9]+)", name)
    if not match or not validator("-".join(match.groups())):
        raise BadResult(f"'{path}' has the schema '{clean(name)[:60]}', which this ringside "
                        "does not know")
    return match.groups()


def _axes(found):
    """Of a cell or a set: only what are names; {} when it makes no sense."""
    return {clean(k): clean(v) for k, v in found.items() if isinstance(v, str)} \
        if isinstance(found, dict) else {}


def cell_axes(path):
    """What the cell of a run combined; {} when its file is not what it should be."""
    try:
        document = _read(path)
    except BadResult:
        return {}
    return _axes(document.get("axes")) if isinstance(document, dict) else {}


def validate(path, data, name=None, axes=None):
    """A document as a Result, or BadResult; `name` is what its file is called where that is told."""
    kind, version = _kind(path, data)
    worst = jsonschema.exceptions.best_match(validator(f"{kind}-{version}").iter_errors(data))
    if worst:
        message = clean(worst.message)
        if len(message) > 200:
            message = message[:200] + "…"
        raise BadResult(f"'{path}' does not follow {kind}-{version}.json: "
                        f"{clean(worst.json_path)}: {message}")
    return Result(name or path, kind, _clean_all(data), _axes(axes))


def load(path):
    """The result in a file, or BadResult."""
    return validate(path, _read(path))
