"""Ctrl-C stops the CDK CLI, but not CloudFormation."""

from dataclasses import replace
from typing import NoReturn

import pytest

from tools.cdk_cli import cdk
from tools.deployment.operation import Operation
from tools.deployment.options import Options
from tools.deployment.target import Target


@pytest.mark.parametrize(
    ("verb", "kind", "continues"),
    [("deploy", "aws", True), ("diff", "aws", False), ("deploy", "local", False)],
)
def test_an_interrupted_change_on_aws_goes_on_and_the_next_command_is_shown(
    op: Operation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    kind: str,
    *,
    continues: bool,
) -> None:
    def interrupt(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(cdk, "run", interrupt)
    target = Target("aws" if kind == "aws" else "local", op.target.account, op.target.principal)
    with pytest.raises(KeyboardInterrupt):
        replace(op, options=Options(verb), target=target).cdk("Step", verb)
    output = capsys.readouterr().out
    assert ("CloudFormation goes on" in output) is continues
    assert (f"uv run nox -s {verb} -- --to aws" in output) is continues
