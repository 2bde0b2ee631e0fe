"""Breaking an IAM limit is a finding of the synthesis."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from stacks.core.base import DomainStack
from stacks.core.limits import check_limits, policy_size
from stacks.core.templates import Template, read_templates
from tests.stacks import ENVIRONMENT, new_test_app


@pytest.fixture
def stack() -> DomainStack:
    stack = DomainStack(new_test_app(), ENVIRONMENT, domain="prices", description="Prices")
    cdk.CfnWaitConditionHandle(stack, "Handle")  # a template must have a resource
    return stack


def synthesized(stack: cdk.Stack) -> Template:
    app = stack.node.root
    assert isinstance(app, cdk.App)
    (template,) = read_templates(Path(app.synth().directory))
    return template


def findings(stack: cdk.Stack) -> list[tuple[str, str]]:
    """Each finding's rule and fault."""
    return [(finding.rule, finding.fault) for finding in check_limits(synthesized(stack))]


def test_iam_counts_no_white_space_and_a_token_counts_as_64_characters(stack: DomainStack) -> None:
    template = synthesized(stack)
    partition, account, region = (
        {"Ref": f"AWS::{x}"} for x in ("Partition", "AccountId", "Region")
    )
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    sized: dict[str, object] = {
        '{"A":["a b","é"]}': {"A": ["a b", "é"]},
        '"arn:aws:sqs:eu-central-1:000000000000:x"': {
            "Fn::Join": ["", ["arn:", partition, ":sqs:", region, ":", account, ":x"]]
        },
        f'{{"A":"{64 * "x"}","Ref":"x"}}': {"A": queue, "Ref": "x"},
        f'"arn:aws:iam::000000000000:role/{64 * "x"}"': {
            "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Role}"
        },
        f'"{64 * "x"}/*"': {"Fn::Join": ["/", [{"Ref": "Queue"}, "*"]]},
    }
    for text, value in sized.items():
        assert policy_size(template, value) == len(text.replace(" ", ""))


def statement(characters: int) -> iam.PolicyStatement:
    """A statement that makes a policy of this size."""
    policy = (
        '{"Statement":[{"Action":"a:b","Effect":"Allow","Resource":""}],"Version":"2012-10-17"}'
    )
    resource = "r" * (characters - len(policy))
    return iam.PolicyStatement(actions=["a:b"], resources=[resource])


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (6144, None),
        (6145, "The policy has about 6145 characters; IAM allows 6144."),
    ],
)
def test_a_managed_policy_may_have_6144_characters(
    stack: DomainStack, size: int, fault: str | None
) -> None:
    iam.ManagedPolicy(stack, "Policy", statements=[statement(size)])
    assert findings(stack) == ([("ManagedPolicySize", fault)] if fault else [])


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (2048, None),
        (2049, "The trust policy has about 2049 characters; IAM allows 2048."),
    ],
)
def test_a_trust_policy_may_have_2048_characters(
    stack: DomainStack, size: int, fault: str | None
) -> None:
    policy = (
        '{"Statement":[{"Action":"sts:AssumeRole","Condition":{"StringEquals":{"a":""}},'
        '"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}'
    )
    condition = {"StringEquals": {"a": "v" * (size - len(policy))}}
    principal = iam.ServicePrincipal("lambda.amazonaws.com", conditions=condition)
    iam.Role(stack, "Role", assumed_by=principal)
    assert findings(stack) == ([("TrustPolicySize", fault)] if fault else [])


@pytest.mark.parametrize(
    ("name", "by_role", "by_policy", "count"),
    [
        (None, 6, 4, 10),
        (None, 11, 0, 11),
        (None, 5, 6, 11),
        ("acme-role-test", 6, 4, 10),
        ("acme-role-test", 5, 6, 11),
    ],
)
def test_a_role_may_have_10_managed_policies_from_both_sides(
    stack: DomainStack, name: str | None, by_role: int, by_policy: int, count: int
) -> None:
    role = iam.Role(
        stack, "Role", role_name=name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
    )
    role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess"))
    for number in range(by_role - 1):
        own = iam.ManagedPolicy(stack, f"Own{number}", statements=[statement(100)])
        role.add_managed_policy(own)
    # Policies name the role by its name or reference.
    roles = [name or role.role_name, "role-of-another-stack"]
    document = {"Version": "2012-10-17", "Statement": []}
    policies = [
        iam.CfnManagedPolicy(stack, f"Attached{number}", policy_document=document, roles=roles)
        for number in range(by_policy)
    ]
    # The role names the first policy, which names the role: the policy counts once.
    if policies:
        same = iam.ManagedPolicy.from_managed_policy_arn(stack, "Same", policies[0].ref)
        role.add_managed_policy(same)
    fault = f"{count} managed policies are attached to the role; IAM allows 10."
    assert findings(stack) == ([("ManagedPoliciesPerRole", fault)] if count > 10 else [])
