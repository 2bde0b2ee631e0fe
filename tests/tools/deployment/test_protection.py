"""A command that fails leaves no stack without termination protection, or says so."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tests.tools.deployment.conftest import DATA, FakeAccount, Prepare
from tools.cdk_cli.cdk import Done
from tools.deployment.protection import without_protection

MORE = replace(DATA, id="More", name="acme-more")


@pytest.fixture(autouse=True)
def deployed(account: FakeAccount) -> None:
    account.deploy(DATA)
    account.deploy(MORE)


def test_protection_is_off_during_the_command_and_stays_off_if_it_succeeds(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> Done:
        assert not account.is_protected(DATA)
        assert not account.is_protected(MORE)
        return Done(0, "done")

    assert without_protection(prepared(), [DATA, MORE], run) == Done(0, "done")
    assert not account.is_protected(DATA)
    assert capsys.readouterr().out == (
        "Turned off the termination protection of Data (acme-data).\n"
        "Turned off the termination protection of More (acme-more).\n"
    )


@pytest.mark.parametrize("interrupted", [set(), {MORE.name}])
def test_protection_is_on_again_after_an_interrupt(
    account: FakeAccount, prepared: Prepare, interrupted: set[str]
) -> None:
    account.interrupted = interrupted
    with pytest.raises(KeyboardInterrupt):
        without_protection(prepared(), [DATA, MORE], Mock(side_effect=KeyboardInterrupt))
    assert account.is_protected(DATA)
    assert account.is_protected(MORE)


def test_after_a_failed_command_the_stacks_that_still_exist_are_protected_again(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> Done:
        del account.stacks[MORE.name]
        return Done(7, "")

    assert without_protection(prepared(), [DATA, MORE], run).status == 7
    assert account.is_protected(DATA)
    output = capsys.readouterr().out
    assert output.count("on again.") == 1
    assert "Turned the termination protection of Data (acme-data) on again.\n" in output


def test_the_first_stack_is_protected_again_if_the_second_call_is_denied(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.unchangeable = {MORE.name}
    with pytest.raises(ClientError, match="AccessDenied"):
        without_protection(prepared(), [DATA, MORE], Mock())
    assert account.is_protected(DATA)
    assert account.is_protected(MORE)
    assert "cannot be turned on" not in capsys.readouterr().out


def test_a_stack_that_cannot_be_protected_again_is_announced_with_the_next_command(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> Done:
        account.unchangeable = {DATA.name}
        account.unreadable = {MORE.name}
        return Done(1, "")

    assert without_protection(prepared(), [DATA, MORE], run).status == 1
    output = capsys.readouterr().out
    for title in ("Data (acme-data)", "More (acme-more)"):
        assert f"{title} has no termination protection, and it cannot be turned on: " in output
    assert "A deploy turns it on. Run in the account 111122223333 (acme-data in " in output
    assert "uv run nox -s deploy -- --to aws --environment test Data\n" in output
