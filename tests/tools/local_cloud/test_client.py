"""How the local cloud starts, saves its state and stops, and the variables of its commands."""

import json
import os
import re
import shutil
import socket
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from tests.accounts import entered
from tests.clouds import server_of
from tools.errors import UserError
from tools.local_cloud import client, folder
from tools.local_cloud.client import ACCOUNT, REGION, LocalCloud, local_cloud
from tools.local_cloud.folder import HOST, LOCK, PORT, STATE
from tools.project import ROOT

# Each account has a stack with the same export.
TARGETS = {
    "dev-bucket": {"account": ACCOUNT, "region": REGION},
    "prod-bucket": {"account": "222233334444", "region": "eu-west-1"},
}


def stack(bucket: str) -> str:
    """A template that exports a new bucket's name."""
    resource = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}
    output = {"Value": {"Ref": "Bucket"}, "Export": {"Name": "name"}}
    return json.dumps({"Resources": {"Bucket": resource}, "Outputs": {"Output": output}})


# State


def test_accounts_and_regions_are_separate_and_survive_a_stop(tmp_path: Path) -> None:
    with local_cloud(tmp_path) as cloud:
        for bucket, target in TARGETS.items():
            with entered(cloud, **target):
                cloudformation = boto3.client("cloudformation")
                cloudformation.create_stack(StackName=bucket, TemplateBody=stack(bucket))
                wait = cloudformation.get_waiter("stack_create_complete").wait
                wait(StackName=bucket, WaiterConfig={"Delay": 1})
                boto3.client("s3").put_object(Bucket=bucket, Key="key", Body=bucket.encode())
    with local_cloud(tmp_path, port=cloud.port) as again:
        assert again == cloud
        for bucket, target in TARGETS.items():
            with entered(again, **target):
                cloudformation = boto3.client("cloudformation")
                (found,) = cloudformation.describe_stacks()["Stacks"]
                assert (found["StackName"], found["StackStatus"]) == (bucket, "CREATE_COMPLETE")
                (export,) = cloudformation.list_exports()["Exports"]
                assert export["Value"] == bucket
                body = boto3.client("s3").get_object(Bucket=bucket, Key="key")["Body"]
                assert body.read() == bucket.encode()


NEXT_START = (
    "The next start moves this state to another folder and begins with an empty cloud, which a "
    "deploy rebuilds."
)


@pytest.mark.usefixtures("measured")
def test_the_state_of_a_killed_server_is_moved_and_can_be_moved_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        with monkeypatch.context() as patch, local_cloud(tmp_path) as cloud, entered(cloud):
            boto3.client("s3").create_bucket(Bucket="mine")
            boto3.client("s3").put_object(Bucket="mine", Key="key", Body=b"1")
            patch.setattr(client, "STOP_LIMIT", 0.0)
            server_of(cloud).suspend()

    with pytest.raises(UserError) as caught:
        kill()
    assert str(caught.value) == (
        "The local cloud's server did not stop within 0 seconds and was killed, so its state "
        f"may be incomplete. {NEXT_START}"
    )
    with local_cloud(tmp_path) as cloud, entered(cloud):
        assert boto3.client("s3").list_buckets()["Buckets"] == []
    state = tmp_path / STATE
    (moved,) = tmp_path.glob(f"{STATE}-20*")
    assert capsys.readouterr().out == (
        f"The old state of the local cloud was moved to {moved}. This cloud is empty; a deploy "
        "rebuilds it. The last server was killed or could not save its state, so the old state may "
        "be incomplete. To use the old state, stop this cloud and replace the folder "
        f"{state} with the moved folder.\n"
    )
    shutil.rmtree(state)
    moved.rename(state)
    with local_cloud(tmp_path) as cloud, entered(cloud):
        assert boto3.client("s3").get_object(Bucket="mine", Key="key")["Body"].read() == b"1"


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("unwritable", ["s3.json", "objects/000000000000/mine/key.meta.json"])
def test_a_state_that_was_not_saved_whole_is_an_error_and_not_used_again(
    tmp_path: Path, unwritable: str
) -> None:
    def lose() -> None:
        with local_cloud(tmp_path) as cloud, entered(cloud):
            boto3.client("s3").create_bucket(Bucket="mine")
            # MiniStack can write no file with a folder's name.
            (tmp_path / STATE / unwritable).mkdir()
            boto3.client("s3").put_object(Bucket="mine", Key="key", Body=b"1")

    with pytest.raises(UserError) as caught:
        lose()
    assert re.fullmatch(
        r"The local cloud could not save its whole state: [\d.]+ MB are free in "
        rf"{re.escape(str(tmp_path))}, and server\.log may show errors\. If the disk is full, free "
        rf"some space\. {NEXT_START}",
        str(caught.value),
    )
    assert "ersist" in (tmp_path / "server.log").read_text()
    notice = folder.prepare_state(tmp_path, version("ministack"))
    assert notice is not None
    assert "The last server was killed or could not save its state" in notice


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


def test_the_default_folder_is_in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEALTH_OPS_CLOUD", raising=False)
    assert folder.cloud_directory() == ROOT / ".cloud"
    monkeypatch.setenv("WEALTH_OPS_CLOUD", "")
    assert folder.cloud_directory() == ROOT / ".cloud"


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
    assert_no_start(tmp_path, f"It gave no answer and no reason; .* MB are free in {tmp_path}")
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
    # The shared cloud's server seems to be starting.
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


def test_an_entered_cloud_replaces_the_users_environment_until_the_end(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("no_proxy", "example.com")
    before = dict(os.environ)

    def fail() -> None:
        with entered(cloud, **TARGETS["prod-bucket"]):
            assert not POISON.keys() & os.environ.keys()
            assert os.environ["HOME"] == before["HOME"]
            assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == HOST
            for key in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
                assert not Path(os.environ[key]).exists()
            sts = boto3.client("sts")
            assert sts.get_caller_identity()["Account"] == "222233334444"
            assert sts.meta.region_name == "eu-west-1"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(os.environ) == before
