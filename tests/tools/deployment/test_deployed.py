"""What CloudFormation returns about deployed stacks; end_to_end/ has the rest."""

from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.tools.deployment.conftest import ACCOUNT, DATA, ROLES, refused
from tools.cdk_cli.assembly import StackArtifact
from tools.deployment.deployed import DeployedStacks, UnreadableError
from tools.deployment.target import Target

TARGET = Target("aws", ACCOUNT, f"arn:aws-cn:iam::{ACCOUNT}:root")


def deployed(monkeypatch: pytest.MonkeyPatch, **answers: Mock) -> DeployedStacks:
    """The stacks of an account whose client gives `answers`."""
    monkeypatch.setattr(DeployedStacks, "client", lambda *_: Mock(**answers))
    return DeployedStacks(TARGET)


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("Resources: {A: {Type: B}}", {"Resources": {"A": {"Type": "B"}}}),
        ("Resources: {A: {Type: B}, A: {Type: B}}", None),
    ],
)
def test_a_deployed_template_may_be_yaml(
    monkeypatch: pytest.MonkeyPatch, body: str, template: object
) -> None:
    get_template = Mock(return_value={"TemplateBody": body})
    assert deployed(monkeypatch, get_template=get_template).template(DATA) == template


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDenied", UnreadableError), ("Throttling", ClientError)]
)
def test_a_refused_request_does_not_mean_that_nothing_imports(
    monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception]
) -> None:
    pages = Mock(side_effect=refused(code))
    stacks = deployed(monkeypatch, get_paginator=Mock(return_value=Mock(paginate=pages)))
    with pytest.raises(error, match=code):
        stacks.importers(DATA, "any")


def test_a_resource_that_a_failed_stack_retained_is_not_in_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = ("CREATE_COMPLETE", "DELETE_SKIPPED", "DELETE_COMPLETE", "DELETE_FAILED")
    page = {"StackResourceSummaries": [{"ResourceStatus": state} for state in states]}
    paginator = Mock(paginate=Mock(return_value=[page]))
    found = deployed(monkeypatch, get_paginator=Mock(return_value=paginator)).resources(DATA)
    assert [each["ResourceStatus"] for each in found] == ["CREATE_COMPLETE", "DELETE_FAILED"]


@pytest.mark.parametrize(
    ("stack", "assumed", "acts"),
    [
        (
            DATA,
            f"arn:aws-cn:iam::{ACCOUNT}:role/cdk-acme-deploy-role",
            {"RoleARN": f"arn:aws-cn:iam::{ACCOUNT}:role/cdk-acme-cfn-exec-role"},
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
