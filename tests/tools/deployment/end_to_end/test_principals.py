"""Users with few permissions, and a bootstrap with other settings."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.accounts import entered
from tests.clouds import ACCOUNT, BOOTSTRAP, Project, Tools
from tools.cdk_cli import cdk
from tools.deployment.deployed import UnreadableError
from tools.deployment.options import Options
from tools.deployment.prepare import prepare
from tools.errors import UserError
from tools.local_cloud.client import LocalCloud
from tools.variables import replaced_variables

AWS = ("--to", "aws", "--yes")
Environment = dict[str, str]


@pytest.fixture
def user(cloud: LocalCloud, aws_account: Environment) -> Callable[..., Environment]:
    """A function that creates a user in the account, and returns the user's variables.

    The user may only assume the given roles.
    """

    def new(*roles: str) -> Environment:
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": [f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles],
        }
        with entered(cloud, account=ACCOUNT):
            iam = boto3.client("iam")
            name = f"user{len(iam.list_users()['Users'])}"
            iam.create_user(UserName=name)
            if roles:
                document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
                iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
            key = iam.create_access_key(UserName=name)["AccessKey"]
        return aws_account | {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    return new


def test_the_bootstrap_roles_are_enough_for_every_verb(
    tools: Tools, user: Callable[..., Environment], project: Project
) -> None:
    kinds = ("deploy", "file-publishing")
    without_lookup = user(*(f"cdk-hnb659fds-{kind}-role-{ACCOUNT}-*" for kind in kinds))
    done = tools("deploy", "StorageStack", *AWS, app=project.folder, **without_lookup)
    assert done.status == 0, done.output
    assert done.output.count("Not checked for stacks that the code does not have: ") == 1
    assert "Not checked whether us-east-1 is bootstrapped: " in done.output
    environment = user("cdk-*")
    # MiniStack does not check bucket policies for drift, so `drift` returns 1.
    verbs = {"diff": 0, "drift": 1, "destroy": 0}
    outputs = {}
    for verb, status in verbs.items():
        flags = ["--unprotect"] if verb == "destroy" else []
        done = tools(verb, "StorageStack", *AWS, *flags, app=project.folder, **environment)
        assert done.status == status, f"{verb}: {done.output}"
        assert "Not checked" not in done.output
        assert "not known" not in done.output
        outputs[verb] = done.output
    assert "Number of resources with drift: 0; not checked: 1" in outputs["drift"]


def test_a_denied_request_does_not_mean_a_missing_stack(
    tools: Tools, user: Callable[..., Environment], project: Project
) -> None:
    status, output = tools("destroy", "StorageStack", *AWS, app=project.folder, **user())
    assert status == 1
    name = project.stacks["StorageStack"].name
    assert f"Cannot read the stack {name}: " in output
    assert "AccessDenied" in output


@pytest.mark.parametrize("roles", [["cdk-*"], []])
def test_credentials_that_expire_during_an_operation_cause_an_error_message(
    user: Callable[..., Environment], project: Project, cloud: LocalCloud, roles: list[str]
) -> None:
    environment = user(*roles)

    def delete_the_key() -> None:
        options = Options("destroy", ["StorageStack"], to="aws", app=str(project.folder))
        with replaced_variables(os.environ | environment), prepare(options) as deployment:
            if not roles:  # The principal itself reads the stack.
                with pytest.raises(UnreadableError):
                    deployment.deployed.find(deployment.stacks[0])
            with entered(cloud, account=ACCOUNT):
                iam, key = boto3.client("iam"), environment["AWS_ACCESS_KEY_ID"]
                name = iam.get_access_key_last_used(AccessKeyId=key)["UserName"]
                iam.delete_access_key(AccessKeyId=key, UserName=name)
            deployment.deployed.find(deployment.stacks[0])

    with pytest.raises(UserError, match=r"InvalidClientTokenId.*Renew the credentials\."):
        delete_the_key()


def test_a_bootstrap_with_other_settings_is_used(
    tools: Tools,
    aws_account: Environment,
    project: Project,
    cloud: LocalCloud,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """The bootstrap has another qualifier, toolkit stack, template and permissions boundary."""
    for path in project.folder.glob("*.json"):
        path.write_text(path.read_text().replace("hnb659fds", "other"))
    refused = tools("deploy", "StorageStack", *AWS, app=project.folder, **aws_account)
    assert refused.status == 1
    assert "/cdk-bootstrap/other/version does not exist" in refused.output
    assert "\n  uv run nox -s bootstrap -- --to aws --environment " in refused.output
    toolkit = "--toolkit-stack-name=OtherToolkit"
    template = (cdk.CLI / "lib/api/bootstrap/bootstrap-template.yaml").read_text()
    (tmp_path / "own.yaml").write_text(template.replace("AWS CDK: Default Resources", "Own"))
    flags = (f"--template={tmp_path / 'own.yaml'}", "--custom-permissions-boundary=limit")
    done = tools("bootstrap", *BOOTSTRAP, toolkit, *flags, app=project.folder, **aws_account)
    assert done.status == 0, done.output
    request.getfixturevalue("commands")
    done = tools("deploy", "StorageStack", *AWS, app=project.folder, **aws_account)
    assert done.status == 0, done.output
    assert "Not checked" not in done.output  # the roles with the other qualifier read the stacks
    with entered(cloud, account=ACCOUNT):
        found = boto3.client("cloudformation").describe_stacks(StackName="OtherToolkit")
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in found["Stacks"][0]["Parameters"]}
    assert parameters["BootstrapVariant"] == "Own"
    # MiniStack ignores the role's permissions boundary.
    assert parameters["InputPermissionsBoundary"] == "limit"
