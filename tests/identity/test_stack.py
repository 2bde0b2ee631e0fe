"""The roles may do what the permission table says, and nothing else."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.identity import exports
from stacks.identity.stack import IdentityStack

BUCKET = "arn:aws:s3:::bucket"
REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/images"
HERE = "us-east-1:111122223333"

SHARED = {
    ("s3:GetObject", f"{BUCKET}/*"),
    ("s3:PutObject", f"{BUCKET}/*"),
    ("dynamodb:*", f"arn:aws:dynamodb:{HERE}:table/wealth-ops-*"),
}
LAMBDA = SHARED | {
    ("logs:CreateLogStream", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/wealth-ops-*"),
    ("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/wealth-ops-*"),
}
FARGATE = SHARED | {
    ("ecr:GetAuthorizationToken", "*"),
    ("ecr:BatchCheckLayerAvailability", REPOSITORY),
    ("ecr:BatchGetImage", REPOSITORY),
    ("ecr:GetDownloadUrlForLayer", REPOSITORY),
    ("logs:CreateLogStream", f"arn:aws:logs:{HERE}:log-group:/wealth-ops/*"),
    ("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/wealth-ops/*"),
}


def identity_stack() -> IdentityStack:
    return IdentityStack(
        new_app(),
        Environment(account="111122223333"),
        data_bucket_arn=BUCKET,
        repository_arn=REPOSITORY,
    )


@pytest.fixture(scope="module")
def template() -> Template:
    text = json.dumps(Template.from_stack(identity_stack()).to_json())
    return Template.from_json(json.loads(text, object_hook=in_the_partition_aws))


def in_the_partition_aws(value: dict[str, Any]) -> object:
    """A value of the template, as CloudFormation resolves it where the partition is `aws`."""
    match value:
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Fn::Join": ["", [*parts]]} if all(isinstance(part, str) for part in parts):
            return "".join(parts)
    return value


def as_list(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize(
    ("role", "table"), [("LambdaExecutionRole", LAMBDA), ("FargateTaskRole", FARGATE)]
)
def test_a_role_may_do_exactly_its_table(
    template: Template, role: str, table: set[tuple[str, str]]
) -> None:
    policies = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for resource in template.find_resources("AWS::IAM::ManagedPolicy").values()
        if [reference["Ref"][: len(role)] for reference in resource["Properties"]["Roles"]]
        == [role]
    ]
    (statements,) = policies
    for statement in statements:
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
    assert {
        (action, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    } == table


def trust(template: Template, role: str) -> object:
    """Who may assume a role: the statements of its trust policy."""
    (found,) = (
        resource
        for key, resource in template.find_resources("AWS::IAM::Role").items()
        if key.startswith(role)
    )
    return found["Properties"]["AssumeRolePolicyDocument"]["Statement"]


def test_only_lambda_assumes_the_execution_role(template: Template) -> None:
    assert trust(template, "LambdaExecutionRole") == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ]


def test_only_tasks_of_this_account_assume_the_task_role(template: Template) -> None:
    assert trust(template, "FargateTaskRole") == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "111122223333"},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{HERE}:*"},
            },
        }
    ]


def test_it_holds_two_roles_with_a_managed_policy_each_and_nothing_else(template: Template) -> None:
    kinds = sorted(resource["Type"] for resource in template.to_json()["Resources"].values())
    assert kinds == ["AWS::IAM::ManagedPolicy"] * 2 + ["AWS::IAM::Role"] * 2
    for role in template.find_resources("AWS::IAM::Role").values():
        assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Description", "Tags"}


def test_the_stack_is_named_and_described_and_its_roles_are_tagged(template: Template) -> None:
    assert identity_stack().stack_name == "wealth-ops-identity-dev"
    assert template.to_json()["Description"] == (
        "Wealth-Ops roles for Lambda functions and Fargate tasks"
    )
    for role in template.find_resources("AWS::IAM::Role").values():
        assert role["Properties"]["Tags"] == [
            {"Key": "Environment", "Value": "dev"},
            {"Key": "ManagedBy", "Value": "aws-cdk"},
            {"Key": "Project", "Value": "wealth-ops"},
            {"Key": "Stack", "Value": "identity"},
        ]


# The second one is accepted, but for the other role: what is accepted for one holds for that one.
@pytest.mark.usefixtures("cdk_nag")
@pytest.mark.parametrize(
    ("action", "resource", "finding"),
    [
        ("s3:*", BUCKET, r"IAM5\[Action::s3:\*\]"),
        ("ecr:GetAuthorizationToken", "*", r"IAM5\[Resource::\*\]"),
    ],
)
def test_a_new_wildcard_without_a_reason_fails_the_synthesis(
    action: str, resource: str, finding: str
) -> None:
    stack = identity_stack()
    policy = stack.node.find_child("LambdaExecutionRolePolicy")
    assert isinstance(policy, iam.ManagedPolicy)
    policy.add_statements(iam.PolicyStatement(actions=[action], resources=[resource]))
    with pytest.raises(RuntimeError, match=f"Acknowledge with .*{finding}"):
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # it has an app: new_app made it


def test_it_publishes_what_it_declares_and_the_reviewed_file_promises(
    template: Template, check_exports: Callable[[Template, ModuleType], None]
) -> None:
    check_exports(template, exports)


def test_each_export_has_the_value_that_its_name_says(template: Template) -> None:
    for key, output in template.to_json()["Outputs"].items():
        role, attribute = output["Value"]["Fn::GetAtt"]
        assert role.startswith(key.removesuffix("Arn"))
        assert attribute == "Arn"
