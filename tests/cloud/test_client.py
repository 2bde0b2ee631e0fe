"""Start, state and stop of the local cloud, and the environment variables of its commands."""

import json
import os
import shutil
import socket
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from tests.cloud.conftest import server_of
from tools.console import UserError
from tools.local_cloud import client, folder
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.local_cloud.folder import HOST, LOCK, PORT, STATE

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
            assert len(s3.list_object_versions(Bucket="mine")["Versions"]) == 2
            assert s3.get_object(Bucket="mine", Key="raw/BTC.parquet")["Body"].read() == b"2"


@pytest.mark.usefixtures("measured")
def test_the_state_of_a_killed_server_is_moved_and_can_be_moved_back(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, local_cloud(directory) as cloud:
        assert buckets(cloud) == ["mine"]
        patch.setattr(client, "STOP_LIMIT", 0.0)
        server_of(cloud).suspend()
    assert capsys.readouterr().out == (
        "The server of the local cloud did not stop within 0 seconds and was killed. Its state may "
        "be incomplete.\n"
    )
    with local_cloud(directory) as cloud:
        assert buckets(cloud) == []
    (moved,) = directory.glob(f"{STATE}-20*")
    state = directory / STATE
    assert capsys.readouterr().out == (
        f"The old state of the local cloud was moved to {moved}. This cloud is empty; a deploy "
        "rebuilds it. The last server was killed, so the old state may be incomplete. To use the "
        f"old state, stop this cloud and replace the folder {state} with the moved folder.\n"
    )
    shutil.rmtree(state)
    moved.rename(state)
    with local_cloud(directory) as cloud:
        assert buckets(cloud) == ["mine"]


def test_the_state_of_another_version_is_moved(tmp_path: Path) -> None:
    for _ in range(2):  # the second time with a usable state
        assert folder.prepare_state(tmp_path, "6") is None
    notice = folder.prepare_state(tmp_path, "7")
    (moved,) = tmp_path.glob(f"{STATE}-20*")
    assert notice == (
        f"The old state of the local cloud was moved to {moved}. This cloud is empty; a deploy "
        "rebuilds it. MiniStack 6 wrote the old state, and this is MiniStack 7."
    )
    assert (moved / "ministack-version").read_text() == "6"


# Start


def assert_no_start(directory: Path, message: str, port: int = 0) -> None:
    with pytest.raises(UserError, match=message), local_cloud(directory, port=port):
        pass


@pytest.mark.usefixtures("measured")
def test_the_error_for_an_unavailable_port_names_the_port(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        for port in (other.getsockname()[1], 70000):
            assert_no_start(
                tmp_path, f"Cannot listen on port {port}: .*[^.]\\. Choose another", port
            )


def test_the_error_for_an_unusable_folder_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_no_start(tmp_path / "file", f"cannot use the folder {tmp_path / 'file'}")


def test_a_server_that_does_not_start_in_time_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "START_LIMIT", 0.0)
    assert_no_start(tmp_path, "did not start. It did not answer in time.")
    with FileLock(tmp_path / LOCK, timeout=0):
        assert not (tmp_path / PORT).exists()


def test_a_running_server_is_shared_and_keeps_running(cloud: LocalCloud) -> None:
    with local_cloud(cloud.directory) as second:
        assert second == cloud
        assert second.server is None
    assert server_of(cloud).is_running()


@pytest.mark.usefixtures("measured")
def test_two_servers_never_use_one_folder(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server of the shared cloud seems to be starting.
    monkeypatch.setattr(client, "_find", lambda *_, **__: None)
    assert_no_start(cloud.directory, "Another process is starting or stopping the local cloud")


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
    users = {"AWS_REGION": "eu-west-1", "HOME": "/home/me", "no_proxy": "example.com"}
    environment = cloud.environment(POISON | users)
    assert not POISON.keys() & environment.keys()
    assert environment["HOME"] == "/home/me"
    assert environment["AWS_ENDPOINT_URL"] == "https://127.0.0.1:4711"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_CA_BUNDLE"] == environment["NODE_EXTRA_CA_CERTS"]
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1"
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
