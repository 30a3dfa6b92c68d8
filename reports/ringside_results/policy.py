# SPDX-License-Identifier: BSD-3-Clause
"""What gates: the defaults, and what a policy file changes of them.

    verdicts:
      gate: [fail, error]        new verdicts that fail the gate
      lost: gate                 a check that ran and does not any more: gate, report
    exact:
      instructions: 0.5%         so much more is allowed; a number is an absolute allowance
      "*": 0
    paired:
      alpha: 0.01                rate of false alarms
      effect: 3%                 smaller changes are none
      detect: 10%                rounds are made until a change of this size would be found
    ignore:                      series (globs over their titles) that are looked at, and never gate
      - "qemu-storage-daemon*"
"""
import fnmatch
import json
import os

import jsonschema
import yaml

from ringside_report.load import clean
from ringside_results.cli import USAGE, Failed

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)), "policy-1.json")
DEFAULTS = {
    "verdicts": {"gate": ["fail", "error"], "lost": "gate"},
    "exact": {"*": 0},
    "paired": {"alpha": 0.01, "effect": "3%", "detect": "10%"},
    "ignore": [],
}


def _share(text):
    """A number, or the share that '3%' says; (value, is a share)."""
    if isinstance(text, str):
        return float(text.rstrip("%")) / 100, True
    return float(text), False


class Policy:
    def __init__(self, document=None):
        document = document or {}
        self.verdicts = {**DEFAULTS["verdicts"], **document.get("verdicts", {})}
        self.exact = {**DEFAULTS["exact"], **document.get("exact", {})}
        paired = {**DEFAULTS["paired"], **document.get("paired", {})}
        self.alpha = float(paired["alpha"])
        self.effect = _share(paired["effect"])[0]
        self.detect = _share(paired["detect"])[0]
        self.ignored = document.get("ignore", [])

    def allowance(self, metric, old):
        """By how much a count may be worse. The name itself counts before a glob."""
        named = self.exact.get(metric)
        if named is None:
            named = next((v for glob, v in self.exact.items()
                          if glob != "*" and fnmatch.fnmatchcase(metric, glob)), self.exact["*"])
        value, share = _share(named)
        return value * old if share else value

    def gates(self, title):
        return not any(fnmatch.fnmatchcase(title, glob) for glob in self.ignored)


def load(path):
    """The policy in a file; the defaults when there is none."""
    if path is None:
        return Policy()
    try:
        with open(path, encoding="utf-8") as f:
            document = yaml.safe_load(f)
    except OSError as e:
        raise Failed(USAGE, f"cannot read the policy '{path}': {e.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise Failed(USAGE, f"the policy '{path}' is not YAML: {clean(str(e))}") from None
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    worst = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema).iter_errors(document or {}))
    if worst:
        raise Failed(USAGE, f"the policy '{path}': {clean(worst.json_path)}: {clean(worst.message)}")
    return Policy(document)
