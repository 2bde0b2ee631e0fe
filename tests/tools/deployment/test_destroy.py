"""What a destroy deletes, and what it says before its question; end_to_end/ has the imports."""

import pytest

from tests.tools.deployment.conftest import DATA, ROLES, FakeAccount, Prepare
from tools.deployment.destroy import destroy
from tools.errors import UsageError


@pytest.fixture(autouse=True)
def deployed(account: FakeAccount) -> None:
    """A protected stack with a retained bucket, and a stack that depends on it."""
    account.deploy(DATA)
    account.deploy(ROLES)
    data = {"Bucket": "AWS::S3::Bucket", "Policy": "AWS::S3::BucketPolicy"}
    account.contents = {DATA.name: data, ROLES.name: {"Role": "AWS::IAM::Role"}}


@pytest.mark.parametrize(
    ("stacks", "unprotect", "status", "deleted"),
    [
        ([], False, 0, ["Roles"]),
        (["*"], False, 1, ["Roles"]),
        (["Data"], False, 1, []),
        (["Roles"], False, 0, ["Roles"]),
        (["Data"], True, 0, ["Roles", "Data"]),
    ],
)
@pytest.mark.parametrize("is_on", [True, False])
def test_protected_stacks_are_retained_and_fail_a_command_that_names_them(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    stacks: list[str],
    status: int,
    deleted: list[str],
    *,
    unprotect: bool,
    is_on: bool,
) -> None:
    # The deployed stack's protection may have been turned off by hand.
    account.stacks[DATA.name]["EnableTerminationProtection"] = is_on
    deployment = prepared(stacks=stacks, unprotect=unprotect)
    assert destroy(deployment.options) == status
    assert account.deleted == deleted
    output = capsys.readouterr().out
    sentence = "Data (acme-data) is retained: it has termination protection, because it holds data."
    assert (sentence in output) is (not unprotect and stacks != ["Roles"])
    also = "Roles will also be deleted: it depends on Data.\n"
    assert (also in output) is (stacks == ["Data"] and unprotect)


def test_a_stack_that_was_protected_by_hand_is_retained(
    account: FakeAccount, prepared: Prepare
) -> None:
    account.stacks[ROLES.name]["EnableTerminationProtection"] = True
    assert destroy(prepared().options) == 0
    assert account.deleted == []


def test_after_a_failed_deletion_the_reasons_are_shown_and_the_rest_is_protected_again(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.undeletable = {ROLES.name}
    failed = {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "in use"}
    account.events[ROLES.name] = [{"LogicalResourceId": "Role", **failed}, {}]
    assert destroy(prepared(unprotect=True).options) == 1
    assert account.deleted == []
    assert account.is_protected(DATA)
    output = capsys.readouterr().out
    assert "Roles (acme-roles) was not deleted: An error occurred (DependencyViolation)" in output
    assert "\n  Role: in use\n" in output


def test_deleted_and_retained_resources_are_listed_before_the_question(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"Destroy Roles \(acme-roles\), Data \(acme-data\)"):
        destroy(prepared(unprotect=True, yes=False).options)
    assert account.deleted == []
    assert account.is_protected(DATA)
    assert capsys.readouterr().out == (
        "Will be deleted: AWS::IAM::Role role\n"
        "Will be deleted: AWS::S3::BucketPolicy policy\n"
        "Will be retained: AWS::S3::Bucket bucket\n"
        "Without its bucket policy, a retained bucket also accepts requests without TLS.\n"
        "A later deploy can adopt the retained resources. Run in the account 111122223333 "
        "(acme-roles in eu-central-1, acme-data in eu-central-1):\n"
        "  uv run nox -s deploy -- --to aws --environment test Roles Data "
        "--import-existing-resources\n"
    )


def test_what_cannot_be_read_does_not_stop_a_destroy(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.templates[DATA.name] = None
    account.stacks[DATA.name]["Outputs"] = [{"ExportName": "any"}, {"OutputKey": "own"}]
    account.unreadable = {"every stack"}
    assert destroy(prepared(unprotect=True).options) == 0
    output = capsys.readouterr().out
    assert "Not checked whether another stack imports from Data: AccessDenied\n" in output
    assert "Data: cannot tell what is retained, because its template cannot be parsed.\n" in output
    assert "Will be deleted: AWS::IAM::Role role\n" in output
    assert "Not checked for stacks that the code does not have: AccessDenied\n" in output
    assert "Bucket" not in output


def test_a_stack_in_review_has_no_resources_and_a_missing_stack_is_named(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy(DATA, "REVIEW_IN_PROGRESS")
    del account.stacks[ROLES.name]
    assert destroy(prepared(unprotect=True).options) == 0
    assert account.deleted == ["Data"]
    output = capsys.readouterr().out
    assert output.startswith("Roles (acme-roles) does not exist.\n")
    assert "Will be" not in output
