"""The verbs with `--to aws`, on other accounts of the shared local cloud."""

import json
from collections.abc import Iterator

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT, Done, Project, Tools, type_answer
from tools.local_cloud.client import LocalCloud
from tools.project import ROOT
from tools.synth import DEFAULT_ENVIRONMENT

AWS = ("--to", "aws", "--yes")
DEPLOY = f"uv run nox -s deploy -- --to aws --environment {DEFAULT_ENVIRONMENT}"
Environment = dict[str, str]


@pytest.fixture
def root(cloud: LocalCloud, account: Environment) -> Iterator[None]:
    """Makes boto3 the root user of the account."""
    with cloud.entered(account=account["AWS_ACCESS_KEY_ID"]):
        yield


def test_credentials_alone_change_nothing_without_a_terminal(
    tools: Tools, account: Environment
) -> None:
    status, output = tools("deploy", "--yes", **account)
    assert status == 2
    assert "AWS credentials found (env)" in output
    assert "--to aws or --to local" in output


def test_the_error_for_an_account_without_bootstrap_shows_the_command(
    tools: Tools, unbootstrapped: Environment
) -> None:
    status, output = tools("deploy", *AWS, **unbootstrapped)
    assert status == 1
    assert "The account 999988887777 is not bootstrapped in us-east-1" in output
    assert "Run: uv run nox -s bootstrap -- --to aws --environment" in output
    status, output = tools("bootstrap", "--to", "aws", **unbootstrapped)
    assert status == 2
    assert "There is no terminal for the question. Add --yes." in output


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
            "InvalidClientTokenId) when calling the GetCallerIdentity operation: ",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
            "AWS does not accept the credentials from AWS_ACCESS_KEY_ID. Renew or replace them.",
        ),
        ({"AWS_CA_BUNDLE": str(ROOT / "uv.lock")}, "TLS failed. AWS_CA_BUNDLE, or `ca_bundle` in"),
    ],
)
def test_a_connection_error_names_the_setting_to_fix(
    tools: Tools, account: Environment, variables: Environment, sentence: str
) -> None:
    status, output = tools("deploy", *AWS, **account | variables)
    assert status == 1
    assert sentence in output
    assert "--to local" in output


def test_the_question_lists_stacks_and_target_and_the_answer_no_changes_nothing(
    tools: Tools, account: Environment, project: Project
) -> None:
    status, output = type_answer("n", project.folder, "deploy", **account)
    assert status == 1
    for stack in project.stacks.values():
        assert f"{stack.id} ({stack.name})" in output
    environment = next(iter(project.stacks.values())).tags["Environment"]
    words = " ".join(output.split())
    assert f"environment {environment}, region us-east-1, AWS at https://127.0.0.1:" in words
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root?" in words
    assert "Nothing was done." in output
    found = tools("destroy", *AWS, app=project.folder, **account)
    assert found.output.count("does not exist") == len(project.stacks)


def test_stacks_are_deployed_compared_and_destroyed_in_the_account(
    tools: Tools, account: Environment, project: Project
) -> None:
    def run(verb: str, *arguments: str) -> Done:
        return tools(verb, *arguments, app=project.folder, **account)

    one = run("deploy", "StorageStack", *AWS)
    assert one.status == 0, one.output
    assert "RegistryStack" not in one.output
    status, output = type_answer("y", project.folder, "deploy", **account)
    assert status == 0, output
    assert f"StorageStack ({project.stacks['StorageStack'].name}) (no changes)" in output
    table = output.partition("Status, name or ARN")[2]
    assert table.count("CREATE_COMPLETE") == len(project.stacks)
    different = run("diff", "--to", "aws")
    assert different.status == 0, different.output
    assert "Number of stacks with differences: 0" in different.output
    drifted = run("drift", "--to", "aws")
    assert drifted.status == 0, drifted.output
    assert "Number of resources with drift: 0" in drifted.output
    assert "The local cloud compares less" not in drifted.output
    done = run("destroy", *AWS)
    assert done.status == 0, done.output
    for name in ("StorageStack", "RegistryStack"):
        assert f"{name} ({project.stacks[name].name}) is retained" in done.output
    assert "IdentityStack" in done.output.partition("Destroying")[2]


def put_data(project: Project) -> None:
    """Put two versions of an object and an image."""
    for body in (b"1", b"2"):
        boto3.client("s3").put_object(Bucket=project.bucket, Key="raw/AAPL.parquet", Body=body)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"},
        "layers": [],
    }
    boto3.client("ecr").put_image(
        repositoryName=project.repository, imageManifest=json.dumps(manifest), imageTag="v1"
    )


def test_the_data_survives_the_destruction_of_every_stack(
    tools: Tools, account: Environment, project: Project, root: None
) -> None:
    del root
    names = ("StorageStack", "RegistryStack")
    assert tools("deploy", *names, *AWS, app=project.folder, **account).status == 0
    put_data(project)
    done = tools("destroy", *AWS, "--unprotect", app=project.folder, **account)
    assert done.status == 0, done.output
    assert f"Retained: AWS::S3::Bucket {project.bucket}" in done.output
    assert f"Retained: AWS::ECR::Repository {project.repository}" in done.output
    s3 = boto3.client("s3")
    assert len(s3.list_object_versions(Bucket=project.bucket)["Versions"]) == 2
    body = s3.get_object(Bucket=project.bucket, Key="raw/AAPL.parquet")["Body"].read()
    assert body == b"2"
    images = boto3.client("ecr").list_images(repositoryName=project.repository)["imageIds"]
    assert [image["imageTag"] for image in images] == ["v1"]
    adopt = f"{DEPLOY} {{}}--import-existing-resources"
    assert adopt.format("") in done.output
    for name in names:
        again = tools("deploy", name, *AWS, app=project.folder, **account)
        assert again.status == 1
        assert "the resource was retained when the stack was destroyed" in again.output
        assert f"Adopt it with: {adopt.format(f'{name} ')}" in again.output
        assert "Deploying" not in again.output


def test_the_error_for_a_bucket_of_another_account_names_the_setting(
    tools: Tools, account: Environment, project: Project, cloud: LocalCloud
) -> None:
    with cloud.entered(account="222233334444"):
        boto3.client("s3").create_bucket(Bucket=project.bucket)
    status, output = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    assert status == 1
    assert f"The bucket {project.bucket} belongs to another AWS account" in output
    assert "stacks/core/environment.py" in output
