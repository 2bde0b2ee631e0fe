"""The pinned CDK CLI is installed where it is missing, and run on the pinned Node."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools import cdk, node
from tools.project import ROOT


def test_the_cli_is_that_of_the_lock_file(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[Path] = []
    monkeypatch.setattr(node, "install", installed.append)
    command = cdk.command("synth")
    assert installed == [ROOT]
    assert command[0] == str(node.NODE)
    assert command[-2:] == [str(cdk.CLI / "bin/cdk"), "synth"]


def test_what_node_has_compiled_of_the_cli_is_kept_and_the_app_is_not_told() -> None:
    code = "[require('node:module').getCompileCacheDir(), process.env.NODE_COMPILE_CACHE]"
    command = [str(node.NODE), "--require", str(cdk.PRELOAD), "--print", f"JSON.stringify({code})"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    folder, told = json.loads(done.stdout)
    assert Path(folder).is_relative_to(ROOT / "build" / "node")
    assert told is None


def test_uv_run_cdk_becomes_the_cli_on_the_pinned_node(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: became.extend(arguments))
    monkeypatch.setattr("sys.argv", ["cdk", "deploy", "StorageStack"])
    cdk.main()
    program, arguments, environment = became
    assert program == str(node.NODE)
    assert isinstance(arguments, list)
    assert arguments[-3:] == [str(cdk.CLI / "bin/cdk"), "deploy", "StorageStack"]
    assert isinstance(environment, dict)
    assert environment["JSII_NODE"] == str(node.NODE)
    assert "WEALTH_OPS_PARENT" not in environment  # it is a person's own, and may outlive a shell


def test_flags_that_the_cli_would_ignore_are_found() -> None:
    right = ["--revert-drift", "--no-rollback", "--context=a=b", "-e"]
    assert cdk.unknown("deploy", [*right, "--no-such", "--nosuch=1"]) == ["--no-such", "--nosuch=1"]
    assert cdk.unknown("deploy", []) == []


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
