"""The principals that may assume the two roles, and the roles that the two roles may assume."""

import json
from collections.abc import Callable

import pytest
from aws_cdk.assertions import Match, Template

from stacks.delivery.repository import GitHubRepository
from stacks.delivery.stack import DeliveryStack
from tests.support import ENVIRONMENT, new_test_app

REPOSITORY = GitHubRepository("acme", 12, "ops", 345)
PROVIDER = "oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def stack() -> DeliveryStack:
    return DeliveryStack(new_test_app(), ENVIRONMENT, repository=REPOSITORY)


@pytest.fixture(scope="module")
def template(stack: DeliveryStack) -> Template:
    return Template.from_stack(stack)


def trusts(template: Template) -> list[dict[str, object]]:
    roles = template.find_resources("AWS::IAM::Role").values()
    return [
        statement
        for role in roles
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    ]


def assumable(template: Template, role: str) -> set[str]:
    (policy,) = (
        each["Properties"]
        for key, each in template.find_resources("AWS::IAM::ManagedPolicy").items()
        if key.startswith(role)
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    resources = statement["Resource"]
    listed = resources if isinstance(resources, list) else [resources]
    return {"".join(map(str, each["Fn::Join"][1])) for each in listed}


def test_both_roles_trust_only_jobs_in_the_environment_of_the_repository(
    template: Template,
) -> None:
    (provider,) = template.find_resources("AWS::IAM::OIDCProvider")
    assert trusts(template) == 2 * [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": {"Ref": provider}},
            "Condition": {
                "StringEquals": {
                    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                    "token.actions.githubusercontent.com:sub": [
                        "repo:acme@12/ops@345:environment:dev"
                    ],
                }
            },
        }
    ]


def test_the_deploy_role_assumes_four_roles_of_the_bootstrap_and_nothing_else(
    template: Template,
) -> None:
    account, region = ENVIRONMENT.account, ENVIRONMENT.region
    roles = f"arn:{{'Ref': 'AWS::Partition'}}:iam::{account}:role/cdk-hnb659fds"
    assert assumable(template, "DeployRole") == {
        f"{roles}-{kind}-role-{account}-{region}"
        for kind in ("deploy", "file-publishing", "image-publishing", "lookup")
    }
    template.has_resource_properties(
        "AWS::IAM::Role",
        {"Description": "Deploys from GitHub Actions", "ManagedPolicyArns": Match.absent()},
    )


def test_the_drift_role_reads_and_assumes_the_lookup_role(template: Template) -> None:
    (role,) = assumable(template, "DriftRole")
    assert "-lookup-role-" in role
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "Description": "Detects drift from GitHub Actions",
            "ManagedPolicyArns": [Match.object_like({"Fn::Join": Match.any_value()})],
        },
    )


def test_the_role_names_contain_the_bootstrap_qualifier() -> None:
    app = new_test_app()
    app.node.set_context("@aws-cdk/core:bootstrapQualifier", "acme1")
    stack = DeliveryStack(app, ENVIRONMENT, repository=REPOSITORY)
    roles = assumable(Template.from_stack(stack), "DeployRole")
    assert all(":role/cdk-acme1-" in role for role in roles)


def test_an_existing_provider_is_used() -> None:
    stack = DeliveryStack(new_test_app(), ENVIRONMENT, repository=REPOSITORY, create_provider=False)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::OIDCProvider", 0)
    for trust in trusts(template):
        assert f"::{ENVIRONMENT.account}:{PROVIDER}" in json.dumps(trust)


def test_each_github_environment_of_the_account_is_trusted() -> None:
    stack = DeliveryStack(
        new_test_app(),
        ENVIRONMENT,
        repository=REPOSITORY,
        github_environments=("dev", "prod"),
    )
    template = Template.from_stack(stack)
    for trust in trusts(template):
        assert "ops@345:environment:prod" in json.dumps(trust)


def test_the_stack_is_protected(stack: DeliveryStack) -> None:
    assert stack.termination_protection


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
