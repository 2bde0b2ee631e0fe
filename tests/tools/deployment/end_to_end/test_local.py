"""The stacks on the local cloud: deployed twice, compared, drifted, imported and accessed."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from tests.accounts import ADMINISTRATOR
from tests.clouds import Tools
from tools.cdk_cli.assembly import read_stacks
from tools.local_cloud.client import LocalCloud

DEPLOYED = Environment()
BUCKET, STORAGE = DEPLOYED.resource_name("data"), DEPLOYED.stack_name("storage")


def test_a_first_deploy_shows_one_line_for_each_step_the_table_and_what_to_try_next(
    first_deploy: str, assembly: Path
) -> None:
    stacks = {stack.id: f"{stack.id} ({stack.name})" for stack in read_stacks(assembly)}
    before, _, after = first_deploy.partition(f" Environment {DEPLOYED.name} (local cloud, ")
    # A test in another file may have bootstrapped the shared local cloud.
    lines = [line for line in before.splitlines() if not line.startswith("Bootstrapping the local")]
    first = f"Target: local cloud (set by --to), environment {DEPLOYED.name}"
    assert lines[:3] == [first, "Preparing …", "Deploying …"]
    steps = [re.sub(r"\[\d/\d\]", "[n]", line) for line in lines[3:] if line.strip()]
    expected = [f"{title}: deploying... [n]" for title in stacks.values()]
    assert sorted(steps) == sorted([*expected, *(f"✅  {title}" for title in stacks.values())])
    assert after.count("CREATE_COMPLETE") == len(stacks)
    assert re.search(f"  AWS::S3::Bucket +│ {BUCKET} ", after)
    assert after.splitlines()[-1].startswith("Next: `uv run nox -s cloud` serves these resources")


def test_a_second_deploy_changes_nothing(
    tools: Tools, here: dict[str, str], ids: list[str]
) -> None:
    done = tools("deploy", **here)
    assert done.status == 0
    assert done.output.startswith("Target: local cloud (No AWS credentials found)")
    assert "Bootstrapping" not in done.output
    for stack in ids:
        assert re.search(rf"✅  {stack} \(.+\) \(no changes\)", done.output)


def test_diff_and_drift_show_nothing_after_a_deploy(tools: Tools, here: dict[str, str]) -> None:
    assert tools("diff", "--fail", **here).status == 0
    drifted = tools("drift", **here)
    assert drifted.status == 0
    assert "The local cloud compares less than AWS" in drifted.output


def test_a_diff_does_not_show_an_update_as_a_replacement(
    tools: Tools, here: dict[str, str], assembly: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(assembly, tmp_path / "changed")
    template = changed / "StorageStack.template.json"
    rules = template.read_text().replace("expire-noncurrent-versions", "another-name")
    assert rules != template.read_text()
    template.write_text(rules)
    status, output = tools("diff", "StorageStack", app=changed, **here)
    assert status == 0
    assert "another-name" in output
    assert "replace" not in output


@pytest.mark.usefixtures("entered_cloud")
def test_drift_shows_suspended_versioning(tools: Tools, here: dict[str, str]) -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    try:
        status, output = tools("drift", "--to", "local", **here)
    finally:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    assert status != 0
    assert "VersioningConfiguration" in output
    assert "Suspended" in output
    assert "Undo the drift by hand" in output


@pytest.mark.usefixtures("entered_cloud")
def test_a_stack_whose_exports_are_imported_is_retained_and_stays_protected(
    tools: Tools, here: dict[str, str]
) -> None:
    flags = ("--to=local", "--exclusively", "--unprotect", "--yes")
    status, output = tools("destroy", "StorageStack", *flags, **here)
    assert status == 1
    importer = DEPLOYED.stack_name("identity")
    assert f"StorageStack ({STORAGE}) was not deleted: {importer} imports from it." in output
    assert "Turned off" not in output
    with pytest.raises(ClientError, match="TerminationProtection"):
        boto3.client("cloudformation").delete_stack(StackName=STORAGE)


def test_anonymous_access_to_the_bucket_is_refused(entered_cloud: LocalCloud) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="raw/ANY.parquet", Body=b"1")
    with urllib3.PoolManager(ca_certs=str(entered_cloud.certificate)) as pool:
        url = f"{entered_cloud.url}/{BUCKET}/raw/ANY.parquet"
        assert pool.request("GET", url).status == 403
        assert pool.request("PUT", url, body=b"2").status == 403


@pytest.fixture
def without_tls(tmp_path: Path) -> Iterator[str]:
    """An empty MiniStack server's URL without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        settings = {"AUTH": "true", "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"}
        uvicorn = [sys.executable, "-m", "uvicorn", "ministack.app:app", "--no-date-header"]
        server = subprocess.Popen(
            [*uvicorn, "--fd", str(listener.fileno()), "--log-level", "error"],
            env={**os.environ, **settings, "GATEWAY_PORT": port, "S3_DATA_DIR": str(tmp_path)},
            pass_fds=[listener.fileno()],
        )
        yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


@pytest.mark.usefixtures("entered_cloud")
def test_the_bucket_policy_denies_http_even_to_an_administrator(without_tls: str) -> None:
    policy = boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]
    root = boto3.Session("test", "test", region_name=DEPLOYED.region)
    iam = root.client("iam", endpoint_url=without_tls)
    iam.create_user(UserName="admin")
    iam.attach_user_policy(UserName="admin", PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    admin = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=DEPLOYED.region)
    s3 = admin.client("s3", endpoint_url=without_tls)
    for bucket in (BUCKET, "another"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="raw/ANY.parquet", Body=b"1")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=BUCKET, Key="raw/ANY.parquet", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=BUCKET)
    s3.put_object(Bucket="another", Key="raw/ANY.parquet", Body=b"1")


def test_the_local_cloud_ignores_the_settings_of_the_user_for_aws_and_cdk(
    tools: Tools, here: dict[str, str], ids: list[str], tmp_path: Path
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ran, config = tmp_path / "ran", tmp_path / "config"
    config.write_text(
        f"[default]\nregion = eu-west-1\nendpoint_url = {url}\n"
        f"credential_process = touch {ran}\n[profile work]\nendpoint_url = {url}\n"
        f"credential_process = touch {ran}\n"
    )
    urls = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDFORMATION")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
    configuration = {
        **dict.fromkeys((*urls, *proxies, "AWS_CONTAINER_CREDENTIALS_FULL_URI"), url),
        "AWS_PROFILE": "work",
        "AWS_DEFAULT_PROFILE": "work",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_REGION": "eu-west-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(config),
        "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/real",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
    }
    tags = [{"Key": "Project", "Value": "another"}]
    settings = {"app": "false", "profile": "work", "proxy": url, "tags": tags}
    (tmp_path / ".cdk.json").write_text(json.dumps(settings))
    done = tools("deploy", "--to", "local", **here, **configuration, HOME=str(tmp_path))
    assert done.status == 0, done.output
    assert done.output.count(" (no changes)") == len(ids)
    assert "999999999999" not in done.output
    listener.settimeout(0.1)
    with listener, pytest.raises(TimeoutError):  # no client has connected
        listener.accept()
    assert not ran.exists()
