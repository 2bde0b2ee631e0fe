"""A deploy that fails because a resource already exists shows how to go on."""

import pytest

from tests.tools.deployment.conftest import DATA, FakeAccount, Prepare
from tools.deployment.conflicts import show_next_step
from tools.deployment.options import ADOPT

# What CloudFormation says, as the CDK CLI prints it, when it validates a change set, when a
# resource is not created, and when it refuses a stack.
EARLY = "Resource of type 'AWS::S3::Bucket' with identifier 'acme-data' already\n  exists."
LATE = "(HandlerErrorCode: AlreadyExists)"
REFUSED = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list"
OWNED = "already exists in\nstack arn:aws:cloudformation:eu-central-1:111122223333:stack/acme-old/1"
LEFT = "AWS::Logs::LogGroup /acme/job"
COMMAND = "--force --import-existing-resources\n"


@pytest.mark.parametrize(
    ("output", "left", "said", "ends"),
    [
        (EARLY, [], "A deploy adopts what exists, if its template names it", COMMAND),
        (LATE, [], "A deploy adopts what exists, if its template names it", COMMAND),
        (REFUSED, [], f"acme-data: {EARLY}\n", COMMAND),
        ("Rate exceeded", [LEFT], f"acme-data: {LEFT} already exists: the failed", COMMAND),
        (
            "Rate exceeded",
            [],
            "Fix the cause that cdk shows above",
            "run the same command again.\n",
        ),
        (
            OWNED,
            [],
            "Another stack owns it: acme-old.",
            "#move-a-retained-resource-between-stacks.\n",
        ),
    ],
)
def test_the_next_step_fits_the_cause_and_never_prints_itself_again(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    output: str,
    left: list[str],
    said: str,
    ends: str,
) -> None:
    account.deploy(DATA, "ROLLBACK_COMPLETE")
    account.validations, account.left = [EARLY], left
    show_next_step(prepared(cdk_flags=["--force"]), output)
    printed = capsys.readouterr().out
    assert said in printed
    assert printed.endswith(ends)
    show_next_step(prepared(cdk_flags=[ADOPT]), output)
    again = capsys.readouterr().out
    assert ADOPT not in again
    assert ("Delete what exists and is not adopted" in again) is (ends == COMMAND)


@pytest.mark.parametrize(
    ("status", "is_refused"), [("UPDATE_ROLLBACK_COMPLETE", True), ("UPDATE_COMPLETE", False)]
)
def test_an_update_can_be_refused_but_retains_nothing_that_the_next_one_creates(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    status: str,
    *,
    is_refused: bool,
) -> None:
    account.deploy(DATA, status)
    account.left = [LEFT]
    account.validations = ["Invalid property."]
    show_next_step(prepared(), REFUSED)
    output = capsys.readouterr().out
    assert ("acme-data: Invalid property.\n" in output) is is_refused
    assert LEFT not in output


def test_a_stack_that_cannot_be_read_is_named(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.unreadable = {DATA.name}
    show_next_step(prepared(), "")
    assert capsys.readouterr().out.startswith("Not checked: AccessDenied\nFix the cause")
