"""The result of each verb for a stack in each status of CloudFormation."""

import re
from typing import get_args

import pytest
from types_boto3_cloudformation.literals import StackStatusType

from stacks.core.environment import Environment
from tests.cloud.conftest import ACCOUNT, Tools
from tools.cdk_cli import cdk
from tools.deployment import compare, deploy, destroy, drift, operation
from tools.deployment.operation import Operation
from tools.deployment.target import Target

AWS = ("--to", "aws", "--yes")
RUNS = "cdk runs"
# Regular expressions. Each sentence ends with a command on its own line.
NOX = r"Run in the account \d+ \(.*\):\n  uv run nox -s {verb} -- --to aws "
WAIT = "is changing the stack. Wait until it has ended. " + NOX
ROLLBACK = "Run:\n  uv run cdk rollback StorageStack --app "
ORPHAN = "Use --orphan=LOGICAL_ID for a resource that cannot be rolled back. " + ROLLBACK
FINISH = "Finish the deletion first. " + NOX.format(verb="destroy")
IMPORT = "Then delete the stack, without its retained resources. " + NOX.format(verb="destroy")
MISSING = "No stack is deployed. " + NOX.format(verb="deploy")

# The expected output of deploy and drift. `cdk diff` only reads. `cdk destroy` deletes a stack in
# every status, except while another operation changes the stack.
STATUSES: dict[StackStatusType, tuple[str, str]] = {
    "CREATE_COMPLETE": (RUNS, RUNS),
    "CREATE_FAILED": (ROLLBACK, ROLLBACK),
    "CREATE_IN_PROGRESS": (WAIT, WAIT),
    "DELETE_COMPLETE": (RUNS, MISSING),
    "DELETE_FAILED": (FINISH, FINISH),
    "DELETE_IN_PROGRESS": (WAIT, WAIT),
    "IMPORT_COMPLETE": (RUNS, RUNS),
    "IMPORT_IN_PROGRESS": (WAIT, WAIT),
    "IMPORT_ROLLBACK_COMPLETE": (RUNS, RUNS),
    "IMPORT_ROLLBACK_FAILED": (IMPORT, IMPORT),
    "IMPORT_ROLLBACK_IN_PROGRESS": (WAIT, WAIT),
    "REVIEW_IN_PROGRESS": (RUNS, MISSING),
    "ROLLBACK_COMPLETE": (RUNS, MISSING),
    "ROLLBACK_FAILED": (RUNS, MISSING),
    "ROLLBACK_IN_PROGRESS": (WAIT, WAIT),
    "UPDATE_COMPLETE": (RUNS, RUNS),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": (WAIT, WAIT),
    "UPDATE_FAILED": (ROLLBACK, ROLLBACK),
    "UPDATE_IN_PROGRESS": (WAIT, WAIT),
    "UPDATE_ROLLBACK_COMPLETE": (RUNS, RUNS),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": (WAIT, WAIT),
    "UPDATE_ROLLBACK_FAILED": (ORPHAN, RUNS),
    "UPDATE_ROLLBACK_IN_PROGRESS": (WAIT, WAIT),
}


@pytest.fixture
def unprotected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks whose termination protection was turned off. Replaces AWS and the CDK CLI."""
    noted: list[str] = []
    target = Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    monkeypatch.setattr(operation, "aws_target", lambda *_, **__: target)
    monkeypatch.setattr(cdk, "unknown", lambda *_: [])
    monkeypatch.setattr(Operation, "cdk", lambda *_: (0, RUNS))
    monkeypatch.setattr(Operation, "unprotect", lambda _, stack: noted.append(stack.id))
    monkeypatch.setattr(compare, "ensure_bootstrapped", lambda _: None)
    monkeypatch.setattr(compare, "detect", lambda *_: ([], []))
    monkeypatch.setattr(drift, "TIMEOUT_MINUTES", 0)
    monkeypatch.setattr(deploy, "ensure_bootstrapped", lambda _: None)
    monkeypatch.setattr(deploy, "refuse_existing", lambda *_: None)
    monkeypatch.setattr(deploy, "show", lambda _, output: print(output))
    monkeypatch.setattr(destroy, "_retained", lambda *_: [])
    return noted


def test_the_table_has_every_status() -> None:
    assert {*STATUSES} == {*get_args(StackStatusType)}


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_runs_cdk_or_shows_the_next_command(
    tools: Tools,
    here: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    unprotected: list[str],
    status: StackStatusType,
) -> None:
    found = {"StackStatus": status, "EnableTerminationProtection": True}
    monkeypatch.setattr(Operation, "find", lambda *_: found)
    on_deploy, on_drift = STATUSES[status]
    on_destroy = WAIT if on_deploy == WAIT else RUNS
    expected = {"deploy": on_deploy, "drift": on_drift, "diff": RUNS, "destroy": on_destroy}
    for verb, sentence in expected.items():
        flags = ["--unprotect"] if verb == "destroy" else []
        done = tools(verb, "StorageStack", "--exclusively", *AWS, *flags, **here)
        assert done.status == (0 if sentence == RUNS else 1), done.output
        assert re.search(sentence.format(verb=verb), done.output) or sentence == RUNS
        assert sentence == RUNS or f"({Environment().stack_name('storage')}" in done.output
        if verb == "deploy":
            is_failed_creation = status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
            assert unprotected == (["StorageStack"] if is_failed_creation else [])


@pytest.mark.parametrize("flag", ["--force", "--no-rollback"])
def test_a_flag_with_which_cdk_fixes_a_status_is_passed_on(
    tools: Tools,
    here: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    unprotected: list[str],
    flag: str,
) -> None:
    monkeypatch.setattr(Operation, "find", lambda *_: {"StackStatus": "UPDATE_FAILED"})
    assert tools("deploy", "StorageStack", flag, *AWS, **here).status == 0
    assert unprotected == []
