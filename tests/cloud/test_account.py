"""The road to a real account, which a second local cloud with another account id stands in for."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT, Done, Tools
from tools.project import ROOT

BUCKET = "wealth-ops-data-dev"
REPOSITORY = "wealth-ops-ecr-dev"


def typing(answer: str, assembly: Path, *arguments: str, **environment: str) -> Done:
    """Run the tools on a terminal and type `answer` when they ask."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tools.deployment", *arguments, f"--app={assembly}"],
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb", "COLUMNS": "200", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        os.write(master, f"{answer}\n".encode())
        output = "".join(_read(master))
    os.close(master)
    return Done(process.returncode, output)


def _read(terminal: int) -> Iterator[str]:
    while True:
        try:
            text = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is gone
            return
        if not text:
            return
        yield text.decode(errors="replace")


def client(account: dict[str, str]) -> boto3.Session:
    return boto3.Session(
        account["AWS_ACCESS_KEY_ID"], account["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
    )


def test_found_credentials_alone_touch_nothing_without_a_terminal(
    tools: Tools, account: dict[str, str]
) -> None:
    status, output = tools("deploy", "--yes", **account)
    assert status == 2
    assert "AWS credentials found (env)" in output
    assert "--to aws or --to local" in output


def test_an_account_that_is_not_bootstrapped_is_answered_with_the_command(
    tools: Tools, account: dict[str, str]
) -> None:
    status, output = tools("deploy", "--to", "aws", "--yes", **account)
    assert status == 1
    assert f"The account {ACCOUNT} is not bootstrapped in us-east-1" in output
    assert "nox -s bootstrap -- --to aws" in output


def test_wrong_credentials_are_answered_with_what_to_do(
    tools: Tools, account: dict[str, str]
) -> None:
    wrong = {**account, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
    status, output = tools("deploy", "--to", "aws", "--yes", **wrong)
    assert status == 1
    assert "AWS does not accept the credentials" in output
    assert "--to local" in output


def test_a_no_to_the_question_does_nothing(
    tools: Tools, assembly: Path, ids: list[str], account: dict[str, str]
) -> None:
    assert tools("bootstrap", "--to", "aws", "--yes", **account).status == 0
    status, output = typing("n", assembly, "deploy", **account)
    assert status == 1
    assert f"Deploy {', '.join(ids)}" in output
    assert f"account {ACCOUNT}" in output
    assert "us-east-1" in output
    assert "Nothing was done." in output
    assert "does not exist" in tools("destroy", "--to", "aws", "--yes", **account).output


def test_one_stack_is_deployed_and_then_the_others_and_a_yes_is_enough(
    tools: Tools, assembly: Path, ids: list[str], account: dict[str, str]
) -> None:
    one = tools("deploy", "StorageStack", "--to", "aws", "--yes", **account)
    assert one.status == 0, one.output
    assert "RegistryStack" not in one.output
    status, output = typing("y", assembly, "deploy", **account)
    assert status == 0, output
    assert "StorageStack (wealth-ops-storage-dev) (no changes)" in output
    assert output.partition("What exists now")[2].count("CREATE_COMPLETE") == len(ids)


def test_what_is_deployed_there_is_compared_there(tools: Tools, account: dict[str, str]) -> None:
    different = tools("diff", "--to", "aws", **account)
    assert different.status == 0, different.output
    assert "Number of stacks with differences: 0" in different.output
    drifted = tools("drift", "--to", "aws", **account)
    assert drifted.status == 0, drifted.output
    assert "Number of resources with drift: 0" in drifted.output
    assert "The local cloud compares less" not in drifted.output


def test_destroy_leaves_protected_stacks_and_says_so(tools: Tools, account: dict[str, str]) -> None:
    asked = tools("destroy", "--to", "aws", **account)
    assert asked.status == 2
    assert "say --yes" in asked.output
    done = tools("destroy", "--to", "aws", "--yes", **account)
    assert done.status == 0, done.output
    for stack in ("StorageStack", "RegistryStack"):
        assert f"{stack} is left alone: it has termination protection" in done.output
    assert "IdentityStack (wealth-ops-identity-dev): destroyed" in done.output


@pytest.fixture
def data(account: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Two versions of an object and an image, as root sees them."""
    for key, value in account.items():
        monkeypatch.setenv(key, value)
    session = client(account)
    for body in (b"1", b"2"):
        session.client("s3").put_object(Bucket=BUCKET, Key="raw/AAPL.parquet", Body=body)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"},
        "layers": [],
    }
    session.client("ecr").put_image(
        repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag="v1"
    )
    return session


def test_the_data_survives_the_destruction_of_every_stack(
    tools: Tools, account: dict[str, str], data: boto3.Session
) -> None:
    done = tools("destroy", "--to", "aws", "--yes", "--unprotect", **account)
    assert done.status == 0, done.output
    assert f"Kept: AWS::S3::Bucket {BUCKET}" in done.output
    assert f"Kept: AWS::ECR::Repository {REPOSITORY}" in done.output
    assert "--import-existing-resources" in done.output
    versions = data.client("s3").list_object_versions(Bucket=BUCKET)["Versions"]
    assert len(versions) == 2
    body = data.client("s3").get_object(Bucket=BUCKET, Key="raw/AAPL.parquet")["Body"].read()
    assert body == b"2"
    (image,) = data.client("ecr").list_images(repositoryName=REPOSITORY)["imageIds"]
    assert image["imageTag"] == "v1"

    again = tools("deploy", "--to", "aws", "--yes", **account)
    assert again.status == 1
    assert "it was kept when the stack was destroyed" in again.output
    assert "nox -s deploy -- --import-existing-resources" in again.output
    assert "Deploying" not in again.output


def test_a_bucket_name_that_another_account_owns_is_answered_with_the_setting(
    tools: Tools, account: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in account.items():
        monkeypatch.setenv(key, value)
    s3 = client(account).client("s3")
    for version in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=BUCKET)
    stranger = boto3.Session("222233334444", "test", region_name="us-east-1")
    stranger.client("s3").create_bucket(Bucket=BUCKET)
    status, output = tools("deploy", "StorageStack", "--to", "aws", "--yes", **account)
    assert status == 1
    assert f"The bucket {BUCKET} belongs to another AWS account" in output
    assert "stacks/core/environment.py" in output
