"""What ci.yml does: which jobs run for which change, when it deploys, and when it is green."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.pipeline.node import Evaluate, Value
from tests.pipeline.workflow import Execute, Job, Run, Workflow, load
from tools.affected import Affected
from tools.project import ROOT

CI = load(ROOT / ".github/workflows/ci.yml")
DRIFT = load(ROOT / ".github/workflows/drift.yml")

PULL_REQUEST: dict[str, Value] = {"event_name": "pull_request", "ref": "refs/pull/1/merge"}
PUSH: dict[str, Value] = {"event_name": "push", "ref": "refs/heads/main", "run_id": 1}

NOTHING = Affected(why="only documents changed")
STACK = Affected(("storage",), deployable=True)
TEST_OF_A_STACK = Affected(("registry",))
TOOL = Affected((), shared=True)
EVERYTHING = Affected(("identity", "registry", "storage"), True, True, True, "because")


class Runner:
    """Runs nothing, but notes what it was to run; `broken` are the jobs that fail."""

    def __init__(self, affected: Affected | None, *broken: str, green: str = "") -> None:
        self.affected, self.broken, self.green = affected, broken, green
        self.jobs: list[str] = []
        self.runs: list[str] = []
        self.base: str | None = None

    def __call__(self, job: str, run: str, env: Mapping[str, str]) -> dict[str, str] | None:
        self.jobs += [job] * (job not in self.jobs)
        self.runs.append(run.strip())
        if job in self.broken:
            return None
        if "gh run list" in run:
            return {"commit": self.green}
        if "nox -s affected" in run:
            self.base = env["BASE"]
            return None if self.affected is None else {"affected": self.affected.as_json()}
        return {}


def results(
    evaluate: Evaluate, execute: Execute, github: dict[str, Value], workflow: Workflow = CI
) -> dict[str, str]:
    contexts: dict[str, Value] = {"github": github, "vars": {}, "secrets": {}}
    return Run(workflow, contexts, evaluate, execute).results()


@pytest.mark.parametrize(
    ("affected", "jobs"),
    [
        (NOTHING, []),
        (STACK, ["stack (storage)", "e2e", "synth"]),
        (TEST_OF_A_STACK, ["stack (registry)"]),
        (TOOL, ["shared"]),
        (Affected((), True, True), ["shared", "e2e", "synth"]),
        (Affected(("identity", "storage"), deployable=True),
         ["stack (identity)", "stack (storage)", "e2e", "synth"]),
        (EVERYTHING, ["stack (identity)", "stack (registry)", "stack (storage)", "shared", "e2e",
                      "synth"]),
    ],
    ids=["documents", "stack", "test", "tool", "app", "two stacks", "everything"],
)  # fmt: skip
@pytest.mark.parametrize("github", [PULL_REQUEST, PUSH], ids=["pull request", "push"])
def test_just_the_jobs_that_a_change_affects_are_run_and_that_is_green(
    evaluate: Evaluate, affected: Affected, jobs: list[str], github: dict[str, Value]
) -> None:
    runner = Runner(affected)
    ended = results(evaluate, runner, github)
    last = "guard" if github is PULL_REQUEST else "deploy-dev"
    assert runner.jobs == ["affected", *jobs, *[last] * affected.deployable]
    assert ended["required"] == "success"


def test_a_stack_alone_is_deployed_locally_without_testing_the_tools_that_do_it(
    evaluate: Evaluate,
) -> None:
    few, all_of_them = Runner(STACK), Runner(EVERYTHING)
    results(evaluate, few, PULL_REQUEST)
    results(evaluate, all_of_them, PULL_REQUEST)
    system, e2e = "uv run --locked nox -s system", "uv run --locked nox -s e2e"
    assert (system in few.runs, e2e in few.runs) == (True, False)
    assert (system in all_of_them.runs, e2e in all_of_them.runs) == (False, True)


@pytest.mark.parametrize(
    ("github", "green", "base"),
    [(PULL_REQUEST, "", "origin/main"), (PUSH, "c0ffee", "c0ffee"), (PUSH, "", "")],
)
def test_the_base_is_main_for_a_pull_request_and_its_last_green_commit_for_a_push(
    evaluate: Evaluate, github: dict[str, Value], green: str, base: str
) -> None:
    runner = Runner(NOTHING, green=green)
    results(evaluate, runner, github)
    assert runner.base == base
    assert any("gh run list" in run for run in runner.runs) == (github is PUSH)


@pytest.mark.parametrize("job", ["stack (storage)", "shared", "e2e", "synth", "affected"])
def test_a_job_that_fails_is_red_and_keeps_everything_from_being_deployed(
    evaluate: Evaluate, job: str
) -> None:
    for github in (PULL_REQUEST, PUSH):
        runner = Runner(EVERYTHING, job)
        ended = results(evaluate, runner, github)
        assert ended["required"] == "failure"
        assert ended["deploy-dev"] == "skipped"


def test_a_deploy_that_fails_is_red(evaluate: Evaluate) -> None:
    ended = results(evaluate, Runner(STACK, "deploy-dev"), PUSH)
    assert ended["deploy-dev"] == ended["required"] == "failure"


@pytest.mark.parametrize("skipped", ["stack", "shared", "e2e", "synth", "deploy-dev"])
def test_a_job_that_is_skipped_although_it_is_needed_is_red(
    evaluate: Evaluate, skipped: str
) -> None:
    broken = load(ROOT / ".github/workflows/ci.yml")
    broken["jobs"][skipped]["if"] = "false"
    ended = results(evaluate, Runner(EVERYTHING), PUSH, broken)
    assert (ended[skipped], ended["required"]) == ("skipped", "failure")


@pytest.mark.parametrize(
    "github",
    [
        PULL_REQUEST,
        {"event_name": "push", "ref": "refs/heads/feature"},
        {"event_name": "pull_request", "ref": "refs/heads/main"},
    ],
)
def test_nothing_but_a_push_to_main_is_deployed(
    evaluate: Evaluate, github: dict[str, Value]
) -> None:
    assert results(evaluate, Runner(EVERYTHING), github)["deploy-dev"] == "skipped"


def test_the_deploy_is_followed_by_a_look_for_drift(evaluate: Evaluate) -> None:
    runner = Runner(STACK)
    results(evaluate, runner, PUSH)
    sessions = re.findall(r"nox -s (\w+)", "\n".join(runner.runs))
    assert sessions[-2:] == ["deploy", "drift"]


@pytest.mark.parametrize(
    ("variables", "secrets", "action"),
    [
        ({"AWS_DEPLOY_ROLE_ARN": "arn"}, {}, "role-to-assume"),
        ({}, {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}, "aws-access-key-id"),
        ({"AWS_DEPLOY_ROLE_ARN": "arn"}, {"AWS_ACCESS_KEY_ID": "k"}, "role-to-assume"),
    ],
    ids=["role", "keys", "both"],
)
@pytest.mark.parametrize("workflow", [CI, DRIFT], ids=["deploy", "drift"])
def test_a_role_is_assumed_where_there_is_one_and_else_the_keys_are_used(
    evaluate: Evaluate, workflow: Workflow, variables: Value, secrets: Value, action: str
) -> None:
    steps = aws_job(workflow)["steps"]
    contexts: dict[str, Value] = {"vars": variables, "secrets": secrets}
    chosen = [
        step
        for step in steps
        if step.get("uses", "").startswith("aws-actions/")
        and evaluate(step["if"], contexts, {})[0] is True
    ]
    assert [action in step["with"] for step in chosen] == [True]
    region = str(chosen[0]["with"]["aws-region"]).strip("${} ")
    assert evaluate(region, contexts, {})[0] == "us-east-1"
    assert evaluate(region, {"secrets": {"AWS_REGION": "eu-west-1"}}, {})[0] == "eu-west-1"


def aws_job(workflow: Workflow) -> Job:
    """The job of a workflow that has AWS credentials."""
    return next(job for job in workflow["jobs"].values() if "environment" in job)


@pytest.mark.parametrize("workflow", [CI, DRIFT], ids=["deploy", "drift"])
@pytest.mark.parametrize(
    "secrets", [{}, {"AWS_ACCESS_KEY_ID": "k"}, {"AWS_SECRET_ACCESS_KEY": "s"}]
)
def test_without_credentials_a_job_fails_with_one_sentence_before_anything_else(
    evaluate: Evaluate, workflow: Workflow, secrets: Value, tmp_path: Path
) -> None:
    first = aws_job(workflow)["steps"][0]
    contexts: dict[str, Value] = {"vars": {}, "secrets": secrets}
    assert evaluate(first["if"], contexts, {})[0] is True
    keys = evaluate(first["env"]["KEYS"].strip("${} "), contexts, {})[1]
    done = bash(first["run"], tmp_path, KEYS=keys)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error::There are no AWS credentials: set the variable AWS_DEPLOY_R")


def test_with_keys_the_look_for_credentials_says_nothing(tmp_path: Path) -> None:
    done = bash(aws_job(CI)["steps"][0]["run"], tmp_path, KEYS="true")
    assert (done.returncode, done.stdout) == (0, "")


def step(workflow: Workflow, name: str) -> str:
    jobs = workflow["jobs"].values()
    return next(step["run"] for job in jobs for step in job["steps"] if step["name"] == name)


def bash(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script, as `shell: bash` does, with `folder` for its files and commands."""
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "RUNNER_TEMP": str(folder), **files, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


GREEN = "Find the last commit of main for which all was green, its deploy included"


def test_the_last_green_commit_is_asked_of_github(tmp_path: Path) -> None:
    command(tmp_path, "gh", f'echo "$@" > {tmp_path}/asked; echo commit=c0ffee')
    assert bash(step(CI, GREEN), tmp_path).returncode == 0
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "commit=c0ffee\n"
    asked = (tmp_path / "asked").read_text()
    # A branch of a fork may be called main, too, but is not pushed here.
    for option in ("workflow=ci.yml", "branch=main", "event=push", "status=success", "limit=1"):
        assert f"--{option}" in asked


def test_where_github_does_not_answer_the_job_fails(tmp_path: Path) -> None:
    command(tmp_path, "gh", "exit 1")
    assert bash(step(CI, GREEN), tmp_path).returncode == 1


def test_what_is_affected_goes_to_the_matrix_and_to_the_page_of_the_run(tmp_path: Path) -> None:
    command(
        tmp_path,
        "uv",
        f'case "$*" in *--json) echo "{json.dumps(STACK.as_json())[1:-1]}";;'
        f' *) printf "storage: a\\nshared: b\\n";; esac; echo "$@" >> {tmp_path}/asked',
    )
    assert bash(step(CI, "Compare"), tmp_path, BASE="origin/main").returncode == 0
    output = (tmp_path / "GITHUB_OUTPUT").read_text()
    assert output == f"affected={STACK.as_json()}\n"
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "- storage: a\n- shared: b\n"
    assert "-- --base origin/main --head HEAD" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("workflow", "name"),
    [
        *[(CI, name) for name in ("Compare", "Show the coverage", "Compare with what is on main")],
        *[(CI, "Deploy, and show what exists now"), (DRIFT, "Look for drift")],
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_session_that_fails_fails_its_job_whatever_its_output_goes_to(
    workflow: Workflow, name: str, tmp_path: Path
) -> None:
    command(tmp_path, "uv", "echo said; exit 3")
    assert bash(step(workflow, name), tmp_path, BASE="origin/main").returncode == 3


def test_a_run_on_main_is_never_cancelled_and_an_obsolete_one_of_a_pull_request_is(
    evaluate: Evaluate,
) -> None:
    cancel = str(CI["concurrency"]["cancel-in-progress"]).strip("${} ")
    group = str(CI["concurrency"]["group"]).removeprefix("ci-").strip("${} ")
    pull_request: Value = {**PULL_REQUEST, "event": {"pull_request": {"number": 7}}}
    push: Value = {**PUSH, "event": {}, "sha": "c0ffee"}
    for github, cancelled, expected in ((pull_request, True, "7"), (push, False, "c0ffee")):
        assert evaluate(cancel, {"github": github}, {})[0] is cancelled
        assert evaluate(group, {"github": github}, {})[1] == expected
