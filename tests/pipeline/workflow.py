"""A workflow, and what GitHub would do with it: which jobs run for an event, and how they end.

Only what the workflows here use of GitHub Actions is known.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ruamel.yaml import YAML

from tests.pipeline.node import Evaluate, Value
from tools.project import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))

Step = TypedDict(
    "Step",
    {
        "name": str,
        "id": str,
        "if": str,
        "uses": str,
        "with": dict[str, str | bool],
        "run": str,
        "env": dict[str, str],
    },
    total=False,
)
Job = TypedDict(
    "Job",
    {
        "name": str,
        "needs": str | list[str],
        "if": str,
        "strategy": dict[str, dict[str, str]],
        "environment": str,
        "concurrency": dict[str, str | bool],
        "permissions": dict[str, str],
        "outputs": dict[str, str],
        "timeout-minutes": int,
        "steps": list[Step],
    },
    total=False,
)


class Workflow(TypedDict):
    """The keys of a workflow; the keys of a job and of a step hold words that Python reserves."""

    on: dict[str, dict[str, list[str]]]
    permissions: dict[str, str]
    concurrency: dict[str, str | bool]
    defaults: dict[str, dict[str, str]]
    jobs: dict[str, Job]


type Contexts = dict[str, Value]
# Runs a step's `run` in the job of that name, with that environment, and returns the outputs that
# it sets; None if it fails.
type Execute = Callable[[str, str, Mapping[str, str]], Mapping[str, str] | None]

_ALLS_GREEN = "re-actors/alls-green@"


def load(path: Path) -> Workflow:
    """Read a workflow; `on` stays a word, as in YAML 1.2."""
    workflow: Workflow = YAML(typ="safe").load(path)
    return workflow


def needs(job: Job) -> list[str]:
    """The jobs that a job waits for."""
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else found


@dataclass(frozen=True)
class Run:
    """A run of a workflow for an event: `contexts` holds github, vars and secrets."""

    workflow: Workflow
    contexts: Contexts
    evaluate: Evaluate
    execute: Execute

    def results(self) -> dict[str, str]:
        """How each job ends: success, failure or skipped; in the order in which they run.

        A job comes after those that it needs, as GitHub demands; here they are written so, too.
        """
        results: dict[str, str] = {}
        outputs: dict[str, Value] = {}
        for name, job in self.workflow["jobs"].items():
            known: dict[str, Value] = {
                other: {"result": results[other], "outputs": outputs[other]} for other in needs(job)
            }
            contexts = {**self.contexts, "needs": known}
            before = [results[other] for other in self._ancestors(name)]
            results[name], outputs[name] = "skipped", {}
            if self._applies(job.get("if"), contexts, before):
                ended = [self._job(*instance) for instance in self._instances(name, job, contexts)]
                failed = any(outcome is None for outcome in ended)
                results[name] = "failure" if failed else "success"
                outputs[name] = ended[0] or {}
        return results

    def _ancestors(self, name: str) -> Iterator[str]:
        for other in needs(self.workflow["jobs"][name]):
            yield other
            yield from self._ancestors(other)

    def _instances(
        self, name: str, job: Job, contexts: Contexts
    ) -> Iterator[tuple[str, Job, Contexts]]:
        if "strategy" not in job:
            yield name, job, contexts
            return
        ((variable, expression),) = job["strategy"]["matrix"].items()
        values = self._value(expression, contexts)
        assert isinstance(values, list)
        assert values, f"{name}: an empty matrix is an error"
        for value in values:
            yield f"{name} ({value})", job, {**contexts, "matrix": {variable: value}}

    def _job(self, name: str, job: Job, contexts: Contexts) -> dict[str, Value] | None:
        """The outputs of a job; None if it fails."""
        outputs: dict[str, Value] = {}
        so_far: list[str] = []
        for step in job["steps"]:
            now = {**contexts, "steps": outputs}
            if self._applies(step.get("if"), now, so_far):
                done = self._step(name, step, now)
                so_far.append("failure" if done is None else "success")
                outputs[step.get("id", "")] = {"outputs": done or {}}
        if "failure" in so_far:
            return None
        now = {**contexts, "steps": outputs}
        return {key: self._text(text, now) for key, text in job.get("outputs", {}).items()}

    def _step(self, job: str, step: Step, contexts: Contexts) -> Mapping[str, str] | None:
        if "run" in step:
            env = {key: self._text(text, contexts) for key, text in step.get("env", {}).items()}
            return self.execute(job, step["run"], env)
        if step["uses"].startswith(_ALLS_GREEN):
            given = {key: self._text(str(text), contexts) for key, text in step["with"].items()}
            allowed = [word.strip() for word in given["allowed-skips"].split(",")]
            return {} if _is_green(given["jobs"], allowed) else None
        return {}

    def _applies(self, condition: str | None, contexts: Contexts, before: list[str]) -> bool:
        status = {
            "always": True,
            "cancelled": "cancelled" in before,
            "failure": "failure" in before,
            "success": all(result == "success" for result in before),
        }
        text = "success()" if condition is None else condition.strip().removeprefix("${{")
        text = text.removesuffix("}}")
        if not re.search(rf"\b({'|'.join(status)})\(", text):
            text = f"success() && ({text})"
        return bool(self.evaluate(text, contexts, status)[0])

    def _value(self, text: str, contexts: Contexts) -> Value:
        return self.evaluate(text.removeprefix("${{").removesuffix("}}"), contexts, {})[0]

    def _text(self, text: str, contexts: Contexts) -> str:
        return re.sub(
            r"\$\{\{(.*?)\}\}",
            lambda match: self.evaluate(match[1], contexts, {})[1],
            text,
            flags=re.DOTALL,
        )


def _is_green(jobs: str, allowed: list[str]) -> bool:
    return all(
        job["result"] == "success" or (job["result"] == "skipped" and name in allowed)
        for name, job in json.loads(jobs).items()
    )
