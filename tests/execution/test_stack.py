"""The policies for CloudFormation and for roles, as they are recorded."""

import json
from collections.abc import Callable
from pathlib import Path

from aws_cdk.assertions import Template

from stacks.core.rights import Rights, Statement
from stacks.execution.stack import ExecutionStack
from tests.stacks import ENVIRONMENT, new_test_app
from tools.cdk_cli.assembly import read_stacks

ARN = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
PASS = Statement(
    Effect="Allow",
    Action=["iam:PassRole"],
    Resource=[f"{ARN}:role/acme-*", "*"],
    Condition={"StringEquals": {"iam:PermissionsBoundary": f"{ARN}:policy/x", "aws:x": ["y"]}},
)
TABLES = Statement(Effect="Allow", Action=["dynamodb:*"], Resource=["*"])
RIGHTS = Rights(boundary=[TABLES], drift=[], execution=[[PASS], [TABLES]])


def test_each_environment_has_its_boundary_and_execution_policies() -> None:
    stack = ExecutionStack(new_test_app(), ENVIRONMENT, rights={"dev": RIGHTS, "prod": RIGHTS})
    assert stack.termination_protection
    template = Template.from_stack(stack).to_json()
    found = {
        f"{each['Properties']['Path']}{each['Properties']['ManagedPolicyName']}": each["Properties"]
        for each in template["Resources"].values()
    }
    assert found.keys() == {
        f"/execution/acme-{name}"
        for environment in ("dev", "prod")
        for name in (
            f"boundary-{environment}",
            f"execution-{environment}-1",
            f"execution-{environment}-2",
        )
    }
    assert all("Roles" not in policy for policy in found.values())
    (statement,) = found["/execution/acme-execution-dev-1"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["iam:PassRole"],
        "Resource": [{"Fn::Sub": f"{ARN}:role/acme-*"}, "*"],
        "Condition": {
            "StringEquals": {
                "iam:PermissionsBoundary": {"Fn::Sub": f"{ARN}:policy/x"},
                "aws:x": ["y"],
            }
        },
    }
    boundary = found["/execution/acme-boundary-prod"]["PolicyDocument"]["Statement"]
    assert boundary == json.loads(json.dumps([TABLES]))


def test_a_person_deploys_the_policies_without_a_bootstrap() -> None:
    app = new_test_app()
    ExecutionStack(app, ENVIRONMENT, rights={"dev": RIGHTS})
    (stack,) = read_stacks(Path(app.synth().directory))
    assert (stack.deploy_role, stack.execution_role, stack.version_parameter) == (None, None, None)


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
