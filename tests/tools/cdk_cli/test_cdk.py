"""The pinned CDK CLI is installed if it is missing, and runs on the pinned Node."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
from rich.text import Text

from tools.cdk_cli import cdk, node
from tools.errors import UserError
from tools.project import ROOT


def test_uv_run_cdk_starts_the_installed_cli_on_the_pinned_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Mock()
    monkeypatch.setattr(node, "install", calls.install)
    monkeypatch.setattr(os, "execve", calls.execve)
    monkeypatch.delenv("JSII_NODE")
    monkeypatch.setattr("sys.argv", ["cdk", "deploy", "StorageStack"])
    cdk.main()
    calls.install.assert_called_once_with(ROOT)
    program, arguments, environment = calls.execve.call_args.args
    assert program == arguments[0] == str(node.NODE)
    assert arguments[-3:] == [str(cdk.CLI / "bin/cdk"), "deploy", "StorageStack"]
    assert environment["JSII_NODE"] == str(node.NODE)
    assert "WEALTH_OPS_PARENT" not in environment  # the CLI may outlive the user's shell


def test_flags_that_the_cli_would_ignore_are_found() -> None:
    right = ["--revert-drift", "--no-rollback", "--context=a=b", "-e"]
    assert cdk.unknown("deploy", [*right, "--no-such", "--nosuch=1"]) == ["--no-such", "--nosuch=1"]
    assert cdk.unknown("deploy", []) == []


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run Python code instead of the CDK CLI."""
    monkeypatch.setattr(cdk, "command", lambda code: [sys.executable, "-c", code])
    return lambda code: cdk.run("Step [a]", code, variables=os.environ)


Python = Callable[..., tuple[int, str]]


def test_the_output_of_the_cli_is_shown_and_returned_with_its_status(
    python: Python, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; print('[b]one', flush=True); print('no', file=sys.stderr); sys.exit(3)"
    assert python(code) == (3, "[b]one\nno\n")
    assert capsys.readouterr().out == "Step [a] …\n[b]one\nno\n"


def test_the_cli_ends_when_this_process_is_interrupted(
    python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Text, "from_ansi", Mock(side_effect=KeyboardInterrupt))
    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        python("import time; print('one', flush=True); time.sleep(60)")
    assert psutil.Process().children() == before


def test_the_settings_file_of_the_user_does_not_reach_the_cli(tmp_path: Path) -> None:
    (tmp_path / ".cdk.json").write_text('{"context": {"default-account": "refused by the CLI"}}')
    done = subprocess.run(
        cdk.command("context"),
        cwd=tmp_path,
        env={**os.environ, **cdk.VARIABLES, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_home_that_cannot_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(UserError, match=r"HOME=.*/file/home cannot be used: .*Set HOME"):
        cdk.command()
