"""Ctrl-C stops the command, but not CloudFormation."""

import pytest

from tests.tools.deployment.conftest import Prepare


@pytest.mark.parametrize(
    ("verb", "kind", "continues"),
    [("destroy", "aws", True), ("diff", "aws", False), ("deploy", "local", False)],
)
def test_after_an_interrupt_the_user_knows_that_a_change_on_aws_goes_on(
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    kind: str,
    *,
    continues: bool,
) -> None:
    with pytest.raises(KeyboardInterrupt), prepared(kind, verb=verb).changing():
        raise KeyboardInterrupt
    assert ("CloudFormation goes on" in capsys.readouterr().out) is continues
