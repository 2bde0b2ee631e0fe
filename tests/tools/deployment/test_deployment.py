"""How a deployment runs the CDK CLI, asks before anything changes, and ends after Ctrl-C."""

import os
from unittest.mock import Mock

import pytest

from tests.tools.deployment.conftest import DATA, Prepare
from tools.cdk_cli import cdk
from tools.cdk_cli.cdk import ROUTINE, Done
from tools.deployment import deployment as module
from tools.errors import UserError


@pytest.mark.parametrize(
    ("kind", "verbose", "flags", "hidden"),
    [
        ("aws", False, [], None),
        ("local", False, ["--proxy=", "--no-notices"], ROUTINE),
        ("local", True, ["--proxy=", "--no-notices"], None),
    ],
)
def test_cdk_ignores_the_settings_of_the_user_and_hides_lines_on_the_local_cloud(
    prepared: Prepare,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    flags: list[str],
    hidden: object,
    *,
    verbose: bool,
) -> None:
    run = Mock(return_value=Done(7, ""))
    monkeypatch.setattr(cdk, "run", run)
    deployment = prepared(kind, verbose=verbose)
    assert deployment.cdk("Step", "deploy", "A", hidden=ROUTINE) == Done(7, "")
    words = ["Step", "deploy", "A", "--profile=", "--app", str(deployment.assembly), *flags]
    run.assert_called_once_with(*words, variables=os.environ, hidden=hidden)


@pytest.mark.parametrize("answer", ["n", "", "y", EOFError])
def test_only_the_answer_yes_goes_on(
    prepared: Prepare,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str | type[EOFError],
) -> None:
    monkeypatch.setattr(module, "is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", Mock(side_effect=[answer]))
    deployment = prepared(yes=False)
    if answer == "y":
        deployment.confirm("Deploy", [DATA])
    else:
        with pytest.raises(UserError, match=r"Nothing was done\."):
            deployment.confirm("Deploy", [DATA])
    assert capsys.readouterr().out.startswith(
        "Deploy Data (acme-data)\nenvironment test, region eu-central-1, AWS, account 111122223333 "
    )


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
