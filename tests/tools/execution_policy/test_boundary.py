"""The most that a role may do follows the policies of all roles and the environment's names."""

import json
from pathlib import Path

import pytest

from stacks.core.rights import Rights
from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    REGION,
    Assembly,
    Simulator,
    allow,
    computed,
    role,
)
from tools.errors import UserError
from tools.execution_policy import policy
from tools.execution_policy.policy import rights, text

ROLE = f"arn:aws:iam::{ACCOUNT}:role"


def boundary_of(assembly: Path) -> Simulator:
    return Simulator(computed(assembly)["boundary"])


def test_a_role_may_use_its_services_on_the_resources_of_the_environment(
    assembly: Assembly,
) -> None:
    table_arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
    granted = allow("dynamodb:GetItem", f"{table_arn}/acme-*-test")
    found = boundary_of(assembly({"Role": role(granted)}))
    assert found.allows("dynamodb:PutItem", f"{table_arn}/acme-prices-test")
    assert found.allows("dynamodb:Query", f"{table_arn}/acme-prices-test/index/day")
    assert not found.allows("dynamodb:GetItem", f"{table_arn}/acme-prices-prod")
    assert not found.allows("dynamodb:GetItem", f"{table_arn}/other-prices-test")
    assert not found.allows("s3:GetObject", "arn:aws:s3:::acme-data-test/a")


def test_each_service_has_arns_of_its_own_form(assembly: Assembly) -> None:
    reference = {"Fn::GetAtt": ["Queue", "Arn"]}
    granted = allow(["sqs:SendMessage", "s3:GetObject", "logs:PutLogEvents"], reference)
    found = boundary_of(assembly({"Role": role(granted)}))
    here = f"{REGION}:{ACCOUNT}"
    assert found.allows("sqs:ReceiveMessage", f"arn:aws:sqs:{here}:acme-jobs-test")
    assert not found.allows("sqs:ReceiveMessage", f"arn:aws:sqs:{here}:not-acme-jobs-test")
    assert found.allows("s3:PutObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet")
    assert not found.allows("s3:PutObject", "arn:aws:s3:::other-data-test/raw/AAPL.parquet")
    group = f"arn:aws:logs:{here}:log-group:/aws/lambda/acme-ingest-test"
    assert found.allows("logs:PutLogEvents", f"{group}:log-stream:1")
    assert not found.allows("logs:PutLogEvents", group.replace("acme", "other"))


def test_a_partition_that_a_policy_spells_out_is_a_parameter(assembly: Assembly) -> None:
    granted = allow("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
    recorded = text(computed(assembly({"Role": role(granted)})))
    assert "arn:${AWS::Partition}:ssm:" in recorded
    assert "arn:aws:" not in recorded


def test_other_resources_are_allowed_exactly_as_the_templates_grant_them(
    assembly: Assembly,
) -> None:
    arn = {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":ssm:eu-central-1:",
                {"Ref": "AWS::AccountId"},
                ":parameter/",
                {"Ref": "Limit"},
            ],
        ]
    }
    group = {"Fn::GetAtt": ["Group", "GroupId"]}
    found = boundary_of(
        assembly(
            {
                "Role": role(
                    allow("xray:PutTraceSegments", "*"),
                    allow("ssm:GetParameter", arn),
                    allow("ec2:RevokeSecurityGroupIngress", group),
                )
            }
        )
    )
    assert found.allows("xray:PutTraceSegments")
    assert not found.allows("xray:GetTraceSummaries")
    assert found.allows("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
    assert not found.allows("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x")
    security_group = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
    assert found.allows("ec2:RevokeSecurityGroupIngress", security_group)
    assert not found.allows("ec2:RunInstances", security_group)


def test_no_role_gets_more_identities_or_every_action(assembly: Assembly) -> None:
    granted = [
        allow(["iam:CreateUser", "sts:AssumeRole", "organizations:LeaveOrganization"], "*"),
        allow("*", "*"),
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ]
    (statement,) = computed(assembly({"Role": role(*granted)}))["boundary"]
    assert statement["Action"] == ["sts:GetCallerIdentity"]  # IAM needs a statement


def test_a_role_may_pass_roles_of_the_environment(assembly: Assembly) -> None:
    passing = allow("iam:PassRole", f"{ROLE}/acme-identity-test-Task-1")
    found = boundary_of(assembly({"Role": role(passing, service="ecs-tasks.amazonaws.com")}))
    own, admin = f"{ROLE}/acme-data-test-Role-Ab12", f"{ROLE}/admin"
    assert found.allows("iam:PassRole", own, PassedToService="ecs-tasks.amazonaws.com")
    assert not found.allows("iam:PassRole", admin, PassedToService="ecs-tasks.amazonaws.com")


@pytest.mark.parametrize("kind", ["Policy", "ManagedPolicy", "RolePolicy"])
def test_policies_beside_the_role_count_too(assembly: Assembly, kind: str) -> None:
    document = {"Statement": [allow("xray:PutTraceSegments", "*")]}
    properties = {"PolicyName": "x", "PolicyDocument": document}
    resource = {"Type": f"AWS::IAM::{kind}", "Properties": properties}
    assert boundary_of(assembly({"Policy": resource})).allows("xray:PutTraceSegments")


def test_a_boundary_that_iam_would_refuse_is_an_error(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "POLICY_SIZE", 100)
    granted = role(allow("xray:PutTraceSegments", "*"))
    with pytest.raises(
        UserError, match=r"boundary of the roles in test has \d+ characters; IAM allows 100\."
    ):
        rights(assembly({"Role": granted}))


def test_every_permission_of_the_phases_roles_is_within_their_boundary(
    phases: Path, recorded: Rights
) -> None:
    boundary = Simulator(recorded["boundary"])
    denied = []
    for path in phases.glob("*.template.json"):
        for resource in json.loads(path.read_text())["Resources"].values():
            document = resource.get("Properties", {}).get("PolicyDocument", {})
            if resource["Type"] not in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
                continue
            for statement in document["Statement"]:
                actions = statement["Action"]
                arns = statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    for arn in arns if isinstance(arns, list) else [arns]:
                        resolved = concrete(arn)
                        if (
                            statement["Effect"] == "Allow"
                            and resolved
                            and not boundary.allows(action.replace("*", "PutItem"), resolved)
                        ):
                            denied.append((action, resolved))
    assert denied == []


def concrete(arn: object) -> str | None:
    """The ARN of one resource that matches; None for another resource's attribute."""
    match arn:
        case {"Fn::Join": [_, parts]}:
            values = {"AWS::Partition": "aws"}
            found = "".join(
                part if isinstance(part, str) else values.get(part.get("Ref", ""), "?")
                for part in parts
            )
            return None if "?" in found else found.replace("*", "x")
        case str():
            return arn if arn == "*" else arn.replace("*", "x")
    return None
