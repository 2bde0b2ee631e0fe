"""The principals that may assume the two roles, and the roles that the two roles may assume."""

import json
from collections.abc import Callable

from aws_cdk.assertions import Template

from stacks.delivery.repository import GitHubRepository
from stacks.delivery.stack import DeliveryStack
from tests.support import ENVIRONMENT, new_test_app

REPOSITORY = GitHubRepository("acme", 12, "ops", 345)
PROVIDER = "oidc-provider/token.actions.githubusercontent.com"


def trusts(template: Template) -> list[dict[str, object]]:
    """The statements of the trust policies of all roles."""
    return [
        statement
        for role in template.find_resources("AWS::IAM::Role").values()
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    ]


def test_both_roles_trust_only_jobs_in_the_github_environments_of_the_account() -> None:
    stack = DeliveryStack(
        new_test_app(), ENVIRONMENT, repository=REPOSITORY, github_environments=("dev", "prod")
    )
    assert stack.termination_protection
    template = Template.from_stack(stack)
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
                        "repo:acme@12/ops@345:environment:dev",
                        "repo:acme@12/ops@345:environment:prod",
                    ],
                }
            },
        }
    ]


def test_each_role_assumes_roles_of_the_bootstrap_and_nothing_else() -> None:
    template = Template.from_stack(
        DeliveryStack(new_test_app(), ENVIRONMENT, repository=REPOSITORY)
    )
    account, region = ENVIRONMENT.account, ENVIRONMENT.region
    allowed = {}
    for key, policy in template.find_resources("AWS::IAM::ManagedPolicy").items():
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole"
        listed = statement["Resource"]
        arns = listed if isinstance(listed, list) else [listed]
        allowed[key.partition("Role")[0]] = {arn["Fn::Join"][1][-1] for arn in arns}
    role = f":iam::{account}:role/cdk-hnb659fds-{{}}-role-{account}-{region}"
    kinds = ("deploy", "file-publishing", "image-publishing", "lookup")
    assert allowed == {
        "Deploy": {role.format(kind) for kind in kinds},
        "Drift": {role.format("lookup")},
    }


def test_an_existing_provider_and_the_bootstrap_qualifier_are_used() -> None:
    app = new_test_app()
    app.node.set_context("@aws-cdk/core:bootstrapQualifier", "acme1")
    stack = DeliveryStack(app, ENVIRONMENT, repository=REPOSITORY, create_provider=False)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::OIDCProvider", 0)
    for trust in trusts(template):
        assert f"::{ENVIRONMENT.account}:{PROVIDER}" in json.dumps(trust)
    policies = json.dumps(template.find_resources("AWS::IAM::ManagedPolicy"))
    # Four roles for deploys, and one for the detection of drift.
    assert policies.count(":role/") == policies.count(":role/cdk-acme1-") == 5


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
