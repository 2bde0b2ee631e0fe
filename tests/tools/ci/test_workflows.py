"""Checks of the workflows that no linter makes. `nox -s workflows` runs the linters."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support import git
from tools.cdk_cli.assembly import Json, at
from tools.project import ROOT, domains

type Job = Mapping[str, Json]

FILES = sorted(ROOT.glob(".github/workflows/*.yml")) + sorted(ROOT.glob(".github/actions/*/*.yml"))
TEXT = "".join(path.read_text() for path in FILES)
NOX = re.compile(r"uv run --locked nox (?P<arguments>[^|>\n]*)")
# Steps that run no nox session, and the reason.
EXCEPTIONS = {
    "Find the last commit of main with a successful run": "calls the API of GitHub",
    "Compare with the deployed commit": "calls the API of GitHub",
    "Look for AWS credentials": "reads secrets of GitHub",
    "Pack the cloud assemblies": "tar",
    "Unpack the cloud assemblies": "tar",
    "Check out a commit of main": "git",
}


def load(path: Path) -> Mapping[str, Mapping[str, Job]]:
    loaded: Mapping[str, Mapping[str, Job]] = YAML(typ="safe").load(path)
    return loaded


def steps_of(job: Job) -> list[Mapping[str, Json]]:
    steps = job["steps"]
    assert isinstance(steps, list)
    return steps


LOADED = {path.stem: load(path) for path in FILES if path.parent.name == "workflows"}
JOBS = {
    f"{workflow}.{name}": job
    for workflow, loaded in LOADED.items()
    for name, job in loaded["jobs"].items()
}
STEPS = [
    *(step for job in JOBS.values() for step in steps_of(job)),
    *(step for path in FILES if path.stem == "action" for step in steps_of(load(path)["runs"])),
]
SCRIPTS = {str(step["name"]): str(step["run"]) for step in STEPS if "run" in step}


def test_ci_starts_for_every_pull_request_merge_group_and_push_to_main() -> None:
    main = {"branches": ["main"]}
    assert LOADED["ci"]["on"] == {"pull_request": main, "merge_group": None, "push": main}


def test_a_push_without_an_earlier_successful_run_has_no_base() -> None:
    # `affected` then finds no commit, so everything is affected. With origin/main, which is the
    # pushed commit, nothing would be affected. `a && b || c` returns c if b is empty.
    (base,) = (at(step, "env.BASE") for step in STEPS if step.get("id") == "affected")
    expression = "github.event_name != 'push' && 'origin/main' || steps.green.outputs.commit"
    assert base == f"${{{{ {expression} }}}}"


def test_a_script_stops_at_failed_commands_before_a_pipe() -> None:
    for name, workflow in LOADED.items():
        assert workflow["defaults"] == {"run": {"shell": "bash"}}, name


@pytest.mark.parametrize("name", JOBS)
def test_only_a_job_in_a_github_environment_has_access_to_aws(name: str) -> None:
    job = JOBS[name]
    # Such a job runs no pull request.
    is_in_environment = "environment" in job
    permissions = at(job, "permissions")
    assert isinstance(permissions, Mapping)
    reads = {key for key, value in permissions.items() if value == "read"}
    assert reads <= {"actions", "contents", "deployments"}
    writes = {key: value for key, value in permissions.items() if key not in reads}
    assert writes == ({"id-token": "write"} if is_in_environment else {})
    assert ("secrets." in json.dumps(job)) is is_in_environment
    # A cache may hold packages that another job wrote.
    for step in steps_of(job):
        if step.get("uses") == "./.github/actions/setup":
            assert (at(step, "with.cache") is False) is is_in_environment


def test_workflows_use_only_the_secrets_of_aws() -> None:
    secrets = set(re.findall(r"secrets\.(\w+)", TEXT))
    assert secrets == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}


def test_every_action_is_pinned_to_one_commit() -> None:
    used = re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n", TEXT)
    assert len(used) == TEXT.count("uses:") - TEXT.count("uses: ./")
    assert len(set(used)) == len({name for name, _, _ in used})


def test_every_script_calls_nox_or_is_a_known_exception() -> None:
    others = {
        name
        for name, script in SCRIPTS.items()
        if not all(NOX.search(line) for line in script.splitlines())
    }
    assert others == EXCEPTIONS.keys()


def test_every_session_and_tag_that_a_script_runs_exists() -> None:
    calls = [
        shlex.split(call["arguments"])
        for script in SCRIPTS.values()
        for call in NOX.finditer(script.replace("$ENVIRONMENT", "dev"))
    ]
    for option in ("-s", "-t"):
        names = {name for flag, name, *_ in calls if flag == option} - {"$STACK"}
        nox = (sys.executable, "-m", "nox", "--list", "--json", option, *names)
        sessions = json.loads(subprocess.check_output(nox, cwd=ROOT))
        assert names <= {name for found in sessions for name in (found["session"], *found["tags"])}


def test_no_workflow_names_a_domain() -> None:
    text = "\n".join(SCRIPTS.values())
    assert [name for name in domains() if re.search(rf"\b{name}\b", text, re.IGNORECASE)] == []


def test_the_required_job_always_runs_and_depends_on_every_other_job() -> None:
    jobs = LOADED["ci"]["jobs"]
    assert at(jobs, "required.if") == "always()"
    assert at(jobs, "required.needs") == [name for name in jobs if name != "required"]


def test_a_push_deploys_only_marked_environments_after_every_check() -> None:
    deploy = JOBS["ci.deploy"]
    condition = str(deploy["if"])
    assert "github.event_name == 'push' && github.ref == 'refs/heads/main'" in condition
    assert "needs.synth.result == 'success'" in condition
    for result in ("failure", "cancelled"):
        assert f"!contains(needs.*.result, '{result}')" in condition
    assert deploy["needs"] == ["affected", "stack", "shared", "e2e", "clients", "synth"]
    matrix = "fromJSON(needs.affected.outputs.affected).deploys"
    assert at(deploy, "strategy.matrix") == {"include": f"${{{{ {matrix} }}}}"}
    assert deploy["environment"] == "${{ matrix.environment }}"
    assert at(deploy, "concurrency.cancel-in-progress") is False


def test_the_requested_deploy_stops_at_destructive_changes() -> None:
    names = [step["name"] for step in steps_of(JOBS["deploy.deploy"])]
    assert names.index("Find destructive changes") < names.index("Get AWS credentials")
    assert names.index("Get AWS credentials") < names.index("Deploy")
    assert SCRIPTS["Find destructive changes"].endswith(
        "nox -s guard -- --base origin/main --exact"
    )
    assert "--is-ancestor" in SCRIPTS["Check out a commit of main"]


@pytest.mark.parametrize(
    ("deployed", "superseded"), [("newer", True), ("this", False), ("older", False)]
)
def test_a_deploy_ends_if_a_newer_commit_is_deployed(
    deployed: str, superseded: bool, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "remote", "add", "origin", str(tmp_path))
    commits = {}
    for name in ("older", "this", "newer"):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", name)
        commits[name] = git(tmp_path, "rev-parse", "HEAD")
    gh = tmp_path / "gh"
    gh.write_text(f"#!/bin/sh\necho {commits[deployed]}\n")
    gh.chmod(0o755)
    (tmp_path / "output").touch()
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GITHUB_SHA": commits["this"],
        "GITHUB_OUTPUT": "output",
        "GITHUB_STEP_SUMMARY": "summary",
    }
    script = SCRIPTS["Compare with the deployed commit"]
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=variables, check=True)
    assert (tmp_path / "output").read_text() == ("superseded=true\n" if superseded else "")
