"""Start, state and stop of the local cloud, and the environment variables of its commands."""

import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from tests.cloud.conftest import server_of
from tools.console import UserError
from tools.local_cloud import client
from tools.local_cloud.client import ACCOUNT, LocalCloud, local_cloud
from tools.local_cloud.folder import ENDPOINT, HOST, LOCK, STATE, VERSION

PROD = {"account": "222233334444", "region": "eu-west-1"}


def stack(value: str) -> str:
    """A template that exports `value`."""
    queue = {"Type": "AWS::SQS::Queue"}
    output = {"Value": value, "Export": {"Name": "name"}}
    return json.dumps({"Resources": {"Queue": queue}, "Outputs": {"Output": output}})


def buckets(cloud: LocalCloud) -> list[str]:
    with cloud.entered():
        return [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped local cloud that holds a bucket and an object, for copies."""
    with local_cloud(tmp_path_factory.mktemp("saved")) as cloud, cloud.entered():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="mine")
        s3.put_object(Bucket="mine", Key="raw/BTC.parquet", Body=b"1")
    return cloud.directory


@pytest.fixture
def directory(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved local cloud."""
    return shutil.copytree(saved, tmp_path / "cloud")


# State


def test_accounts_and_regions_are_separate_and_survive_a_stop(directory: Path) -> None:
    with local_cloud(directory) as cloud:
        for value, place in {"dev": {}, "prod": PROD}.items():
            with cloud.entered(**place):
                cloudformation = boto3.client("cloudformation")
                cloudformation.create_stack(StackName=f"{value}-stack", TemplateBody=stack(value))
                wait = cloudformation.get_waiter("stack_create_complete").wait
                wait(StackName=f"{value}-stack", WaiterConfig={"Delay": 1})
        with cloud.entered():
            s3 = boto3.client("s3")
            s3.put_bucket_versioning(Bucket="mine", VersioningConfiguration={"Status": "Enabled"})
            s3.put_object(Bucket="mine", Key="raw/BTC.parquet", Body=b"2")
    with local_cloud(directory, port=cloud.port) as again:
        assert again == cloud
        for value, place in {"dev": {}, "prod": PROD}.items():
            with again.entered(**place):
                cloudformation = boto3.client("cloudformation")
                (found,) = cloudformation.describe_stacks()["Stacks"]
                assert found["StackStatus"] == "CREATE_COMPLETE"
                (export,) = cloudformation.list_exports()["Exports"]
                assert export["Value"] == value
        with again.entered():
            s3 = boto3.client("s3")
            versions = s3.list_object_versions(Bucket="mine")["Versions"]
            bodies = [
                s3.get_object(Bucket="mine", Key="raw/BTC.parquet", VersionId=version["VersionId"])[
                    "Body"
                ].read()
                for version in versions
            ]
            assert sorted(bodies) == [b"1", b"2"]


UNUSABLE = {
    "a server that was killed": (ENDPOINT, "", "did not load or save all of it"),
    "another version": (VERSION, "0.1", "MiniStack 0.1 wrote it, and this is MiniStack"),
    "a truncated file": (f"{STATE}/s3.json", '{"half": ', "did not load or save all of it"),
    "an unknown format": (
        f"{STATE}/s3.json",
        '{"__ministack_format__": 999, "payload": {}}',
        "did not load or save all of it",
    ),
}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_state_is_moved_and_an_empty_cloud_starts(
    directory: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, content, reason = UNUSABLE[case]
    (directory / name).write_text(content)
    with local_cloud(directory) as cloud:
        assert buckets(cloud) == []
    (moved,) = directory.glob(f"{STATE}-20*")
    said = " ".join("".join(capsys.readouterr()).split())
    assert reason in said
    assert "This cloud is empty; a deploy rebuilds it." in said
    assert str(moved) in said.replace(" ", "")
    assert (moved / "objects" / ACCOUNT / "mine" / "raw" / "BTC.parquet").read_bytes() == b"1"
    with local_cloud(directory) as cloud:
        assert buckets(cloud) == []
    assert list(directory.glob(f"{STATE}-20*")) == [moved]


def test_a_failed_stop_does_not_hide_an_exception(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        with local_cloud(directory) as cloud:
            os.kill(server_of(cloud), signal.SIGKILL)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "did not save its state" in " ".join("".join(capsys.readouterr()).split())
    assert (directory / ENDPOINT).exists()


def test_a_server_that_does_not_stop_is_killed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_halted() -> None:
        with local_cloud(directory) as cloud:
            monkeypatch.setattr(client, "STOP_LIMIT", 0.0)
            os.kill(server_of(cloud), signal.SIGSTOP)

    with pytest.raises(UserError, match=f"did not save its state.*moves {directory / STATE}"):
        stop_halted()
    with FileLock(directory / LOCK, timeout=0):
        assert (directory / ENDPOINT).exists()


# Start


def test_the_error_for_an_unavailable_port_names_the_port(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        for port in (other.getsockname()[1], 70000):
            with (
                pytest.raises(UserError, match=f"cannot listen on port {port}: .*Choose another"),
                local_cloud(tmp_path, port=port),
            ):
                pass


def test_the_error_for_an_unusable_folder_names_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match=f"cannot use the folder {file}"), local_cloud(file):
        pass


def test_a_server_that_does_not_start_in_time_is_stopped(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "START_LIMIT", 0.0)
    with pytest.raises(UserError, match="did not start"), local_cloud(directory):
        pass
    with FileLock(directory / LOCK, timeout=0):
        assert not (directory / ENDPOINT).exists()


def test_the_error_for_a_start_on_a_full_disk_asks_about_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -f 0\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(UserError, match="did not start"), local_cloud(tmp_path / "cloud"):
        pass
    assert "Is the disk full?" in " ".join("".join(capsys.readouterr()).split())


def test_a_running_server_is_shared_and_keeps_running(cloud: LocalCloud) -> None:
    with local_cloud(cloud.directory) as second:
        assert second == cloud
        assert second.shared
    assert not cloud.is_gone()


def test_two_servers_never_use_one_folder(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both clients see that no server runs, and start one.
    monkeypatch.setattr(client, "_find_running", lambda _: None)
    with pytest.raises(UserError, match="did not start"), local_cloud(cloud.directory):
        pass
    assert "mine" not in buckets(cloud)
    assert json.loads((cloud.directory / ENDPOINT).read_text())["port"] == cloud.port


@pytest.mark.parametrize("endpoint", [None, "", '{"port": 1}'])
def test_a_cloud_that_is_starting_or_stopping_is_not_used(
    directory: Path, endpoint: str | None
) -> None:
    if endpoint is not None:
        (directory / ENDPOINT).write_text(endpoint)
    with (
        FileLock(directory / LOCK),
        pytest.raises(UserError, match="starting or stopping"),
        local_cloud(directory),
    ):
        pass


def test_a_busy_cloud_is_not_gone(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0), backlog=0) as busy:
        cloud = LocalCloud(tmp_path, busy.getsockname()[1])
        waiting = []
        for _ in range(3):  # The server accepts no connection, so the last one times out.
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((HOST, cloud.port))
            waiting.append(one)
        assert not cloud.is_gone()
        for one in waiting:
            one.close()
    assert cloud.is_gone()


# Environment


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


def test_the_environment_of_a_command_reaches_only_the_local_cloud() -> None:
    cloud = LocalCloud(Path("/cloud"), 4711)
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


def test_an_entered_cloud_replaces_the_users_environment_until_the_end(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    before = dict(os.environ)

    def fail() -> None:
        with cloud.entered(**PROD):
            assert boto3.client("sts").get_caller_identity()["Account"] == PROD["account"]
            assert boto3.client("sts").meta.region_name == PROD["region"]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(os.environ) == before
