"""Workflow checks that no linter makes. `nox -s workflows` runs the linters."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest
from ruamel.yaml import YAML

from tools.cdk_cli.assembly import Json, at
from tools.ci.affected import COMPONENTS, EVERYTHING, SESSIONS, outputs
from tools.project import ROOT, domains

type Yaml = Mapping[str, Json]

SETUP = "./.github/actions/setup"

FILES = sorted(ROOT.glob(".github/workflows/*.yml")) + sorted(ROOT.glob(".github/actions/*/*.yml"))
TEXT = "".join(path.read_text() for path in FILES)


def mapping(value: Json) -> Yaml:
    assert isinstance(value, Mapping)
    return value


def steps_of(job: Json) -> list[Yaml]:
    steps = mapping(job)["steps"]
    assert isinstance(steps, list)
    return steps


LOADED: Mapping[str, Yaml] = {str(path): YAML(typ="safe").load(path) for path in FILES}
ACTIONS = {
    path.parent.name: steps_of(LOADED[str(path)]["runs"]) for path in FILES if path.stem == "action"
}
WORKFLOWS = {path.stem: LOADED[str(path)] for path in FILES if path.stem != "action"}
JOBS = {
    f"{workflow}.{name}": mapping(job)
    for workflow, loaded in WORKFLOWS.items()
    for name, job in mapping(loaded["jobs"]).items()
}
STEPS = [step for steps in (*map(steps_of, JOBS.values()), *ACTIONS.values()) for step in steps]
CI = mapping(WORKFLOWS["ci"]["jobs"])
# The jobs that affected.py selects, except `deploy`.
CHECKS = ["lint-and-test", "session", "cdk-synth"]
LISTED = "fromJSON(needs.affected.outputs.jobs)"


def test_ci_reads_each_output_of_affected() -> None:
    found = outputs(EVERYTHING, ["dev"], domains())
    assert found["jobs"] == [*CHECKS, "deploy"]
    assert {*re.findall(r"needs\.affected\.outputs\.(\w+)", TEXT)} == found.keys()
    assert {*re.findall(r"steps\.affected\.outputs\.(\w+)", TEXT)} == found.keys()


def test_the_required_job_fails_if_a_check_failed_that_affected_lists() -> None:
    assert [*CI] == ["affected", *CHECKS, "required", "deploy", "drift"]
    for name in CHECKS:
        assert at(CI, f"{name}.needs") == "affected"
        assert at(CI, f"{name}.if") == f"contains({LISTED}, '{name}')"
    assert at(CI, "required.if") == "always()"
    assert at(CI, "required.needs") == ["affected", *CHECKS]
    (step,) = steps_of(CI["required"])
    results = [f"contains(needs.*.result, '{result}')" for result in ("failure", "cancelled")]
    assert (step["if"], step["run"]) == (" || ".join(results), "exit 1")


def test_a_push_deploys_only_after_the_required_job_and_in_order() -> None:
    deploy = mapping(CI["deploy"])
    passed = "!cancelled() && needs.required.result == 'success'"
    assert deploy["if"] == f"${{{{ {passed} && contains({LISTED}, 'deploy') }}}}"
    assert deploy["needs"] == ["affected", "required"]
    assert at(deploy, "strategy.fail-fast") is True
    assert at(deploy, "strategy.max-parallel") == 1


def test_no_script_contains_an_expression() -> None:
    scripts = [str(step.get("run", "")) for step in STEPS]
    assert [script for script in scripts if "${{" in script] == []
    assert "toJSON" not in TEXT


def test_every_script_is_one_command_of_this_project_or_a_known_exception() -> None:
    command = re.compile(r"uv run --locked (nox -[st]|python -m tools\.ci\.deployed) [^|;&\n]*")
    others = {
        step["name"] for step in STEPS if "run" in step and not command.fullmatch(str(step["run"]))
    }
    assert others == {"Install uv", "Fail if a job failed"}


def test_ci_names_only_sessions_of_the_foundation_and_they_exist() -> None:
    named = {*re.findall(r"nox -s (\w+)", TEXT)}
    assert named == {"affected", "coverage", "guard", "security"}
    for option, names in (("-s", named.union(SESSIONS)), ("-t", {*domains(), *COMPONENTS})):
        nox = (sys.executable, "-m", "nox", "--list", "--json", option, *names)
        sessions = json.loads(subprocess.check_output(nox, cwd=ROOT))
        assert names <= {name for found in sessions for name in (found["session"], *found["tags"])}


@pytest.mark.parametrize("name", JOBS)
def test_only_a_job_in_a_github_environment_has_access_to_aws(name: str) -> None:
    job = JOBS[name]
    is_in_environment = "environment" in job
    deploys = "./.github/actions/deploy" in {step.get("uses") for step in steps_of(job)}
    permissions = mapping(job["permissions"])
    reads = {key for key, value in permissions.items() if value == "read"}
    assert reads <= {"contents", "deployments"}
    writes = {key for key in permissions if key not in reads}
    expected = {"id-token"} if is_in_environment else set[str]()
    assert writes == expected | ({"deployments"} if deploys else set[str]())
    assert ("secrets." in json.dumps(job)) is is_in_environment
    # A cache may hold files that a pull request's job wrote.
    caches = [step for step in steps_of(job) if step.get("uses") == SETUP and "with" in step]
    assert not (is_in_environment and caches)


@pytest.mark.parametrize("name", [name for name in JOBS if "environment" in JOBS[name]])
def test_only_the_record_is_a_deployment_and_jobs_of_an_environment_wait(name: str) -> None:
    environment = at(JOBS[name], "environment.name")
    assert at(JOBS[name], "environment.deployment") is False
    assert JOBS[name]["concurrency"] == {"group": f"deploy-{environment}", "queue": "max"}


def test_a_deploy_is_guarded_before_and_recorded_after_it_succeeded() -> None:
    decide, guard, deploy, record = ACTIONS["deploy"]
    assert str(decide["run"]).split()[4:7] == ["-m", "tools.ci.deployed", "decide"]
    assert decide["id"] == "recorded"
    assert guard["run"] == (
        'uv run --locked nox -s guard -- --base "$BASE" --exact --environment "$ENVIRONMENT"'
    )
    assert guard["continue-on-error"] == "${{ inputs.acknowledge == 'true' }}"
    assert at(deploy, "with.session") == "deploy"
    adopt = "inputs.adopt == 'true' && '--import-existing-resources' || ''"
    assert at(deploy, "with.flag") == f"${{{{ {adopt} }}}}"
    assert str(record["run"]).split()[4:7] == ["-m", "tools.ci.deployed", "record"]
    # Without a status function, a step runs only if the steps before it succeeded.
    deploys = "steps.recorded.outputs.deploys == 'true'"
    assert [step.get("if") for step in (decide, guard, deploy, record)] == [
        None,
        f"{deploys} && steps.recorded.outputs.base != ''",
        deploys,
        deploys,
    ]


def test_a_chosen_commit_runs_no_code_before_it_is_found_on_main() -> None:
    checkout, _, check_out, deploy = steps_of(JOBS["deploy.deploy"])
    assert "ref" not in mapping(checkout["with"])
    assert str(check_out["run"]).endswith('tools.ci.deployed check-out "$COMMIT"')
    assert deploy["uses"] == "./.github/actions/deploy"


def test_workflows_use_only_the_secrets_of_aws() -> None:
    secrets = set(re.findall(r"secrets\.(\w+)", TEXT))
    assert secrets == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}
    # Otherwise later steps would have the credentials, and the action's region.
    assert at(ACTIONS["aws"][0], "with.output-env-credentials") is False
    assert at(ACTIONS["aws"][1], "env.AWS_REGION") == "${{ inputs.region }}"
