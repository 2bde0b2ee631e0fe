"""The roles have exactly the permissions in these tables."""

from collections.abc import Callable, Iterable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from stacks.core.app import new_app
from stacks.identity.stack import IdentityStack
from tests.stacks import ENVIRONMENT, in_the_partition_aws, new_test_app

BUCKET = "arn:aws:s3:::bucket"
REPOSITORY = "arn:aws:ecr:eu-central-1:111122223333:repository/images"
TARGET = "eu-central-1:111122223333"

type Permission = tuple[str, str, str]


def allow(actions: Iterable[str], *resources: str) -> set[Permission]:
    return {("Allow", action, resource) for action in actions for resource in resources}


WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
FUNCTION_LOGS = f"arn:aws:logs:{TARGET}:log-group:/aws/lambda/acme-*-test"
TABLES = f"arn:aws:dynamodb:{TARGET}:table/acme-*-test"
SHARES_AND_BACKUPS = (
    "DeleteBackup",
    "DeleteResourcePolicy",
    "PutResourcePolicy",
    "UpdateContinuousBackups",
)
SHARED = {
    *allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"{BUCKET}/*"),
    *allow(["s3:ListBucket"], BUCKET),
    *allow(["dynamodb:*"], TABLES, f"{TABLES}/*"),
    ("Deny", "dynamodb:*", f"arn:aws:dynamodb:{TARGET}:table/*/index/*-test"),
    *(
        ("Deny", f"dynamodb:{action}", f"arn:aws:dynamodb:{TARGET}:table/*")
        for action in SHARES_AND_BACKUPS
    ),
}
LAMBDA = SHARED | {
    *allow(WRITE_LOGS, FUNCTION_LOGS, f"{FUNCTION_LOGS}:*"),
    ("Deny", "logs:*", f"arn:aws:logs:{TARGET}:log-group:/aws/lambda/*:log-stream:*-test"),
}
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
FARGATE = SHARED | {
    *allow(["ecr:GetAuthorizationToken"], "*"),
    *allow(PULL, REPOSITORY),
    *allow(WRITE_LOGS, f"arn:aws:logs:{TARGET}:log-group:/acme/test/*"),
}


def identity_stack(app: cdk.App) -> IdentityStack:
    return IdentityStack(app, ENVIRONMENT, data_bucket_arn=BUCKET, repository_arn=REPOSITORY)


@pytest.fixture(scope="module")
def template() -> Template:
    stack = identity_stack(new_test_app())
    return Template.from_json(in_the_partition_aws(Template.from_stack(stack).to_json()))


def as_list(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize(
    ("role", "table"), [("LambdaExecutionRole", LAMBDA), ("FargateTaskRole", FARGATE)]
)
def test_a_role_has_exactly_the_permissions_of_its_table(
    template: Template, role: str, table: set[Permission]
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
    assert {
        (statement["Effect"], action, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    } == table


def trust(template: Template, role: str) -> object:
    """The statements in a role's trust policy."""
    (found,) = (
        resource
        for key, resource in template.find_resources("AWS::IAM::Role").items()
        if key.startswith(role)
    )
    return found["Properties"]["AssumeRolePolicyDocument"]["Statement"]


def test_only_lambda_may_assume_the_execution_role(template: Template) -> None:
    assert trust(template, "LambdaExecutionRole") == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ]


def test_only_tasks_of_this_account_may_assume_the_task_role(template: Template) -> None:
    assert trust(template, "FargateTaskRole") == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "111122223333"},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{TARGET}:*"},
            },
        }
    ]


def test_the_stack_contains_only_two_roles_with_a_managed_policy_each(template: Template) -> None:
    types = sorted(resource["Type"] for resource in template.to_json()["Resources"].values())
    assert types == ["AWS::IAM::ManagedPolicy"] * 2 + ["AWS::IAM::Role"] * 2
    for role in template.find_resources("AWS::IAM::Role").values():
        boundary = role["Properties"].pop("PermissionsBoundary")
        assert boundary.endswith(":policy/execution/acme-boundary-test")
        assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Description", "Tags"}


# Only the other role's policy acknowledges the second finding.
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
    app = new_app()
    policy = identity_stack(app).node.find_child("LambdaExecutionRolePolicy")
    assert isinstance(policy, iam.ManagedPolicy)
    policy.add_statements(iam.PolicyStatement(actions=[action], resources=[resource]))
    with pytest.raises(RuntimeError, match=f"Acknowledge with .*{finding}"):
        app.synth()


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
