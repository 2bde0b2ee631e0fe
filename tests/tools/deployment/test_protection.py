"""An operation that fails leaves no stack without termination protection, or says so."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from tests.tools.deployment.conftest import DATA, FakeAccount, Prepare
from tools.deployment.protection import without_protection
from tools.errors import UserError

MORE = replace(DATA, id="More", name="acme-more")


@pytest.fixture(autouse=True)
def deployed(account: FakeAccount) -> None:
    account.deploy(DATA)
    account.deploy(MORE)


def test_protection_is_off_during_the_operation_and_then_on_for_what_still_exists(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    with without_protection(prepared(), [DATA, MORE]):
        assert not account.is_protected(DATA)
        assert not account.is_protected(MORE)
        del account.stacks[MORE.name]
    assert account.is_protected(DATA)
    assert capsys.readouterr().out == (
        "Turned off the termination protection of Data (acme-data).\n"
        "Turned off the termination protection of More (acme-more).\n"
        "Turned the termination protection of Data (acme-data) on again.\n"
    )


@pytest.mark.parametrize(
    ("interrupted", "denied", "error"),
    [
        (set(), set(), UserError),  # by the operation
        ({MORE.name}, set(), KeyboardInterrupt),  # while the second call runs
        (set(), {MORE.name}, ClientError),
    ],
)
def test_protection_is_on_again_after_an_error_or_an_interrupt(
    account: FakeAccount,
    prepared: Prepare,
    interrupted: set[str],
    denied: set[str],
    error: type[BaseException],
) -> None:
    account.interrupted = interrupted
    account.unchangeable = denied
    with pytest.raises(error), without_protection(prepared(), [DATA, MORE]):
        raise UserError("any")
    assert account.is_protected(DATA)
    assert account.is_protected(MORE)


def test_a_stack_that_cannot_be_protected_again_is_announced_with_the_next_command(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    with without_protection(prepared(), [DATA, MORE]):
        account.unchangeable = {DATA.name}
        account.unreadable = {MORE.name}
    output = capsys.readouterr().out
    for title in ("Data (acme-data)", "More (acme-more)"):
        assert f"{title} has no termination protection, and it cannot be turned on: " in output
    assert "A deploy turns it on. Run in the account 111122223333 (acme-data in " in output
    assert "uv run nox -s deploy -- --to aws --environment test Data\n" in output
