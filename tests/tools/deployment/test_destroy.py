"""What a destroy deletes, and what it says before its question; end_to_end/ has the imports."""

import pytest

from tests.tools.deployment.conftest import DATA, ROLES, FakeAccount, Prepare
from tools.deployment.destroy import destroy
from tools.errors import UsageError, UserError

ON, OFF = {"EnableTerminationProtection": True}, {"EnableTerminationProtection": False}


@pytest.fixture(autouse=True)
def deployed(account: FakeAccount) -> None:
    """A protected stack with a retained bucket, and a stack that depends on it."""
    account.deploy(DATA)
    account.deploy(ROLES)
    data = {"Bucket": "AWS::S3::Bucket", "Policy": "AWS::S3::BucketPolicy"}
    account.contents = {DATA.name: data, ROLES.name: {"Role": "AWS::IAM::Role"}}


@pytest.mark.parametrize(
    ("stacks", "unprotect", "by_hand", "status", "deleted"),
    [
        ([], False, {}, 0, ["Roles"]),
        (["*"], False, {}, 1, ["Roles"]),
        (["Data"], False, {}, 1, []),
        (["Roles"], False, {}, 0, ["Roles"]),
        (["Data"], True, {}, 0, ["Roles", "Data"]),
        # Somebody has turned protection off, or on.
        (["Data"], False, {DATA.name: OFF}, 1, []),
        ([], False, {ROLES.name: ON}, 0, []),
    ],
)
def test_protected_stacks_are_retained_and_fail_a_command_that_names_them(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    stacks: list[str],
    by_hand: dict[str, dict[str, bool]],
    status: int,
    deleted: list[str],
    *,
    unprotect: bool,
) -> None:
    for name, protection in by_hand.items():
        account.stacks[name] |= protection
    assert destroy(prepared(stacks=stacks, unprotect=unprotect).options) == status
    assert account.deleted == deleted
    output = capsys.readouterr().out
    sentence = "Data (acme-data) was not deleted: it has termination protection, because it holds"
    assert (sentence in output) is (not unprotect and stacks != ["Roles"])
    also = "Roles will also be deleted: it depends on Data.\n"
    assert (also in output) is (stacks == ["Data"] and unprotect)


def test_after_a_failed_deletion_the_reasons_are_shown_and_the_rest_is_protected_again(
    account: FakeAccount, prepared: Prepare
) -> None:
    account.undeletable = True
    reasons = r"Roles \(acme-roles\) was not deleted: .*DependencyViolation.*\n  Role: in use$"
    with pytest.raises(UserError, match=reasons):
        destroy(prepared(unprotect=True).options)
    assert account.deleted == []
    assert account.is_protected(DATA)


def test_deleted_and_retained_resources_are_listed_before_the_question(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"Destroy Roles \(acme-roles\), Data \(acme-data\)"):
        destroy(prepared(stacks=["Data"], unprotect=True, yes=False).options)
    assert account.deleted == []
    assert account.is_protected(DATA)
    # The command names each stack that is deleted, not only the one in the command line.
    assert capsys.readouterr().out == (
        "Roles will also be deleted: it depends on Data.\n"
        "Will be deleted: AWS::IAM::Role role\n"
        "Will be deleted: AWS::S3::BucketPolicy policy\n"
        "Will be retained: AWS::S3::Bucket bucket\n"
        "Without its bucket policy, a retained bucket also accepts requests without TLS.\n"
        "A later deploy can adopt the retained resources. Run in the account 111122223333 "
        "(acme-roles in eu-central-1, acme-data in eu-central-1):\n"
        "  uv run nox -s deploy -- --to aws --environment test Roles Data "
        "--import-existing-resources\n"
    )


def test_what_cannot_be_read_does_not_stop_a_destroy_but_is_said(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.templates[DATA.name] = "Resources: {Bucket: {DeletionPolicy: Retain}}"
    del account.stacks[ROLES.name]
    assert destroy(prepared(unprotect=True).options) == 0
    assert account.deleted == ["Data"]
    output = capsys.readouterr().out
    assert output.startswith("Roles (acme-roles) does not exist.\n")
    assert "Data: cannot tell what is retained, because its template is not JSON.\n" in output
    assert "Will be" not in output


def test_a_stack_in_review_has_no_resources(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy(DATA, "REVIEW_IN_PROGRESS")
    account.templates[DATA.name] = "none"
    assert destroy(prepared(stacks=["Data"], unprotect=True).options) == 0
    assert "Data: cannot tell" not in capsys.readouterr().out
