"""One command adds an action with a reason, and records the policies."""

import tomllib
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.execution_policy import __main__ as allow
from tools.execution_policy import table


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Records nothing. The environment `account` has no rights."""
    for module in (allow, table):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "OWN", tmp_path / "rights.toml")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "execution-policy.json").touch()
    monkeypatch.setattr(allow, "environments", lambda: ["account", "dev"])
    monkeypatch.setattr(allow, "record_all", recorder := Mock())
    return recorder


def test_the_action_is_added_and_the_next_step_is_said(
    tmp_path: Path, record: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert allow.main(["sqs:CreateQueue", "--reason", 'It says "no"']) == 0
    record.assert_called_once_with(["account", "dev"])
    output = capsys.readouterr().out
    assert "Added sqs:CreateQueue to rights.toml" in output
    assert "deploys them for dev:" in output
    assert "for account" not in output
    arguments = ["--resource", "*", "--environment", "dev", "--boundary"]
    assert allow.main(["xray:PutTraceSegments", "--reason", "traces", *arguments]) == 0
    record.assert_called_with(["dev"])
    assert tomllib.loads((tmp_path / "rights.toml").read_text())["allow"] == [
        {"action": "sqs:CreateQueue", "reason": 'It says "no"'},
        {
            "action": "xray:PutTraceSegments",
            "reason": "traces",
            "resource": "*",
            "environment": "dev",
            "boundary": True,
        },
    ]
    assert len(table.own_rows()) == 2


def test_a_wrong_action_is_refused_before_anything_is_written(
    tmp_path: Path, record: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert allow.main(["iam:CreateUser", "--reason", "x"]) == 1
    assert "give itself every permission" in capsys.readouterr().err
    assert not (tmp_path / "rights.toml").exists()
    record.assert_not_called()
