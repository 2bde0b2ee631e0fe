"""`nox -s cloud` serves the local cloud until it is stopped, and prints variables for clients."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cloud.conftest import ACCOUNT, Tools
from tools.deployment import serve
from tools.local_cloud.client import LocalCloud
from tools.local_cloud.folder import ENDPOINT


def test_the_cloud_is_served_until_it_is_interrupted(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "a cloud"

    def interrupt() -> bool:
        assert (directory / ENDPOINT).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_has_parent", interrupt)
    status, output = tools("cloud", WEALTH_OPS_CLOUD=str(directory))
    assert status == 0
    assert "export AWS_ENDPOINT_URL=https://127.0.0.1:" in output
    assert f"export AWS_CA_BUNDLE='{directory}/" in output
    # With these variables, the aws CLI would ignore the access keys.
    assert "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n" in output
    assert "export NO_PROXY=127.0.0.1${NO_PROXY:+,$NO_PROXY}\n" in output
    assert "Stopping." in output
    assert not (directory / ENDPOINT).exists()


def test_the_cloud_ends_when_its_nox_process_ends(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(tmp_path))
    nox = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def kill_when_served() -> None:
        while not (tmp_path / ENDPOINT).exists():
            time.sleep(0.05)
        time.sleep(1)
        nox.kill()
        nox.wait()

    threading.Thread(target=kill_when_served).start()
    assert tools("cloud", WEALTH_OPS_NOX=str(nox.pid)).status == 0
    assert not (tmp_path / ENDPOINT).exists()


def test_a_server_without_nox_does_not_stop_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEALTH_OPS_NOX", raising=False)
    assert serve._has_parent()


def test_a_running_cloud_is_shown_and_not_stopped(
    tools: Tools, here: dict[str, str], cloud: LocalCloud
) -> None:
    status, output = tools("cloud", **here)
    assert status == 0
    assert f"is up at {cloud.url} already" in output
    assert not cloud.is_gone()


def test_aws_needs_no_server(tools: Tools, unbootstrapped: dict[str, str]) -> None:
    account = unbootstrapped | {"AWS_ACCESS_KEY_ID": ACCOUNT}
    status, output = tools("cloud", "--to", "aws", **account)
    assert status == 0
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root needs no server" in output
    assert "export" not in output
