"""What linters do not check of the workflows, read from the files."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.workflow import WORKFLOWS, Job, Step, load, needs
from tools.project import ROOT

CI = load(ROOT / ".github/workflows/ci.yml")
JOBS = [job for path in WORKFLOWS for job in load(path)["jobs"].values()]
STEPS = [step for job in JOBS for step in job["steps"]]
RUNS = [step["run"] for step in STEPS if "run" in step]
TEXT = "".join(path.read_text() for path in WORKFLOWS)

# Steps that are no call of nox, by their names, and why.
EXCEPTIONS = {
    "Find the last commit of main for which all was green, its deploy included": (
        "only GitHub knows, and `gh` asks it"
    ),
    "Look for AWS credentials": "before anything is installed, so before nox is there",
}
NOX = re.compile(r"uv run --locked nox (?P<arguments>[^|>]*)")


def nox(*selection: str) -> list[dict[str, list[str]]]:
    """The sessions that a selection selects; fails where it names one that there is not."""
    command = [sys.executable, "-m", "nox", "--list", "--json", *selection]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sessions: list[dict[str, list[str]]] = json.loads(done.stdout)
    return sessions


def action(step: Step) -> str:
    return step.get("uses", "").split("@")[0]


def test_ci_runs_for_pull_requests_to_main_and_pushes_to_main_whatever_they_touch() -> None:
    # A required check of a workflow that `paths:` keeps from starting is waited for for ever.
    assert CI["on"] == {"pull_request": {"branches": ["main"]}, "push": {"branches": ["main"]}}


def test_no_workflow_gives_the_code_of_a_pull_request_more_than_it_may_have() -> None:
    refused = r"pull_request_target|workflow_run|changed-files|^ *paths(-ignore)?:"
    assert not re.search(refused, TEXT, re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_denies_all_permissions_and_has_a_concurrency_group(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert workflow["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job["name"])
def test_a_job_has_a_timeout_and_permissions_of_its_own(job: Job) -> None:
    assert 0 < job["timeout-minutes"] <= 60
    granted = {**job["permissions"]}
    assert granted.pop("contents", "read") == "read"
    assert granted.pop("actions", "read") == "read"
    # A token that opens an AWS account is for jobs in an environment, which runs no pull request.
    assert granted == ({"id-token": "write"} if "environment" in job else {})


def test_every_action_is_pinned_to_a_commit_with_its_version_and_everywhere_to_the_same() -> None:
    used = re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n", TEXT)
    assert len(used) == TEXT.count("uses:")
    assert len(set(used)) == len({name for name, _, _ in used})


def test_a_checkout_leaves_no_credentials_behind() -> None:
    checkouts = [step for step in STEPS if action(step) == "actions/checkout"]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_what_is_run_holds_no_expression() -> None:
    assert [run for run in RUNS if "${{" in run] == []


def test_whatever_is_run_is_a_call_of_nox_or_an_exception_with_a_reason() -> None:
    others = {
        step["name"]
        for step in STEPS
        if "run" in step and not all(NOX.match(line) for line in step["run"].splitlines())
    }
    assert others == EXCEPTIONS.keys()


def test_every_session_and_every_tag_that_is_run_exists() -> None:
    calls = [shlex.split(call["arguments"]) for run in RUNS for call in NOX.finditer(run)]
    assert len(calls) >= 10
    assert all(rest[:1] in ([], ["--"]) for _, _, *rest in calls)
    sessions = {name for flag, name, *_ in calls if flag == "-s"}
    tags = {name for flag, name, *_ in calls if flag == "-t"} - {"$STACK"}
    assert {flag for flag, *_ in calls} == {"-s", "-t"}
    nox("--session", *sessions)
    found = {tag for session in nox("--tags", *tags) for tag in session["tags"]}
    assert tags <= found


def test_no_stack_is_named() -> None:
    domains = [path.parent.name for path in ROOT.glob("stacks/*/app.py")]
    # Not the whole text, of which a domain might be a word: `jobs`.
    said = "\n".join(RUNS)
    assert [domain for domain in domains if re.search(rf"\b{domain}\b", said, re.IGNORECASE)] == []
    assert "Stack" not in said


def test_the_required_job_waits_for_every_other_and_always_runs() -> None:
    required = CI["jobs"]["required"]
    assert needs(required) == [name for name in CI["jobs"] if name != "required"]
    assert required["if"] == "always()"


def test_jobs_are_written_in_the_order_in_which_they_run() -> None:
    names = list(CI["jobs"])
    for name, job in CI["jobs"].items():
        assert all(names.index(other) < names.index(name) for other in needs(job))


def test_only_jobs_in_an_environment_see_secrets_and_these_are_the_three() -> None:
    secrets = {
        (secret, job.get("environment"))
        for job in JOBS
        for secret in re.findall(r"secrets\.(\w+)", json.dumps(job))
    }
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    assert secrets == {(name, "dev") for name in names}
    assert len(re.findall(r"secrets\.", TEXT)) == len(re.findall(r"secrets\.AWS_", TEXT))


def test_only_the_job_that_finds_the_last_green_run_has_the_token() -> None:
    assert re.findall(r".*github\.token.*", TEXT) == ["          GH_TOKEN: ${{ github.token }}"]


def test_a_deploy_is_never_cancelled_and_never_one_of_two() -> None:
    assert CI["jobs"]["deploy-dev"]["concurrency"] == {
        "group": "deploy-dev",
        "cancel-in-progress": False,
    }


def test_what_is_deployed_is_what_was_synthesized() -> None:
    keep = next(step for step in STEPS if action(step) == "actions/upload-artifact")
    get = next(step for step in STEPS if action(step) == "actions/download-artifact")
    assert keep["with"]["name"] == get["with"]["name"]
    assert keep["with"]["path"] == get["with"]["path"] == "cdk.out"
    deploys = [run for run in RUNS if "nox -s deploy" in run]
    assert [run.split(" | ")[0] for run in deploys] == [
        "uv run --locked nox -s deploy -- --to aws --yes --app cdk.out"
    ]


def test_a_job_that_deploys_uses_no_cache() -> None:
    for job in JOBS:
        uv = [step for step in job["steps"] if action(step) == "astral-sh/setup-uv"]
        cached = any(action(step) == "actions/cache" for step in job["steps"])
        expected = "environment" not in job
        assert all(step["with"]["enable-cache"] is expected for step in uv), job["name"]
        assert expected or not cached


def test_caches_are_keyed_on_the_lock_files() -> None:
    keys = [str(step["with"]["key"]) for step in STEPS if action(step) == "actions/cache"]
    assert keys
    assert all(re.search(r"hashFiles\('(uv\.lock|package-lock\.json)'\)", key) for key in keys)


@pytest.mark.parametrize("lock", ["package-lock.json", "uv.lock"])
def test_dependabot_looks_after_every_lock_file_and_the_actions(lock: str) -> None:
    text = (ROOT / ".github/dependabot.yml").read_text()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"*{lock}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folders = [f"/{path.removesuffix(lock)}" for path in listed.stdout.split()]
    folders = ["/" if folder == "/" else folder.removesuffix("/") for folder in sorted(folders)]
    assert f"directories: [{', '.join(folders)}]" in text
    assert {"uv", "npm", "github-actions"} == set(re.findall(r"package-ecosystem: (\S+)", text))
    assert text.count("interval: weekly") == text.count("groups:") == 3


def test_hooks_call_the_tools_of_the_lock_file_which_are_installed() -> None:
    config = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    (local,) = config["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        uv, run, locked, tool, *_ = hook["entry"].split()
        assert (uv, run, locked, hook["language"]) == ("uv", "run", "--locked", "system")
        assert shutil.which(tool), f"{tool} is not in the project environment"
