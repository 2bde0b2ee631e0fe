"""How the local cloud starts, saves its state and stops."""

import signal
import socket
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from tests.accounts import entered
from tools.errors import UserError
from tools.local_cloud import client, folder
from tools.local_cloud.client import local_cloud
from tools.local_cloud.folder import HOST, LOCK, PORT, STATE
from tools.project import ROOT

# State


@pytest.mark.usefixtures("measured")
def test_accounts_and_regions_are_separate_and_survive_a_signal(tmp_path: Path) -> None:
    other = {"account": "222233334444", "region": "eu-west-1"}
    with local_cloud(tmp_path) as cloud, entered(cloud, **other):
        boto3.client("s3").create_bucket(
            Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        boto3.client("s3").put_object(Bucket="mine", Key="key", Body=b"1")
        boto3.client("logs").create_log_group(logGroupName="mine")
        assert cloud.server
        cloud.server.terminate()
        cloud.server.wait(20)
    assert not (tmp_path / PORT).exists()
    with local_cloud(tmp_path, port=cloud.port) as again:
        assert again == cloud
        with entered(again, **other):
            assert boto3.client("s3").get_object(Bucket="mine", Key="key")["Body"].read() == b"1"
            assert boto3.client("logs").describe_log_groups()["logGroups"]
        with entered(again):
            assert boto3.client("logs").describe_log_groups()["logGroups"] == []


NEXT_START = (
    "The next start moves this state to another folder and begins with an empty cloud, which a "
    "deploy rebuilds."
)


@pytest.mark.usefixtures("measured")
def test_the_state_of_a_killed_server_is_moved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        with monkeypatch.context() as patch, local_cloud(tmp_path) as cloud, entered(cloud):
            boto3.client("s3").create_bucket(Bucket="mine")
            boto3.client("s3").put_object(Bucket="mine", Key="key", Body=b"1")
            patch.setattr(client, "STOP_LIMIT", 0.0)
            assert cloud.server
            cloud.server.send_signal(signal.SIGSTOP)

    with pytest.raises(UserError, match=f"did not save its whole state within 0.*{NEXT_START}$"):
        kill()
    with local_cloud(tmp_path) as cloud, entered(cloud):
        assert boto3.client("s3").list_buckets()["Buckets"] == []
    (moved,) = tmp_path.glob("state-20*")
    assert f"was moved to {moved}. This cloud is empty" in capsys.readouterr().out
    (kept,) = moved.rglob("mine/key")
    assert kept.read_bytes() == b"1"


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

    with pytest.raises(UserError, match=f"server.log does not say why, the disk.*{NEXT_START}$"):
        lose()
    assert "ersist" in (tmp_path / "server.log").read_text()
    assert "could not save its state" in str(folder.prepare_state(tmp_path))


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
            message = f"Cannot listen on port {port}: .*[^.]\\. Choose another"
            assert_no_start(tmp_path, message, port)


def test_the_error_for_an_unusable_folder_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_no_start(tmp_path / "file", f"cannot use the folder {tmp_path / 'file'}")


def test_a_server_that_does_not_start_in_time_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "START_LIMIT", 0.0)
    assert_no_start(tmp_path, "It gave no answer and no reason")
    with FileLock(tmp_path / LOCK, timeout=0):
        assert not (tmp_path / PORT).exists()


@pytest.mark.usefixtures("measured")
def test_two_servers_never_use_one_folder(tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):  # as a server that is starting
        assert_no_start(tmp_path, "Another process is starting or stopping the local cloud")
