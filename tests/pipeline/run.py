"""Does what GitHub would do for pull requests: every `run` of every job that runs, in a clone.

`uv run nox -s pipeline` runs it. It fails unless the expected jobs run and are green, and one
stack costs at most half of what core costs.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from tests.pipeline.node import Evaluate, Value, evaluator
from tests.pipeline.workflow import Run, load
from tools.cdk import without_aws
from tools.console import console, waiting
from tools.project import ROOT

DOMAINS = sorted(path.parent.name for path in ROOT.glob("stacks/*/app.py"))
DEPLOYED = {"e2e", "guard", "synth"}
ALWAYS = {"affected", "required"}


@dataclass(frozen=True)
class Change:
    """A file that a pull request touches, and the jobs that are to run for it."""

    title: str
    path: str
    jobs: set[str]

    @property
    def line(self) -> str:
        """What is written above the file."""
        return "<!-- Another line. -->\n\n" if self.path.endswith(".md") else "# Another line.\n"


CHANGES = [
    Change("documents", "README.md", ALWAYS),
    *(
        Change(domain, f"stacks/{domain}/stack.py", ALWAYS | DEPLOYED | {f"stack ({domain})"})
        for domain in DOMAINS
    ),
    Change(
        "core",
        "stacks/core/base.py",
        ALWAYS | DEPLOYED | {"shared"} | {f"stack ({domain})" for domain in DOMAINS},
    ),
]


@dataclass
class Runner:
    """Runs the steps, as a runner of GitHub would, and counts seconds of CPU time a job."""

    clone: Path
    temp: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def bash(self, job: str, script: str, env: Mapping[str, str]) -> dict[str, str] | None:
        """Run a step; return the outputs that it sets, or None, after showing why, if it fails."""
        output = self.temp / "output"
        output.write_text("")
        words = script.split("\n")[0]
        before = self._used()
        with waiting(f"{job}: {words[:90]}"):
            done = subprocess.run(
                # What `shell: bash` of a workflow stands for.
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                cwd=self.clone,
                env={**self.environment(), "GITHUB_OUTPUT": str(output), **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        self.seconds[job] = self.seconds.get(job, 0) + self._used() - before
        if done.returncode:
            console.print(done.stdout, markup=False)
            return None
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    def environment(self) -> dict[str, str]:
        """The person's variables, without AWS and this virtual environment; and GitHub's."""
        kept = {
            key: value
            for key, value in without_aws(os.environ).items()
            if not key.startswith(("VIRTUAL_ENV", "WEALTH_OPS_", "NOX_", "COVERAGE_"))
        }
        here = (str(ROOT / ".venv"), str(Path(sys.executable).parent))
        path = [entry for entry in kept["PATH"].split(":") if not entry.startswith(here)]
        uv = os.environ.get("UV") or shutil.which("uv")
        assert uv is not None
        return {
            **kept,
            "PATH": ":".join([*path, str(Path(uv).parent)]),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
        }

    @staticmethod
    def _used() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime


def git(clone: Path, *arguments: str) -> None:
    """Run git in the clone, as nobody in particular."""
    nobody = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(["git", *nobody, *arguments], cwd=clone, check=True)


def open_pull_request(clone: Path, change: Change) -> None:
    """Check out the merge of main and a branch with the change, as GitHub does."""
    git(clone, "checkout", "--quiet", "-B", "change", "origin/main")
    file = clone / change.path
    file.write_text(change.line + file.read_text())
    git(clone, "commit", "--quiet", "--all", "--message=Change")
    git(clone, "checkout", "--quiet", "--detach", "origin/main")
    git(clone, "merge", "--quiet", "--no-ff", "--no-edit", "change")


def simulate(runner: Runner, evaluate: Evaluate) -> dict[str, str]:
    """Run ci.yml for a pull request; return how each job ended."""
    github: dict[str, Value] = {
        "event_name": "pull_request",
        "ref": "refs/pull/1/merge",
        "event": {"pull_request": {"number": 1}},
    }
    contexts: dict[str, Value] = {"github": github, "vars": {}, "secrets": {}}
    workflow = load(runner.clone / ".github/workflows/ci.yml")
    return Run(workflow, contexts, evaluate, runner.bash).results()


def main() -> int:
    """Simulate a pull request for each change, print a table, and return the exit status."""
    table = Table("A pull request that changes", "Jobs", "CPU seconds", "Ended")
    totals, wrong = {}, False
    with tempfile.TemporaryDirectory() as folder, evaluator() as evaluate:
        clone = Path(folder) / "clone"
        git(ROOT, "clone", "--quiet", "--no-local", str(ROOT), str(clone))
        git(clone, "update-ref", "refs/remotes/origin/main", "HEAD")
        if (ROOT / ".mypy_cache").exists():  # GitHub keeps it, too
            shutil.copytree(ROOT / ".mypy_cache", clone / ".mypy_cache")
        warm = "uv run --locked nox -s 'mypy(core)' 'synth(dev)'"
        assert Runner(clone, Path(folder)).bash("Warming the caches", warm, {}) is not None
        for change in CHANGES:
            open_pull_request(clone, change)
            runner = Runner(clone, Path(folder))
            results = simulate(runner, evaluate)
            # What has no step of its own to run is seen only in the results.
            ran = runner.seconds.keys() | {"required"}
            totals[change.title] = sum(runner.seconds.values())
            good = results["required"] == "success" and ran == change.jobs
            wrong |= not good
            shown = ", ".join(f"{job} {used:.0f}" for job, used in runner.seconds.items())
            ended = "as expected" if good else f"expected {sorted(change.jobs)}"
            table.add_row(change.title, shown, f"{totals[change.title]:.0f}", ended)
    console.print(table)
    dearest = max(totals[domain] for domain in DOMAINS) / totals["core"]
    console.print(f"One stack costs at most {dearest:.0%} of what core costs.")
    return int(wrong or dearest > 0.5)


if __name__ == "__main__":
    sys.exit(main())
