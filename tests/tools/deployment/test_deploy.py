"""What a deploy asks, runs and says."""

import pytest

from tests.tools.deployment.conftest import DATA, ROLES, FakeAccount, Prepare
from tools.cdk_cli.cdk import ROUTINE
from tools.deployment.deploy import deploy
from tools.deployment.options import REVERT
from tools.errors import UsageError, UserError


@pytest.mark.parametrize("kind", ["aws", "local"])
def test_a_deploy_runs_cdk_once_and_shows_the_table_and_the_next_step(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    options = prepared(kind, cdk_flags=["--force"]).options
    assert deploy(options) == 0
    flags = ("--exclusively", "--require-approval=never", "--progress=events", "--concurrency=8")
    command = ("Deploying", "deploy", "Data", "Roles", *flags, "--force")
    account.cdk.assert_called_once_with(*command, hidden=ROUTINE)
    output = capsys.readouterr().out
    assert "Status, name or ARN" in output
    serve = f"`uv run nox -s cloud -- --environment {options.environment}`"
    assert (f"Next: {serve} serves" in output) is (kind == "local")


def test_without_an_answer_nothing_is_changed_on_aws(
    account: FakeAccount, prepared: Prepare
) -> None:
    account.deploy(DATA, "ROLLBACK_COMPLETE")
    with pytest.raises(UsageError, match=r"There is no terminal for the question\. Add --yes\."):
        deploy(prepared(yes=False).options)
    account.cdk.assert_not_called()
    assert account.is_protected(DATA)


@pytest.mark.parametrize(
    ("status", "is_unprotected"),
    [
        ("CREATE_COMPLETE", False),
        ("CREATE_FAILED", False),
        ("REVIEW_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", True),
        ("ROLLBACK_FAILED", True),
    ],
)
def test_only_a_protected_stack_whose_creation_failed_is_unprotected(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    status: str,
    *,
    is_unprotected: bool,
) -> None:
    account.deploy(DATA, status)
    account.deploy(ROLES, status)  # has no protection
    assert deploy(prepared().options) == 0
    assert capsys.readouterr().out.count("Turned off the termination") == is_unprotected


def test_the_local_cloud_reverts_no_drift(account: FakeAccount, prepared: Prepare) -> None:
    with pytest.raises(UserError, match="The local cloud ignores --revert-drift"):
        deploy(prepared("local", cdk_flags=[REVERT]).options)
    account.cdk.assert_not_called()
