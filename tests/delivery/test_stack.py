"""The jobs that may assume the two roles, and the bootstrap roles that DeployRole may assume."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from stacks.core.environment import InvalidEnvironmentError
from stacks.core.rights import Rights, Statement
from stacks.delivery.drift import ACCOUNT, DETECT
from stacks.delivery.repository import GitHubRepository
from stacks.delivery.stack import DeliveryStack
from tests.stacks import ENVIRONMENT, in_the_partition_aws, new_test_app
from tools.cdk_cli.assembly import read_stacks

REPOSITORY = GitHubRepository("acme", 12, "ops", 345)
READS = Statement(Effect="Allow", Action=["s3:GetBucketPolicy"], Resource=["arn:aws:s3:::acme-*"])


def rights(*environments: str) -> dict[str, Rights]:
    """The recorded rights of environments."""
    recorded = Rights(boundary=[], drift=[[READS]], execution=[])
    return dict.fromkeys(environments, recorded)


PROVIDER = "oidc-provider/token.actions.githubusercontent.com"


def trusts(template: Template) -> list[dict[str, object]]:
    """The statements in the trust policies of all roles."""
    return [
        statement
        for role in template.find_resources("AWS::IAM::Role").values()
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    ]


def test_both_roles_trust_only_jobs_in_the_github_environments_of_the_account() -> None:
    stack = DeliveryStack(
        new_test_app(), ENVIRONMENT, repository=REPOSITORY, rights=rights("dev", "prod")
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


def bootstrap_roles(regions: Sequence[str]) -> set[str]:
    """The roles that a deploy to the regions assumes, without the start of their ARN."""
    account = ENVIRONMENT.account
    return {
        f":iam::{account}:role/cdk-hnb659fds-{kind}-role-{account}-{region}"
        for kind in ("deploy", "file-publishing", "image-publishing", "lookup")
        for region in regions
    }


# The stack is in eu-central-1.
@pytest.mark.parametrize(
    ("given", "expected"),
    [([], ["eu-central-1"]), (["eu-west-1", "us-east-1"], ["eu-west-1", "us-east-1"])],
)
def test_the_deploy_role_assumes_bootstrap_roles_of_its_regions_and_nothing_else(
    given: Sequence[str], expected: Sequence[str]
) -> None:
    stack = DeliveryStack(
        new_test_app(), ENVIRONMENT, repository=REPOSITORY, rights=rights("dev"), regions=given
    )
    policies = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")
    (policy,) = [policies[key] for key in policies if key.startswith("DeployRole")]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert {arn["Fn::Join"][1][-1] for arn in statement["Resource"]} == bootstrap_roles(expected)


@pytest.mark.parametrize("region", ["", "*", "us-east-*", "eu-central", "eu-central-1 "])
def test_a_region_that_would_match_other_roles_is_refused(region: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"^region '{re.escape(region)}': "):
        DeliveryStack(
            new_test_app(),
            ENVIRONMENT,
            repository=REPOSITORY,
            rights=rights("dev"),
            regions=[region],
        )


def test_the_policies_fit_into_iam_for_the_longest_names_and_several_environments() -> None:
    repository = GitHubRepository("o" * 39, 10**11, "n" * 100, 10**11, sends_names_only=True)
    stack = DeliveryStack(
        new_test_app(),
        replace(ENVIRONMENT, project="p" * 50),
        repository=repository,
        rights=rights("dev", "test", "staging", "prod"),
        regions=("us-east-1", "us-west-2", "eu-central-1", "ap-southeast-1"),
    )
    template = Template.from_json(in_the_partition_aws(Template.from_stack(stack).to_json()))
    for policy in template.find_resources("AWS::IAM::ManagedPolicy").values():
        assert length(policy["Properties"]["PolicyDocument"]) < 6144
    for role in template.find_resources("AWS::IAM::Role").values():
        assert length(role["Properties"]["AssumeRolePolicyDocument"]) < 2048


def test_the_drift_role_has_the_recorded_rights_and_detects_drift() -> None:
    stack = DeliveryStack(
        new_test_app(), ENVIRONMENT, repository=REPOSITORY, rights=rights("dev", "prod")
    )
    template = Template.from_stack(stack)
    (role,) = [key for key in template.find_resources("AWS::IAM::Role") if "Drift" in key]
    policies = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in template.find_resources("AWS::IAM::ManagedPolicy").values()
        if each["Properties"]["Roles"] == [{"Ref": role}]
    ]
    assert policies == [[DETECT, ACCOUNT], [READS], [READS]]
    assert all(action.startswith("cloudformation:") for action in DETECT["Action"])
    assert all(action.startswith(("iam:Get", "iam:List")) for action in ACCOUNT["Action"])
    assert not any("Create" in action or "Execute" in action for action in DETECT["Action"])


def test_the_roles_have_no_boundary_and_a_person_deploys_them_without_a_bootstrap() -> None:
    app = new_test_app()
    DeliveryStack(app, ENVIRONMENT, repository=REPOSITORY, rights=rights("dev"))
    (stack,) = read_stacks(Path(app.synth().directory))
    assert (stack.deploy_role, stack.execution_role, stack.version_parameter) == (None, None, None)
    template = (Path(app.synth().directory) / stack.template).read_text()
    assert "PermissionsBoundary" not in template


def length(policy: object) -> int:
    """The characters that IAM counts (IAM user guide, "IAM and AWS STS quotas")."""
    return len(json.dumps(policy, separators=(",", ":")))


def test_an_existing_provider_and_the_bootstrap_qualifier_are_used() -> None:
    app = new_test_app()
    app.node.set_context("@aws-cdk/core:bootstrapQualifier", "acme1")
    stack = DeliveryStack(
        app, ENVIRONMENT, repository=REPOSITORY, rights=rights("dev"), create_provider=False
    )
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::OIDCProvider", 0)
    for trust in trusts(template):
        assert f"::{ENVIRONMENT.account}:{PROVIDER}" in json.dumps(trust)
    policies = json.dumps(template.find_resources("AWS::IAM::ManagedPolicy"))
    assert policies.count(":role/") == policies.count(":role/cdk-acme1-") == 4


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
