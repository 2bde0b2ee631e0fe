"""`nox -s cloud` serves the local cloud until it is stopped, and prints variables for clients."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cloud.conftest import ACCOUNT, Tools, server_of
from tools.deployment import serve
from tools.local_cloud.client import LocalCloud
from tools.local_cloud.folder import PORT


def test_the_cloud_is_served_until_it_is_interrupted(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "a cloud"

    def interrupt(_: float) -> None:
        assert (directory / PORT).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "time", SimpleNamespace(sleep=interrupt))
    status, output = tools("cloud", WEALTH_OPS_CLOUD=str(directory))
    assert status == 0
    assert "export AWS_ENDPOINT_URL=https://127.0.0.1:" in output
    assert f"export AWS_CA_BUNDLE='{directory}/" in output
    # With these variables, the aws CLI would ignore the access keys.
    assert "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n" in output
    assert "export NO_PROXY=127.0.0.1${NO_PROXY:+,$NO_PROXY}\n" in output
    assert "Stopping." in output
    assert not (directory / PORT).exists()


def test_the_cloud_ends_when_its_parent_process_ends(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents = iter([2, 2, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    assert tools("cloud", WEALTH_OPS_CLOUD=str(tmp_path)).status == 0
    assert not (tmp_path / PORT).exists()


def test_a_running_cloud_is_shown_and_not_stopped(
    tools: Tools, here: dict[str, str], cloud: LocalCloud
) -> None:
    status, output = tools("cloud", **here)
    assert status == 0
    assert f"is up at {cloud.url} already" in output
    assert server_of(cloud).is_running()


def test_aws_needs_no_server(tools: Tools, account: dict[str, str]) -> None:
    status, output = tools("cloud", "--to", "aws", **account)
    assert status == 0
    assert f"account {ACCOUNT} as arn:aws:iam::{ACCOUNT}:root needs no server" in output
    assert "export" not in output
