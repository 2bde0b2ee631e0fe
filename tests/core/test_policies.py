"""A recorded policy is deployed as it was reviewed, with the deployment's partition and account."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from stacks.core.policies import recorded_policy
from stacks.core.rights import Statement
from tests.stacks import new_test_app

ROLES = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/acme-*"
STATEMENTS = [
    Statement(
        Effect="Allow",
        Action=["iam:PassRole"],
        Resource=[ROLES],
        Condition={"StringEquals": {"iam:PassedToService": ["ecs.amazonaws.com"]}},
    ),
    Statement(Effect="Allow", Action=["dynamodb:*"], Resource=["*"]),
]


def deployed(stack: cdk.Stack) -> dict[str, object]:
    """The properties of the stack's managed policy."""
    found = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")
    (policy,) = found.values()
    properties: dict[str, object] = policy["Properties"]
    return properties


def test_the_statements_are_deployed_in_their_order_and_with_their_conditions() -> None:
    stack = cdk.Stack(new_test_app(), "One")
    recorded_policy(stack, "Policy", STATEMENTS, description="One", name="path/one")
    assert deployed(stack) == {
        "Description": "One",
        "ManagedPolicyName": "one",
        "Path": "/path/",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{**STATEMENTS[0], "Resource": [{"Fn::Sub": ROLES}]}, STATEMENTS[1]],
        },
    }


def test_a_policy_without_a_name_is_attached_to_roles() -> None:
    stack = cdk.Stack(new_test_app(), "One")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    recorded_policy(stack, "Policy", STATEMENTS[:1], description="One", roles=[role])
    properties = deployed(stack)
    assert properties["Roles"] == [stack.resolve(role.role_name)]
    assert properties.keys() == {"Description", "PolicyDocument", "Roles"}
