"""What the guard stops, and what passes, when somebody changes what the roles may do."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.identity import stack as module
from stacks.identity.stack import Grant, IdentityStack
from tests.hazards import Case, Change, made_with, said_to, then

BUCKET = "arn:aws:s3:::data"
ANY_TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/*"
LAMBDA_ROLE = "LambdaExecutionRoleD5C26073"
FARGATE_ROLE = "FargateTaskRole44F4EBFF"
READ_ONLY = iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")


def stack() -> IdentityStack:
    return IdentityStack(
        new_app(), Environment(), data_bucket_arn=BUCKET, repository_arn="arn:aws:ecr:::images"
    )


def with_grant(sid: str, alter: Callable[[Grant], Grant]) -> Change:
    """The stack, if one row of the permission table were another."""

    def grant(*row: Any, **rest: Any) -> Grant:  # noqa: ANN401 (whatever a Grant takes)
        found = Grant(*row, **rest)
        return alter(found) if found.sid == sid else found

    def change(patch: pytest.MonkeyPatch) -> IdentityStack:
        patch.setattr(module, "Grant", grant)
        return stack()

    return change


def with_role(name: str, **arguments: object) -> Change:
    """The stack, if one of its roles is made with other arguments."""
    return made_with(stack, iam, "Role", name, arguments)


def with_new_role(**arguments: Any) -> Change:  # noqa: ANN401 (whatever a role takes)
    """The stack with a third role, that may do anything to queues."""

    def add(changed: IdentityStack) -> None:
        statement = iam.PolicyStatement(actions=["sqs:*"], resources=["*"])
        iam.Role(changed, "New", **arguments).add_to_policy(statement)

    return then(stack, add)


CASES = {
    "add s3:*": Case(
        with_grant("Objects", lambda grant: grant._replace(actions=["s3:*"])),
        *(f"AWS:${{{role}}} may s3:* on {BUCKET}/*" for role in (LAMBDA_ROLE, FARGATE_ROLE)),
    ),
    "widen a resource": Case(
        with_grant("Tables", lambda grant: grant._replace(resource=ANY_TABLE)),
        *(f"AWS:${{{role}}} may dynamodb:* on {ANY_TABLE}" for role in (LAMBDA_ROLE, FARGATE_ROLE)),
    ),
    "add a principal": Case(
        with_role(
            "LambdaExecutionRole",
            assumed_by=iam.CompositePrincipal(
                iam.ServicePrincipal("lambda.amazonaws.com"),
                iam.ServicePrincipal("states.amazonaws.com"),
            ),
        ),
        f"Service:states.amazonaws.com may sts:AssumeRole on ${{{LAMBDA_ROLE}.Arn}}",
    ),
    "drop a condition": Case(
        with_role("FargateTaskRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")),
        f"Service:ecs-tasks.amazonaws.com may sts:AssumeRole on ${{{FARGATE_ROLE}.Arn}}",
    ),
    "attach a policy of AWS": Case(
        with_role("LambdaExecutionRole", managed_policies=[READ_ONLY]),
        f"${{{LAMBDA_ROLE}}} gets the managed policy "
        "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess",
    ),
    "let another account assume a new role": Case(
        with_new_role(assumed_by=iam.AccountPrincipal("111122223333")),
        "AWS:arn:aws:iam::111122223333:root may sts:AssumeRole on ${New8A81B073.Arn}",
    ),
    "add a role that a service assumes": Case(
        with_new_role(
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"), managed_policies=[READ_ONLY]
        )
    ),
    "take an action away": Case(
        with_grant("Objects", lambda grant: grant._replace(actions=["s3:GetObject"]))
    ),
    "leave a part of a wildcard": Case(
        with_grant("Tables", lambda grant: grant._replace(actions=["dynamodb:Get*"]))
    ),
    "narrow a resource": Case(
        with_grant("Objects", lambda grant: grant._replace(resource=f"{BUCKET}/raw/*"))
    ),
}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    return said_to(CASES, stack())


@pytest.mark.parametrize("name", CASES)
def test_what_the_guard_says_to(name: str, said: dict[str, list[str]]) -> None:
    assert said[name] == CASES[name].said
