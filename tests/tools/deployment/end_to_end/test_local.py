"""The stacks on the local cloud: deployed twice, compared, drifted, imported and accessed."""

import json
import re
import shutil
import socket
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from stacks.core.environment import Environment
from tests.clouds import FIRST_DEPLOY, Tools
from tools.cdk_cli.assembly import read_stacks
from tools.local_cloud.client import ACCOUNT, LocalCloud

DEPLOYED = Environment()
BUCKET, STORAGE = DEPLOYED.resource_name("data"), DEPLOYED.stack_name("storage")


def test_a_first_deploy_shows_one_line_for_each_step_the_table_and_what_to_try_next(
    deployed_once: Path, assembly: Path
) -> None:
    first_deploy = (deployed_once / FIRST_DEPLOY).read_text()
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


def test_a_diff_shows_the_changed_stack_only_and_an_update_is_no_replacement(
    tools: Tools, here: dict[str, str], assembly: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(assembly, tmp_path / "changed")
    template = changed / "StorageStack.template.json"
    rules = template.read_text().replace("expire-noncurrent-versions", "another-name")
    assert rules != template.read_text()
    template.write_text(rules)
    status, output = tools("diff", "--fail", app=changed, **here)
    assert status == 1
    assert "another-name" in output
    assert "replace" not in output
    assert "Number of stacks with differences: 1" in output


def test_drift_shows_nothing_after_a_deploy(tools: Tools, here: dict[str, str]) -> None:
    drifted = tools("drift", **here)
    assert drifted.status == 0
    assert "The local cloud compares less than AWS" in drifted.output


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


@pytest.mark.usefixtures("entered_cloud")
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:ListBucket"])
def test_simulated_the_bucket_policy_denies_http_even_to_an_administrator(action: str) -> None:
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    decisions = {}
    for secure in (False, True):
        request = EvalContext(
            principal_arn=f"arn:aws:iam::{ACCOUNT}:user/admin",
            principal_type="User",
            principal_account=ACCOUNT,
            action=action,
            resource_arn=f"arn:aws:s3:::{BUCKET}" + "/raw/ANY.parquet" * (action == "s3:PutObject"),
            region=DEPLOYED.region,
            secure_transport=secure,
            service_context={"s3:tlsversion": "1.3"},
        )
        decisions[secure] = evaluate_resource_policy(policy, request).decision
    assert decisions == {False: "Deny", True: "ImplicitDeny"}


def test_a_second_deploy_changes_nothing_and_ignores_the_users_settings_for_aws_and_cdk(
    tools: Tools, here: dict[str, str], assembly: Path, tmp_path: Path
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
    assert done.output.count(" (no changes)") == len(read_stacks(assembly))
    assert "Bootstrapping" not in done.output
    assert "999999999999" not in done.output
    listener.settimeout(0.1)
    with listener, pytest.raises(TimeoutError):  # no client has connected
        listener.accept()
    assert not ran.exists()
