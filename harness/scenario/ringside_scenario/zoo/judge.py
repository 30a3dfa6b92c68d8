# SPDX-License-Identifier: BSD-3-Clause
"""One target: what `ringside conform` says of it, and what `ringside bench` measures."""
import os
import shlex
import shutil
import tempfile

from ringside_scenario import process, results
from ringside_scenario.zoo import build
from ringside_scenario.zoo.source import NotBuilt

LIMIT = 3600  # seconds, for the checks of one target
BENCH_LIMIT = 120
ROUNDS = 3  # of each load, in turns with the reference
ROUND = ("--duration", "500ms")
REFERENCE_NAME = "ringside-backend"
REFERENCE = "exec {backend} DEVICE --socket-path {socket}"
ASK_AGAIN = 40  # verdicts at most that are looked at twice
PATIENT = ("--timeout", "5s")

# What can become of a target, and the exit status of a run in which it is the worst; skip: what there is says.
STATUS = {"ok": 0, "skip": 0, "unexpected": 1, "target": 3, "build": 4}
SKIPPED = 77


def _glob(ids):
    return ids[0] if len(ids) == 1 else f"@({'|'.join(ids)})"


class Outcome:
    """What became of one target."""

    def __init__(self, target, status, reason="", **more):
        self.target = target
        self.status = status
        self.reason = reason
        self.version = more.get("version")
        self.conform = more.get("conform")
        self.benches = more.get("benches", [])  # pairs: of the target, of the reference

    def document(self):
        d = {"name": self.target.name, "device": self.target.device, "status": self.status}
        if self.reason:
            d["reason"] = self.reason
        if self.version:
            d["version"] = self.version
        if self.conform:
            d["summary"] = self.conform["summary"]
            d["unexpected"] = [c["id"] for c in self.conform["checks"] if c.get("unexpected")]
            d["fixed"] = self.conform.get("fixed", 0)
            d["seconds"] = self.conform.get("duration_s")
        d["bench"] = [{"name": name, **figures(its), "reference": figures(ours),
                       "ratio": its["requests_per_s"] / ours["requests_per_s"]} for name, its, ours in self.benches]
        return d


def figures(b):
    return {"p50_ns": b["latency_ns"]["p50"], "p99_ns": b["latency_ns"]["p99"], "requests_per_s": b["requests_per_s"]}


def middle(found):
    """The round whose rate is neither the best nor the worst."""
    return sorted(found, key=lambda b: b["requests_per_s"])[len(found) // 2]


class Judge:
    def __init__(self, programs, output, check=None, jobs=1, bench=True, say=lambda text: None):
        self.ringside = programs["ringside"]
        self.backend = programs["backend"]
        self.output = output
        self.check = check
        self.jobs = jobs
        self.bench = bench
        self.say = say

    def lacks(self, target):
        """What a run takes and is not there, or None."""
        for need in target.needs:
            if need == "root" and os.geteuid() != 0:
                return "it has to be root"
            if need.startswith("/") and not os.path.exists(need):
                return f"there is no {need}"
            if need != "root" and need[0] != "/" and not shutil.which(need):
                return f"{need} is not installed"
        return None

    def command(self, target, out):
        words = {"{program}": shlex.join(target.source.program(out)), "{out}": shlex.quote(out),
                 "{targets}": shlex.quote(target.beside("targets"))}
        command = target.command
        for word, value in words.items():
            command = command.replace(word, value)
        return command

    def judge(self, target):
        lacks = self.lacks(target)
        if lacks:
            return Outcome(target, "skip", lacks)
        try:
            out = build.ensure(target, self.say)
        except build.CannotBuild as e:
            return Outcome(target, "skip", str(e))
        except NotBuilt as e:
            return Outcome(target, "build", str(e))
        version = build.record(target)["version"]
        command = self.command(target, out)
        name = f"{target.name} {version}"
        self.say(f"judging {name}")
        found, trouble = self._conform(target, name, command)
        if not found:
            return Outcome(target, "target", trouble, version=version)
        reason = found.get("died", "")
        if not version.startswith(target.version):
            reason = reason or f"expectations are of {target.version}"
        status = "target" if found.get("died") else "unexpected" if found["unexpected"] else "ok"
        benches = self._benches(target, name, command) if self.bench else []
        return Outcome(target, status, reason, version=version, conform=found, benches=benches)

    def _run(self, argv, out, log, seconds):
        """(the document in `out`, or None and what went wrong)"""
        if os.path.exists(out):
            os.unlink(out)
        with process.Processes() as processes:
            p = processes.start("ringside", [self.ringside, *argv, "--format", "json", "--output", out], log)
            if not p.wait(seconds):
                return None, f"not done within {seconds} s"
            document = results.read(out)
            return document, None if document else p.last_words() or f"ringside {p.how()}"

    def _conform(self, target, name, command):
        argv = ["conform", target.uri, "--device", target.device, "--name", name, "--command", command]
        if target.expect:
            argv += ["--expect", target.beside("expect", target.expect)]
        argv += target.conform
        more = ["--jobs", str(self.jobs)] + (["--check", self.check] if self.check else [])
        out = os.path.join(self.output, f"{target.name}.json")
        log = os.path.join(self.output, f"{target.name}.log")
        found, trouble = self._run(argv + more, out, log, LIMIT)
        if found:
            self._ask_again(argv, found, out, log)
        return found, trouble

    def _ask_again(self, argv, found, out, log):
        """Nobody is accused of what happened once: verdicts that are not expected are asked for again, with more
        time and one after the other. The second one counts."""
        ids = [c["id"] for c in found["checks"] if c.get("unexpected")]
        if not ids or len(ids) > ASK_AGAIN:
            return
        self.say(f"asking again: {' '.join(ids)}")
        fd, again = tempfile.mkstemp(prefix=".again-", suffix=".json", dir=self.output)
        os.close(fd)
        try:
            second, _ = self._run([*argv, *PATIENT, "--check", _glob(ids)], again, log, LIMIT)
        finally:
            if os.path.exists(again):
                os.unlink(again)
        if not second:
            return
        by_id = {c["id"]: c for c in second["checks"]}
        found["checks"] = [by_id.get(c["id"], c) for c in found["checks"]]
        for verdict in found["summary"]:
            found["summary"][verdict] = sum(c["verdict"] == verdict for c in found["checks"])
        found["unexpected"] = sum(bool(c.get("unexpected")) for c in found["checks"])
        if not second.get("died"):
            found.pop("died", None)
        results.write(out, found)

    def _benches(self, target, name, command):
        """[(load, of the target, of our own back-end)]: in turns, so that what disturbs one disturbs the other."""
        log = os.path.join(self.output, f"{target.name}.log")
        reference = (target.reference or REFERENCE.replace("DEVICE", target.device)).replace(
            "{backend}", shlex.quote(self.backend))
        sides = ((f"{target.name}-bench-", name, target.uri, command),
                 (f"{target.name}-reference-", REFERENCE_NAME, "vhost-user:", reference))
        done = []
        for i, load in enumerate(target.bench):
            rounds = ([], [])
            for _ in range(ROUNDS):
                for found, (file, who, uri, how) in zip(rounds, sides):
                    argv = ["bench", uri, "--device", target.device, "--name", who, "--command", how, *ROUND, *load]
                    one, trouble = self._run(argv, os.path.join(self.output, f"{file}{i}.json"), log, BENCH_LIMIT)
                    if one:
                        found.append(one)
                    else:
                        self.say(f"{target.name}: no measurement of {who}: {trouble}")
            if not all(rounds):
                continue
            pair = [middle(found) for found in rounds]
            for one, (file, *_) in zip(pair, sides):
                results.write(os.path.join(self.output, f"{file}{i}.json"), one)
            done.append((" ".join(load) or "one at a time", *pair))
        return done
