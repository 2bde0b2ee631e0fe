"""The destructive changes that the guard finds when the identity stack changes."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.identity.stack import IdentityStack
from tests.support import ENVIRONMENT, Alteration, GuardCase, check_guard, new_test_app, override

BUCKET = "arn:aws:s3:::data"
LAMBDA, FARGATE = "LambdaExecutionRole", "FargateTaskRole"


def statement(**properties: object) -> Alteration:
    """Change the first statement of the Lambda role's policy, which allows access to objects."""
    first = {f"PolicyDocument__Statement__0__{name}": value for name, value in properties.items()}
    return override(f"{LAMBDA}Policy", **first)


def new_role(principal: iam.IPrincipal) -> Alteration:
    """Add a third role with all permissions on queues."""

    def alter(stack: cdk.Stack) -> None:
        policy = iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")
        role = iam.Role(stack, "New", assumed_by=principal, managed_policies=[policy])
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:*"], resources=["*"]))

    return alter


CASES: dict[str, GuardCase] = {
    "add actions": (statement(Action=["s3:*"]), f"{LAMBDA}Policy"),
    "widen a resource": (statement(Resource="*"), f"{LAMBDA}Policy"),
    "trust another service": (
        override(
            LAMBDA,
            AssumeRolePolicyDocument__Statement__0__Principal__Service="states.amazonaws.com",
        ),
        LAMBDA,
    ),
    "drop the condition of the trust": (
        override(FARGATE, AssumeRolePolicyDocument__Statement__0__Condition=None),
        FARGATE,
    ),
    "attach a managed policy": (override(LAMBDA, ManagedPolicyArns=["arn:a"]), LAMBDA),
    "let another account assume a new role": (
        new_role(iam.AccountPrincipal("444455556666")),
        "New",
    ),
    "add a role for a service": (new_role(iam.ServicePrincipal("states.amazonaws.com")),),
    "remove an action": (statement(Action=["s3:GetObject"]),),
    "narrow a resource": (statement(Resource=f"{BUCKET}/raw/*"),),
}


def stack() -> IdentityStack:
    return IdentityStack(
        new_test_app(),
        ENVIRONMENT,
        data_bucket_arn=BUCKET,
        repository_arn="arn:aws:ecr:::images",
    )


def test_guard_finds_destructive_changes() -> None:
    check_guard(stack, CASES)
