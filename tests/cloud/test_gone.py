"""A local cloud that ends while something is at work on it ends that, too, and says so."""

import os
import signal
import socket
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import boto3
import pytest

from tools import cdk
from tools.console import UserError
from tools.deployment import operation
from tools.deployment.operation import Options
from tools.local_cloud.client import LocalCloud
from tools.local_cloud.state import HOST, CloudState


def kill_server(directory: Path) -> None:
    endpoint = CloudState(directory, "").find()
    assert endpoint is not None
    os.kill(endpoint.process, signal.SIGKILL)


def ended() -> AbstractContextManager[object]:
    return pytest.raises(UserError, match="Run the same command again")


def test_a_command_ends_with_the_cloud(
    assembly: Path, cloud_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(cdk, "command", lambda *_: sleeper)
    options = Options("deploy", to="local", app=str(assembly))
    start = time.monotonic()
    with ended(), operation.operation(options) as op:
        kill_server(cloud_folder)
        op.cdk("Sleeping", "deploy")
    assert time.monotonic() - start < 30


def test_a_call_that_the_cloud_does_not_answer_any_more_says_so(
    assembly: Path, cloud_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    options = Options("deploy", to="local", app=str(assembly))
    with ended(), operation.operation(options):
        kill_server(cloud_folder)
        boto3.client("s3").list_buckets()


def test_a_cloud_that_is_only_busy_is_not_gone(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0), backlog=0) as busy:
        cloud = LocalCloud(tmp_path, busy.getsockname()[1], "000000000000", tmp_path)
        assert not cloud.is_gone()
        waiting = []
        for _ in range(3):  # nobody accepts: at last one waits in vain
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((HOST, cloud.port))
            waiting.append(one)
        assert not cloud.is_gone()
        for one in waiting:
            one.close()
    assert cloud.is_gone()
