"""The local cloud as its users have it: up while it is needed, and never in the way."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from tools.console import UserError
from tools.local_cloud import client as module
from tools.local_cloud.client import ACCOUNT, LocalCloud, local_cloud
from tools.local_cloud.state import HOST, CloudState
from tools.project import ROOT

TEMPLATE = {
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"Name": {"Value": "1", "Export": {"Name": "kept"}}},
}
PARENT = """
import signal, sys, time
from pathlib import Path
import boto3
from tools.project import ROOT
from tools.local_cloud.client import local_cloud

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have turned off
with local_cloud(Path(sys.argv[1])) as cloud:
    with cloud.entered():
        boto3.client("s3").create_bucket(Bucket="mine")
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> CloudState:
    return CloudState(tmp_path / "cloud", "")


def make_bucket(cloud: LocalCloud, name: str) -> None:
    with cloud.entered():
        boto3.client("s3").create_bucket(Bucket=name)


def has_ended(state: CloudState) -> bool:
    """Whether no server holds the directory, at the latest after 20 seconds."""
    with FileLock(state.lock, timeout=20):
        return not state.endpoint.exists()


def server_of(cloud: LocalCloud) -> int:
    endpoint = CloudState(cloud.directory, "").find()
    assert endpoint is not None
    return endpoint.process


# What it keeps


def test_everything_is_there_again_after_a_stop_in_order(state: CloudState) -> None:
    with local_cloud(state.directory) as cloud, cloud.entered():
        s3, iam = boto3.client("s3"), boto3.client("iam")
        s3.create_bucket(Bucket="mine")
        s3.put_bucket_versioning(Bucket="mine", VersioningConfiguration={"Status": "Enabled"})
        versions = [
            s3.put_object(Bucket="mine", Key="raw/BTC.parquet", Body=body)["VersionId"]
            for body in (b"first", b"second")
        ]
        iam.create_role(RoleName="works", AssumeRolePolicyDocument='{"Statement": []}')
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps(TEMPLATE))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="stack", WaiterConfig={"Delay": 1}
        )
    assert has_ended(state)
    with local_cloud(state.directory) as cloud, cloud.entered():
        s3, iam = boto3.client("s3"), boto3.client("iam")
        bodies = [
            s3.get_object(Bucket="mine", Key="raw/BTC.parquet", VersionId=version)["Body"].read()
            for version in versions
        ]
        assert bodies == [b"first", b"second"]
        assert s3.get_object(Bucket="mine", Key="raw/BTC.parquet")["Body"].read() == b"second"
        assert s3.get_bucket_versioning(Bucket="mine")["Status"] == "Enabled"
        assert iam.get_role(RoleName="works")["Role"]["RoleName"] == "works"
        cloudformation = boto3.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert cloudformation.list_exports()["Exports"][0]["Name"] == "kept"


def test_a_killed_server_loses_no_object_and_does_not_block_the_next_start(
    state: CloudState, capsys: pytest.CaptureFixture[str]
) -> None:
    with local_cloud(state.directory) as cloud:
        make_bucket(cloud, "known")

    def put_and_kill() -> None:
        with local_cloud(state.directory) as cloud:
            make_bucket(cloud, "new")
            with cloud.entered():
                for bucket in ("known", "new"):
                    boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
            os.kill(server_of(cloud), signal.SIGKILL)

    with pytest.raises(UserError, match="did not stop in order"):
        put_and_kill()
    assert state.endpoint.exists()
    with local_cloud(state.directory) as cloud, cloud.entered():
        s3 = boto3.client("s3")
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["known"]
        assert s3.get_object(Bucket="known", Key="a")["Body"].read() == b"x"
    assert "back at its last saved state" in capsys.readouterr().out
    (aside,) = state.directory.glob("unsaved-*")
    assert (aside / ACCOUNT / "new" / "a").read_bytes() == b"x"


# How it ends


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_is_saved_and_gone_after_its_parent_got_a_signal(
    state: CloudState, number: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(state.directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        # As a terminal does: to the whole group.
        os.killpg(parent.pid, number)
        parent.wait(20)
        assert has_ended(state)
    assert "mine" in (state.saved / "s3.json").read_text()


def test_it_is_saved_and_gone_after_an_exception(state: CloudState) -> None:
    def fail() -> None:
        with local_cloud(state.directory) as cloud:
            make_bucket(cloud, "mine")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert has_ended(state)
    assert "mine" in (state.saved / "s3.json").read_text()


def test_a_failed_stop_is_said_and_hides_no_exception(
    state: CloudState, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        with local_cloud(state.directory) as cloud:
            os.kill(server_of(cloud), signal.SIGKILL)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "The local cloud did not stop in order." in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit")
def test_a_disk_too_full_to_say_so_is_suspected(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_cloud(state.directory) as cloud:
        make_bucket(cloud, "before")
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # which needs the disk, too

    def fill() -> None:
        with local_cloud(state.directory) as cloud:
            make_bucket(cloud, "after")
            resource.prlimit(server_of(cloud), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    with pytest.raises(UserError, match=r"with status 6 .* is the disk full\?"):
        fill()
    with local_cloud(state.directory) as cloud, cloud.entered():
        buckets = boto3.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["before"]


def test_a_server_that_does_not_stop_is_killed(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_halted() -> None:
        with local_cloud(state.directory) as cloud:
            monkeypatch.setattr(module, "STOP_LIMIT", 0.0)
            os.kill(server_of(cloud), signal.SIGSTOP)

    with pytest.raises(UserError, match="did not stop within 0 seconds and was killed"):
        stop_halted()
    assert state.endpoint.exists()


# How it begins


def test_a_port_can_be_chosen_and_one_that_is_taken_is_named(state: CloudState) -> None:
    with socket.create_server((HOST, 0)) as squatter:
        port = squatter.getsockname()[1]
        with (
            pytest.raises(UserError, match=f"cannot be served on port {port}") as caught,
            local_cloud(state.directory, port=port),
        ):
            pass
    assert "Traceback" not in str(caught.value)
    with local_cloud(state.directory, port=port) as cloud:
        assert cloud.port == port


def test_an_account_can_be_chosen_whatever_boto3_has_found_before(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    boto3.client("sts", region_name="us-east-1")
    with local_cloud(state.directory, account="111122223333") as cloud, cloud.entered():
        assert boto3.client("sts").get_caller_identity()["Account"] == "111122223333"


def test_a_disk_that_is_full_from_the_start_is_suspected(
    state: CloudState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -f 0\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # which needs the disk, too
    with (
        pytest.raises(UserError, match=r"with status 5 .* is the disk full\?"),
        local_cloud(state.directory),
    ):
        pass


def test_a_server_that_does_not_come_up_is_ended(
    state: CloudState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_LIMIT", 0.0)
    with (
        pytest.raises(UserError, match="did not start within 0 seconds"),
        local_cloud(state.directory),
    ):
        pass
    assert has_ended(state)


def test_a_directory_that_cannot_be_used_is_named(state: CloudState) -> None:
    state.directory.write_text("")
    with (
        pytest.raises(UserError, match=f"cannot be kept in {state.directory}"),
        local_cloud(state.directory),
    ):
        pass


def test_a_second_user_shares_the_first_ones_server_and_leaves_it(state: CloudState) -> None:
    with local_cloud(state.directory) as first:
        with local_cloud(state.directory, account="111122223333") as second:
            assert second == first
            make_bucket(second, "shared")
        with first.entered():
            boto3.client("s3").head_bucket(Bucket="shared")
    assert has_ended(state)


@pytest.mark.parametrize("is_said_to_be_up", [False, True])
def test_a_cloud_that_is_starting_or_stopping_is_left_alone(
    state: CloudState, is_said_to_be_up: bool
) -> None:
    state.directory.mkdir()
    if is_said_to_be_up:
        state.ensure_tls()
        state.announce(1, ACCOUNT)
    with (
        FileLock(state.lock),
        pytest.raises(UserError, match="starting or stopping"),
        local_cloud(state.directory),
    ):
        pass


def test_what_a_killed_server_left_behind_is_ignored(cloud: LocalCloud, state: CloudState) -> None:
    # Even where the port has an answer by now.
    shutil.copytree(cloud.directory / "tls", state.directory / "tls")
    state.announce(cloud.port, ACCOUNT)
    with local_cloud(state.directory) as own:
        assert own.port != cloud.port


def test_it_is_up_in_a_few_seconds(state: CloudState) -> None:
    begin = time.monotonic()
    with local_cloud(state.directory):
        assert time.monotonic() - begin < 10


# What others are given


POISON = {
    "AWS_PROFILE": "work",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/real",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
    "CDK_DEFAULT_REGION": "eu-west-1",
    "HTTP_PROXY": "http://192.0.2.1",
    "https_proxy": "http://192.0.2.1",
    "ALL_PROXY": "http://192.0.2.1",
}


def test_its_environment_leads_to_it_and_nowhere_else() -> None:
    cloud = LocalCloud(Path("/cloud"), 4711, ACCOUNT, Path("/cloud/tls/server.crt"))
    environment = cloud.environment({**POISON, "AWS_REGION": "eu-west-1", "HOME": "/home/me"})
    assert not POISON.keys() & environment.keys()
    assert environment["HOME"] == "/home/me"
    assert environment["AWS_ENDPOINT_URL"] == "https://127.0.0.1:4711"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_CA_BUNDLE"] == environment["NODE_EXTRA_CA_CERTS"]
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["NO_PROXY"] == "127.0.0.1"
    for key in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert not Path(environment[key]).exists()


def test_whoever_enters_it_talks_to_it_and_is_himself_again_afterwards(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    before = dict(os.environ)

    def fail() -> None:
        with cloud.entered():
            assert boto3.client("sts").get_caller_identity()["Account"] == ACCOUNT
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(os.environ) == before
