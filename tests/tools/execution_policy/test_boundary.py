"""The most that roles may do follows from their policies and from the environment's names."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from stacks.core.templates import Template, at, items, read_templates
from stacks.identity.stack import IdentityStack
from tests.stacks import ENVIRONMENT, new_test_app
from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    REGION,
    ROLE,
    Compute,
    Simulator,
    allow,
    role,
)
from tools.errors import UserError
from tools.execution_policy import policy
from tools.execution_policy.policy import rights

HERE = f"{REGION}:{ACCOUNT}"
TABLE = f"arn:aws:dynamodb:{HERE}:table"
TASKS = "ecs-tasks.amazonaws.com"
PARAMETER = {
    "Fn::Join": [
        "",
        [
            "arn:",
            {"Ref": "AWS::Partition"},
            f":ssm:{REGION}:",
            {"Ref": "AWS::AccountId"},
            ":parameter/",
            {"Ref": "Limit"},
        ],
    ]
}


def boundary(compute: Compute, *statements: object) -> Simulator:
    return Simulator(compute({"Role": role(*statements)})["boundary"])


def test_a_role_may_use_its_services_on_the_resources_of_the_environment(compute: Compute) -> None:
    found = boundary(compute, allow("dynamodb:GetItem", f"{TABLE}/acme-*-test"))
    assert found.allows("dynamodb:PutItem", f"{TABLE}/acme-prices-test")
    assert found.allows("dynamodb:Query", f"{TABLE}/acme-prices-test/index/day")
    assert not found.allows("dynamodb:GetItem", f"{TABLE}/acme-prices-prod")
    assert not found.allows("dynamodb:GetItem", f"{TABLE}/other-prices-test")
    assert not found.allows("s3:GetObject", "arn:aws:s3:::acme-data-test/a")


@pytest.mark.parametrize(
    ("granted", "action", "own"),
    [
        ("sqs:SendMessage", "sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:acme-jobs-test"),
        ("SNS:Publish", "sns:Subscribe", f"arn:aws:sns:{HERE}:acme-jobs-test"),
        ("s3:GetObject", "s3:PutObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet"),
        (
            "logs:PutLogEvents",
            "logs:PutLogEvents",
            f"arn:aws:logs:{HERE}:log-group:/aws/lambda/acme-ingest-test:log-stream:1",
        ),
    ],
)
def test_each_service_has_arns_of_its_own_form(
    compute: Compute, granted: str, action: str, own: str
) -> None:
    found = boundary(compute, allow(granted, {"Fn::GetAtt": ["Any", "Arn"]}))
    assert found.allows(action, own)
    assert not found.allows(action, own.replace("acme", "not-acme"))


@pytest.mark.parametrize(
    ("granted", "resource", "allowed", "other"),
    [
        ("xray:PutTraceSegments", "*", "*", "xray:GetTraceSummaries"),
        ("ssm:GetParameter", PARAMETER, f"arn:aws:ssm:{HERE}:parameter/x", "ssm:PutParameter"),
        (
            "ssm:GetParameter",
            f"arn:aws:ssm:{HERE}:parameter/x",
            f"arn:aws:ssm:{HERE}:parameter/x",
            "ssm:PutParameter",
        ),
        (
            "ec2:RevokeSecurityGroupIngress",
            {"Fn::GetAtt": ["Group", "GroupId"]},
            f"arn:aws:ec2:{HERE}:security-group/sg-1",
            "ec2:RunInstances",
        ),
    ],
)
def test_other_resources_are_allowed_exactly_as_the_templates_grant_them(
    compute: Compute, granted: str, resource: object, allowed: str, other: str
) -> None:
    found = boundary(compute, allow(granted, resource))
    assert found.allows(granted, allowed)
    assert not found.allows(other, allowed)


def test_any_account_and_partition_may_deploy_what_a_policy_spells_out(compute: Compute) -> None:
    granted = allow("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/x")
    recorded = json.dumps(compute({"Role": role(granted)}))
    assert f"arn:${{AWS::Partition}}:ssm:{REGION}:${{AWS::AccountId}}:parameter/x" in recorded


def test_no_role_gets_more_identities_or_every_action(compute: Compute) -> None:
    granted = [
        allow(["iam:CreateUser", "sts:AssumeRole", "organizations:LeaveOrganization"], "*"),
        allow(["IAM:CreateUser", "Sts:AssumeRole", "st?:AssumeRole"], "*"),
        allow("*", "*"),
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ]
    (statement,) = compute({"Role": role(*granted)})["boundary"]
    assert statement["Action"] == ["sts:GetCallerIdentity"]  # IAM needs a statement


def test_a_role_may_pass_roles_of_the_environment_to_services_that_take_one(
    compute: Compute,
) -> None:
    passing = allow("iam:PassRole", f"{ROLE}/acme-identity-test-Task-1")
    found = Simulator(compute({"Role": role(passing, service=TASKS)})["boundary"])
    assert found.allows("iam:PassRole", f"{ROLE}/acme-data-test-Role-Ab12", PassedToService=TASKS)
    assert not found.allows("iam:PassRole", f"{ROLE}/admin", PassedToService=TASKS)
    document = {"PolicyDocument": {"Statement": [passing]}}
    untrusted = compute({"Policy": {"Type": "AWS::IAM::Policy", "Properties": document}})
    assert "iam:PassRole" not in json.dumps(untrusted)


@pytest.mark.parametrize("kind", ["Policy", "ManagedPolicy", "RolePolicy"])
def test_policies_beside_the_role_count_too(compute: Compute, kind: str) -> None:
    properties = {"PolicyDocument": {"Statement": [allow("xray:PutTraceSegments", "*")]}}
    found = compute({"Policy": {"Type": f"AWS::IAM::{kind}", "Properties": properties}})
    assert Simulator(found["boundary"]).allows("xray:PutTraceSegments")


def test_a_boundary_that_iam_would_refuse_is_an_error(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "POLICY_SIZE", 100)
    with pytest.raises(
        UserError, match=r"boundary of the roles in test has \d+ characters; IAM allows 100\."
    ):
        boundary(compute, allow("xray:PutTraceSegments", "*"))


def test_every_permission_of_the_identity_stack_is_within_the_boundary() -> None:
    app = new_test_app()
    IdentityStack(
        app,
        ENVIRONMENT,
        data_bucket_arn="arn:aws:s3:::acme-data-test",
        repository_arn=f"arn:aws:ecr:{HERE}:repository/acme-ecr-test",
    )
    assembly = Path(app.synth().directory)
    found = rights(assembly)
    assert found is not None
    simulator = Simulator(found["boundary"])
    requests = [*granted(*read_templates(assembly))]
    assert ("dynamodb:PutItem", f"{TABLE}/acme-any-test") in requests
    assert [request for request in requests if not simulator.allows(*request)] == []


def granted(template: Template) -> Iterator[tuple[str, str]]:
    """A request for each permission that a template's policies grant."""
    for resource in template.resources.values():
        for statement in items(at(resource.properties, "PolicyDocument", "Statement")):
            if at(statement, "Effect") != "Allow":
                continue
            actions, arns = at(statement, "Action"), at(statement, "Resource")
            for action, arn in product(items(actions) or [actions], items(arns) or [arns]):
                name = template.text(arn).replace("<AWS::Partition>", "aws")
                yield str(action).replace("*", "PutItem"), name.replace("*", "any")
