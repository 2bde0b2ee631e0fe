"""One command adds an action with a reason, and records the policies."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.execution_policy import __main__ as allow
from tools.execution_policy import table
from tools.execution_policy.table import Row


@pytest.fixture(autouse=True)
def record(rows: Path, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Records nothing. The environment `account` has no rights."""
    monkeypatch.setattr(allow, "ROOT", rows.parent)
    monkeypatch.setattr(allow, "OWN", rows)
    monkeypatch.setattr(allow, "environments", lambda: ["account", "dev"])
    monkeypatch.setattr(allow, "find_rights", {"dev": "any"}.get)
    monkeypatch.setattr(allow, "how_to_deploy", lambda name: f"DEPLOY {name}")
    monkeypatch.setattr(allow, "record_all", recorder := Mock())
    return recorder


def test_the_action_is_added_and_the_next_step_is_said(
    record: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert allow.main(["sqs:CreateQueue", "--reason", 'It says "no"']) == 0
    record.assert_called_once_with(["account", "dev"])
    output = capsys.readouterr().out
    assert "Added sqs:CreateQueue to rights.toml" in output
    assert "deploys them:\n  DEPLOY dev\n" in output
    assert "DEPLOY account" not in output
    arguments = ["--resource", "*", "--environment", "dev", "--boundary"]
    assert allow.main(["xray:PutTraceSegments", "--reason", "traces", *arguments]) == 0
    record.assert_called_with(["dev"])
    first = Row(["sqs:CreateQueue"], 'It says "no"')
    second = Row(
        ["xray:PutTraceSegments"], "traces", resource="*", environment="dev", boundary=True
    )
    assert table.allowed()[-2:] == [first, second]


def test_a_wrong_action_is_refused_before_anything_is_written(
    rows: Path, record: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert allow.main(["sqs:CreateQueue", "iam:CreateUser", "--reason", "x"]) == 1
    assert "give itself every permission" in capsys.readouterr().err
    assert not rows.exists()
    record.assert_not_called()
