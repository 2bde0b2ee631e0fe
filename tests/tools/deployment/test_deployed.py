"""How deployed stacks are read and deleted; end_to_end/ has the rest."""

from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.tools.deployment.conftest import ACCOUNT, DATA, ROLES, refused
from tools.cdk_cli.assembly import StackArtifact
from tools.deployment.deployed import DeployedStacks
from tools.deployment.target import Target

TARGET = Target("aws", ACCOUNT, f"arn:aws-cn:iam::{ACCOUNT}:root")


def paginated(monkeypatch: pytest.MonkeyPatch, pages: Mock) -> DeployedStacks:
    """The stacks of an account whose client returns `pages`."""
    client = Mock(get_paginator=Mock(return_value=Mock(paginate=pages)))
    monkeypatch.setattr(DeployedStacks, "client", lambda *_: client)
    return DeployedStacks(TARGET)


def test_a_refused_request_does_not_mean_that_nothing_imports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stacks = paginated(monkeypatch, Mock(side_effect=refused("AccessDenied")))
    assert stacks.importers(DATA, [{"OutputKey": "own"}]) == set()
    with pytest.raises(ClientError, match="AccessDenied"):
        stacks.importers(DATA, [{"ExportName": "any"}])


def test_a_resource_that_a_failed_stack_retained_is_not_in_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = ("CREATE_COMPLETE", "DELETE_SKIPPED", "DELETE_COMPLETE", "DELETE_FAILED")
    found = [{"ResourceStatus": state, "PhysicalResourceId": state.lower()} for state in states]
    page = {"StackResourceSummaries": found}
    resources = paginated(monkeypatch, Mock(return_value=[page])).resources(DATA)
    assert [each["PhysicalResourceId"] for each in resources] == [
        "create_complete",
        "delete_failed",
    ]


@pytest.mark.parametrize(
    ("stack", "assumed", "acts"),
    [
        (
            DATA,
            f"arn:aws-cn:iam::{ACCOUNT}:role/cdk-acme-deploy-role",
            {"RoleARN": f"arn:aws-cn:iam::{ACCOUNT}:role/cdk-cfn-exec-role-{ACCOUNT}"},
        ),
        (ROLES, None, {}),  # a person deploys it
    ],
)
def test_a_stack_is_deleted_by_the_deploy_role_which_passes_the_execution_role(
    monkeypatch: pytest.MonkeyPatch, stack: StackArtifact, assumed: str | None, acts: dict[str, str]
) -> None:
    # No other role may delete a stack or pass the execution role (the CDK's bootstrap template).
    client = boto3.client("cloudformation", "eu-central-1")
    assume = Mock(return_value=Mock(client=Mock(return_value=client)))
    monkeypatch.setattr("tools.deployment.deployed._assume", assume)
    monkeypatch.setattr(boto3, "Session", assume)
    with Stubber(client) as stub:
        stub.add_response("delete_stack", {}, {"StackName": stack.name, **acts})
        stub.add_client_error("describe_stacks", "ValidationError", "does not exist")
        DeployedStacks(TARGET).delete(stack)
    assert assume.call_args.args == ((assumed,) if assumed else ())
