# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline templates, run as a runner runs them: jobs one after the other, each in a checkout of its own,
results handed from one to the next.

A `Container` is where a job runs. `Inside` is a mount namespace with /opt and /usr/local of its own, in which the
template's own steps clone, build and install Ringside; `Here` has a ringside in its PATH already, and those steps
are left out.
"""
import re
import shutil
import subprocess

import yaml

INSTALLS = "RINGSIDE_REPOSITORY"


class Here:
    installs = False

    def __init__(self, env):
        self.env = env

    def argv(self, script):
        return ["bash", "-e", "-o", "pipefail", "-c", script]

    def run(self, script, folder, env, seconds):
        """(exit status, what it said)"""
        done = subprocess.run(self.argv(script), cwd=folder, env={**self.env, **env}, timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.returncode, done.stdout

    def job(self):
        """One that is new, for another job."""
        return self


class Inside(Here):
    """`folder` is where what the job installs goes; `urls`: {what is cloned from: where that really is}."""

    installs = True

    def __init__(self, env, folder, urls):
        git = {"GIT_CONFIG_COUNT": str(len(urls))}
        for i, (url, place) in enumerate(urls.items()):
            git |= {f"GIT_CONFIG_KEY_{i}": f"url.{place}.insteadOf", f"GIT_CONFIG_VALUE_{i}": url}
        super().__init__({**env, **git, "HOME": str(folder)})
        self.folder, self.count = folder, 0

    def job(self):
        self.count += 1
        return self

    def argv(self, script):
        places = []
        for name in ("opt", "local"):
            place = self.folder / f"{name}-{self.count}"
            place.mkdir(exist_ok=True)
            places.append(place)
        mounts = f"mount --bind {places[0]} /opt && mount --bind {places[1]} /usr/local && "
        return ["unshare", "--mount", "bash", "-c", mounts + 'exec bash -e -o pipefail -c "$0"', script]


class Pipeline:
    """`said` is what each job printed, `statuses` how each ended; `results` the folder of the last one."""

    def __init__(self, template, project, container, work, variables):
        with open(template, encoding="utf-8") as f:
            self.document = yaml.safe_load(f)
        self.project, self.container, self.work, self.variables = project, container, work, variables
        self.said, self.statuses, self.results = {}, {}, None
        self.seconds = 1800 if container.installs else 600

    def checkout(self, name):
        folder = self.work / name / "project"
        folder.parent.mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", self.project, folder], check=True)
        return folder

    def note(self, name, status, text):
        self.said[name] = self.said.get(name, "") + text
        self.statuses[name] = self.statuses.get(name) or status


class Gitlab(Pipeline):
    """`.gitlab-ci.yml`, for a merge request."""

    def _job(self, name, shown, folder, env):
        job = {**self.document[self.document[name]["extends"]], **self.document[name]}
        variables = {k: str(v) for k, v in self.document["variables"].items()}
        env = {**variables, **self.variables, **env, "CI_PROJECT_DIR": str(folder)}
        lines = (job["before_script"] if self.container.installs else []) + job["script"]
        self.note(shown, *self.container.job().run("\n".join(lines), folder, env, self.seconds))
        return [p for pattern in job["artifacts"]["paths"] for p in folder.glob(pattern.rstrip("/"))]

    def run(self, base):
        parts = self.document["ringside"]["parallel"]
        kept = []
        for node in range(1, parts + 1):
            name = f"ringside {node}"
            kept += self._job("ringside", name, self.checkout(name.replace(" ", "-")), {
                "CI_NODE_INDEX": str(node), "CI_NODE_TOTAL": str(parts), "CI_MERGE_REQUEST_DIFF_BASE_SHA": base})
        folder = self.checkout("verdict")
        for path in kept:
            # One that another job brought, too, or the project itself, is overwritten.
            if path.is_dir():
                shutil.copytree(path, folder / path.name, dirs_exist_ok=True)
            else:
                shutil.copy(path, folder)
        self._job("verdict", "verdict", folder, {})
        self.results = folder / "ringside-out"
        return self


class Github(Pipeline):
    """A workflow, for a pull request: its `run` steps, and of the actions it uses what they do with files."""

    def _fill(self, text, values):
        def value(match):
            return str(values[match.group(1)])
        return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", value, str(text))

    def _job(self, name, shown, values, store):
        folder, container = None, self.container.job()
        place = self.work / shown.replace(" ", "-")
        place.mkdir(parents=True)
        env = {**{k: str(v) for k, v in self.document["env"].items()}, **self.variables,
               "GITHUB_WORKSPACE": str(place / "project")}
        for step in self.document["jobs"][name]["steps"]:
            failed = bool(self.statuses.get(shown))
            if failed and "always()" not in str(step.get("if", "")):
                continue
            if "run" in step:
                if self.leaves_out(step["run"]):
                    continue
                self.note(shown, *container.run(self._fill(step["run"], values), folder or place, env, self.seconds))
                continue
            told = {k: self._fill(v, values) for k, v in step.get("with", {}).items() if k != "script"}
            action = step["uses"].split("@")[0]
            if action == "actions/checkout":
                folder = place / "project"
                subprocess.run(["git", "clone", "-q", self.project, folder], check=True)
            elif action == "actions/upload-artifact":
                shutil.copytree(folder / told["path"], store / told["name"])
            elif action == "actions/download-artifact":
                shutil.copytree(store, folder, dirs_exist_ok=True)
            elif action == "github/codeql-action/upload-sarif":
                assert (folder / told["sarif_file"]).exists()
            elif action == "actions/github-script":
                read, = re.findall(r"readFileSync\('([^']*)'", step["with"]["script"])
                assert (folder / read).read_text(encoding="utf-8")
            else:
                raise AssertionError(f"{action} is not known here")
        return folder

    def leaves_out(self, script):
        """What makes a container that the project gets from elsewhere here."""
        return not self.container.installs and (INSTALLS in script or script.startswith(("apt-get", "git config")))

    def run(self, base):
        store = self.work / "artifacts"
        store.mkdir(parents=True)
        for shard in self.document["jobs"]["measure"]["strategy"]["matrix"]["shard"]:
            self._job("measure", f"measure {shard}", {"matrix.shard": shard,
                                                      "github.event.pull_request.base.sha": base}, store)
        self.results = self._job("verdict", "verdict", {}, store) / "ringside-out"
        return self
