"""If the local cloud ends during an operation, the operation ends with an error message."""

import json
import os
import signal
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from tools import cdk
from tools.console import UserError
from tools.deployment import operation
from tools.deployment.options import Options
from tools.local_cloud.folder import ENDPOINT


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new local cloud, which the tools use."""
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(tmp_path))
    return tmp_path


def kill_server(directory: Path) -> None:
    os.kill(json.loads((directory / ENDPOINT).read_text())["process"], signal.SIGKILL)


def ended() -> AbstractContextManager[object]:
    return pytest.raises(UserError, match="Run the same command again")


def test_a_command_ends_when_the_local_cloud_ends(
    assembly: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(cdk, "command", lambda *_: sleeper)
    options = Options("deploy", to="local", app=str(assembly))
    start = time.monotonic()
    with ended(), operation.operation(options) as op:
        kill_server(directory)
        op.cdk("Sleeping", "deploy")
    assert time.monotonic() - start < 30


def test_a_call_after_the_end_of_the_local_cloud_ends_the_operation(
    assembly: Path, directory: Path
) -> None:
    options = Options("deploy", to="local", app=str(assembly))
    with ended(), operation.operation(options):
        kill_server(directory)
        boto3.client("s3", config=Config(retries={"max_attempts": 0})).list_buckets()
