"""The verbs with `--to aws`, on other accounts in the shared local cloud."""

import json
from pathlib import Path

import boto3
import pytest

from tests.accounts import ADMINISTRATOR, entered, put_image
from tests.clouds import ACCOUNT, Project, Tools, type_answer
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.local_cloud.client import LocalCloud
from tools.project import ROOT

AWS = ("--to", "aws", "--yes")
DEPLOY = f"uv run nox -s deploy -- --to aws --environment {DEFAULT_ENVIRONMENT}"
# The role that the profile `mfa` assumes.
ROLE = "with-mfa"
FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
Environment = dict[str, str]


def test_credentials_alone_change_nothing_without_a_terminal(
    tools: Tools, aws_account: Environment
) -> None:
    status, output = tools("deploy", "--yes", **aws_account)
    assert status == 2
    assert "AWS credentials found: env." in output
    assert "--to aws or --to local" in output


@pytest.mark.parametrize(
    ("variable", "value", "sentences"),
    [
        (
            "AWS_ACCESS_KEY_ID",
            "AKIAIOSFODNN7EXAMPLE",
            [
                "InvalidClientTokenId) when calling the GetCallerIdentity operation: ",
                "AWS_ACCESS_KEY_ID",
            ],
        ),
        (
            "AWS_CA_BUNDLE",
            str(ROOT / "uv.lock"),
            ["SSL", "AWS_CA_BUNDLE"],
        ),
    ],
)
def test_a_connection_error_names_the_setting_to_fix(
    tools: Tools, aws_account: Environment, variable: str, value: str, sentences: list[str]
) -> None:
    # botocore would repeat the failed call with pauses.
    wrong = {variable: value, "AWS_MAX_ATTEMPTS": "1"}
    status, output = tools("deploy", *AWS, **aws_account | wrong)
    assert status == 1
    assert all(sentence in output for sentence in [*sentences, "--to local"])


def test_the_question_lists_stacks_and_target_and_nothing_changes_without_an_answer(
    tools: Tools, aws_account: Environment, project: Project
) -> None:
    status, output = tools("deploy", "--to=aws", app=project.folder, **aws_account)
    assert status == 2
    for stack in project.stacks.values():
        assert f"{stack.id} ({stack.name})" in output
    words = " ".join(output.split())
    assert f"environment {DEFAULT_ENVIRONMENT}, region us-east-1, AWS at https://127.0.0.1" in words
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root?" in words
    assert "There is no terminal for the question. Add --yes." in words
    found = tools("destroy", *AWS, app=project.folder, **aws_account)
    assert found.output.count("does not exist") == len(project.stacks)


@pytest.fixture
def profiles(cloud: LocalCloud, unbootstrapped: Environment, tmp_path: Path) -> Environment:
    """The variables for a configuration file with the profiles `work` and `mfa`.

    Both profiles use the bootstrapped account; the access keys in the variables use another one.
    """
    with entered(cloud, account=ACCOUNT):
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam = boto3.client("iam")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=ADMINISTRATOR)
    target = f"endpoint_url = {cloud.url}\nca_bundle = {cloud.certificate}\nregion = us-east-1\n"
    file = tmp_path / "config"
    file.write_text(
        f"[profile work]\naws_access_key_id = {ACCOUNT}\naws_secret_access_key = any\n{target}"
        f"[profile mfa]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/{ROLE}\nsource_profile = work\n"
        f"mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/phone\n{target}"
    )
    return unbootstrapped | {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": "/none"}


def put_data(project: Project) -> None:
    """Put an object, twice for two versions, and an image."""
    for body in (b"1", b"2"):
        boto3.client("s3").put_object(Bucket=project.bucket, Key="raw/AAPL.parquet", Body=body)
    put_image(project.repository)


def check_data(project: Project) -> None:
    s3 = boto3.client("s3")
    assert len(s3.list_object_versions(Bucket=project.bucket)["Versions"]) == 2
    body = s3.get_object(Bucket=project.bucket, Key="raw/AAPL.parquet")["Body"].read()
    assert body == b"2"
    images = boto3.client("ecr").list_images(repositoryName=project.repository)["imageIds"]
    assert [image["imageTag"] for image in images] == ["v1"]


def deploy_and_compare(tools: Tools, profiles: Environment, project: Project) -> None:
    """Use another credential source for each verb.

    If boto3 or the CDK CLI used another account, the CLI would fail or find differences.
    """
    wrong = {"AWS_PROFILE": "none", "AWS_SESSION_TOKEN": "another"}
    deploy = ("deploy", "--profile=work", "--to=aws")
    status, output = type_answer("y", project.folder, *deploy, **profiles | wrong)
    assert status == 0, output
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root" in output
    table = output.partition("Status, name or ARN")[2]
    assert table.count("CREATE_COMPLETE") == len(project.stacks)
    # The profile sets the endpoint and the certificate.
    only_files = {key: value for key, value in profiles.items() if key in FILES}
    status, output = tools("diff", "--to=aws", app=project.folder, AWS_PROFILE="work", **only_files)
    assert status == 0, output
    assert "Number of stacks with differences: 0" in output
    mfa = ("--profile=mfa", "--to=aws")
    status, output = type_answer("123456", project.folder, "drift", *mfa, **profiles)
    # MiniStack does not check policies for drift.
    assert status == 1, output
    assert "StorageStack/DataBucket/Policy not checked: CloudFormation returned" in output
    assert output.count("Enter MFA code") == 1
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/" in output
    assert "Number of resources with drift: 0" in output
    assert "The local cloud compares less" not in output


def test_stacks_are_deployed_compared_and_destroyed_and_their_data_survives(
    tools: Tools,
    aws_account: Environment,
    profiles: Environment,
    project: Project,
    cloud: LocalCloud,
) -> None:
    deploy_and_compare(tools, profiles, project)
    with entered(cloud, account=ACCOUNT):
        put_data(project)
        done = tools("destroy", *AWS, "--unprotect", app=project.folder, **aws_account)
        assert done.status == 0, done.output
        check_data(project)
    assert f"Will be retained: AWS::S3::Bucket {project.bucket}" in done.output
    assert f"Will be retained: AWS::ECR::Repository {project.repository}" in done.output
    adopt = done.output.partition(f"{DEPLOY} --app {project.folder} ")[2].splitlines()[0]
    assert {*adopt.split()} == {*project.stacks, "--import-existing-resources"}
