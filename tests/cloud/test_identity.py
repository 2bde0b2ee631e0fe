"""boto3 and the CDK CLI act as the same principal for each source of credentials."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT, Project, Tools, type_answer
from tools import cdk
from tools.console import UserError
from tools.credentials import replaced_environment
from tools.deployment.operation import operation
from tools.deployment.options import Options
from tools.local_cloud.client import LocalCloud

AWS = ("--to", "aws", "--yes")
# The role that the profile `mfa` assumes.
ROLE = "with-mfa"
Environment = dict[str, str]


def new_user(policy: dict[str, object] | None) -> tuple[str, str]:
    """The access key of a new user of boto3's account with one policy."""
    iam = boto3.client("iam")
    name = f"user{len(iam.list_users()['Users'])}"
    iam.create_user(UserName=name)
    if policy:
        document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.fixture
def user(
    cloud: LocalCloud, account: Environment
) -> Callable[[dict[str, object] | None], Environment]:
    """The variables of a new user of the account."""

    def new(policy: dict[str, object] | None) -> Environment:
        with cloud.entered(account=ACCOUNT):
            key, secret = new_user(policy)
        return account | {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    return new


@pytest.fixture
def profiles(cloud: LocalCloud, unbootstrapped: Environment, tmp_path: Path) -> Environment:
    """A configuration file whose profiles `work` and `mfa` lead to the bootstrapped account."""
    with cloud.entered(account=ACCOUNT):
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        iam = boto3.client("iam")
        if ROLE not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
            policy = "arn:aws:iam::aws:policy/AdministratorAccess"
            iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    file = tmp_path / "config"
    file.write_text(
        f"[profile work]\naws_access_key_id = {ACCOUNT}\naws_secret_access_key = any\n"
        f"endpoint_url = {cloud.url}\nca_bundle = {cloud.certificate}\nregion = us-east-1\n"
        f"[profile mfa]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/{ROLE}\nsource_profile = work\n"
        f"mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/phone\n"
        f"endpoint_url = {cloud.url}\nca_bundle = {cloud.certificate}\nregion = us-east-1\n"
    )
    return unbootstrapped | {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": "/none"}


@pytest.mark.parametrize(
    ("flags", "variables", "missing"),
    [
        # The keys of the environment belong to another account.
        (["--profile=work"], {"AWS_PROFILE": "none", "AWS_SESSION_TOKEN": "another"}, []),
        # The profile sets the endpoint and the certificate.
        (
            [],
            {"AWS_PROFILE": "work"},
            [
                *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                *("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
            ],
        ),
    ],
)
def test_boto3_and_the_cdk_cli_use_the_same_profile(
    tools: Tools,
    account: Environment,
    profiles: Environment,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    variables: Environment,
    missing: list[str],
) -> None:
    chosen = {key: value for key, value in (profiles | variables).items() if key not in missing}
    for key in missing:
        monkeypatch.delenv(key, raising=False)
    done = tools("deploy", "StorageStack", *AWS, *flags, app=project.folder, **chosen)
    assert done.status == 0, done.output
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root" in done.output
    with replaced_environment(os.environ | account):
        cloudformation = boto3.client("cloudformation")
        assert cloudformation.describe_stacks(StackName=project.stacks["StorageStack"].name)


def test_an_mfa_code_is_asked_for_once(project: Project, profiles: Environment) -> None:
    arguments = ("deploy", "StorageStack", "--profile=mfa", "--to=aws", "--yes")
    status, output = type_answer("123456", project.folder, *arguments, **profiles)
    assert status == 0, output
    assert output.count("Enter MFA code") == 1
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/" in output


ASSUMES: dict[str, object] = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Resource": f"arn:aws:iam::{ACCOUNT}:role/cdk-*",
}


def test_the_bootstrap_roles_are_enough_for_every_verb_but_drift(
    tools: Tools, user: Callable[[dict[str, object] | None], Environment], project: Project
) -> None:
    # `cdk drift` detects drift with the principal's own permissions.
    environment = user(ASSUMES)
    for verb in ("deploy", "diff", "destroy"):
        flags = ["--unprotect"] if verb == "destroy" else []
        done = tools(verb, "StorageStack", *AWS, *flags, app=project.folder, **environment)
        assert done.status == 0, f"{verb}: {done.output}"
        assert "Not checked" not in done.output
        assert "not known" not in done.output


def test_a_principal_without_the_lookup_role_can_deploy(
    tools: Tools, user: Callable[[dict[str, object] | None], Environment], project: Project
) -> None:
    roles = [f"cdk-hnb659fds-{kind}-role-{ACCOUNT}-*" for kind in ("deploy", "file-publishing")]
    arns = [f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles]
    environment = user(ASSUMES | {"Resource": arns})
    done = tools("deploy", "StorageStack", *AWS, app=project.folder, **environment)
    assert done.status == 0, done.output
    assert "Not checked" in done.output


def test_a_denied_request_does_not_mean_a_missing_stack(
    tools: Tools, user: Callable[[dict[str, object] | None], Environment], project: Project
) -> None:
    arguments = ("destroy", "StorageStack", *AWS)
    status, output = tools(*arguments, app=project.folder, **user(None))
    assert status == 1
    name = project.stacks["StorageStack"].name
    assert f"Cannot read the stack {name}: " in output
    assert "AccessDenied" in output


def test_credentials_that_expire_during_an_operation_cause_an_error_message(
    user: Callable[[dict[str, object] | None], Environment], project: Project, cloud: LocalCloud
) -> None:
    environment = user(ASSUMES)

    def delete_the_key() -> None:
        options = Options("destroy", ["StorageStack"], to="aws", app=str(project.folder))
        with replaced_environment(os.environ | environment), operation(options) as op:
            with cloud.entered(account=ACCOUNT):
                iam, key = boto3.client("iam"), environment["AWS_ACCESS_KEY_ID"]
                name = iam.get_access_key_last_used(AccessKeyId=key)["UserName"]
                iam.delete_access_key(AccessKeyId=key, UserName=name)
            op.unprotect(op.stacks[0])

    with pytest.raises(UserError, match=r"InvalidClientTokenId.*If the credentials have expired"):
        delete_the_key()


def test_a_bootstrap_with_other_settings_is_used(
    tools: Tools, account: Environment, project: Project, cloud: LocalCloud, tmp_path: Path
) -> None:
    """The bootstrap has another qualifier, toolkit stack, template and permissions boundary."""
    for path in project.folder.glob("*.json"):
        path.write_text(path.read_text().replace("hnb659fds", "other"))
    refused = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    assert refused.status == 1
    assert "/cdk-bootstrap/other/version does not exist" in refused.output
    toolkit = "--toolkit-stack-name=OtherToolkit"
    template = (cdk.CLI / "lib/api/bootstrap/bootstrap-template.yaml").read_text()
    (tmp_path / "own.yaml").write_text(template.replace("AWS CDK: Default Resources", "Own"))
    flags = (f"--template={tmp_path / 'own.yaml'}", "--custom-permissions-boundary=limit")
    done = tools("bootstrap", *AWS, toolkit, *flags, app=project.folder, **account)
    assert done.status == 0, done.output
    done = tools("deploy", "StorageStack", *AWS, toolkit, app=project.folder, **account)
    assert done.status == 0, done.output
    with cloud.entered(account=ACCOUNT):
        found = boto3.client("cloudformation").describe_stacks(StackName="OtherToolkit")
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in found["Stacks"][0]["Parameters"]}
    assert parameters["BootstrapVariant"] == "Own"
    # MiniStack ignores the permissions boundary of the role.
    assert parameters["InputPermissionsBoundary"] == "limit"
