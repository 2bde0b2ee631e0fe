"""Ctrl-C stops the CDK CLI, but not CloudFormation."""

from unittest.mock import Mock

import pytest

from tests.tools.deployment.conftest import Prepare
from tools.cdk_cli import cdk


@pytest.mark.parametrize(
    ("verb", "kind", "continues"),
    [("deploy", "aws", True), ("diff", "aws", False), ("deploy", "local", False)],
)
def test_after_an_interrupt_the_user_knows_that_a_change_on_aws_goes_on(
    prepared: Prepare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    kind: str,
    *,
    continues: bool,
) -> None:
    monkeypatch.setattr(cdk, "run", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepared(kind, verb=verb).cdk("Step", verb)
    assert ("CloudFormation goes on" in capsys.readouterr().out) is continues
