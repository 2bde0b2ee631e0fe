"""What a destroy deletes, and what it says before its question."""

from unittest.mock import Mock

import pytest

from tests.tools.deployment.conftest import ACCOUNT, DATA, ROLES, FakeAccount, Prepare
from tools.cdk_cli.cdk import Done
from tools.deployment.deployed import DeployedStacks
from tools.deployment.destroy import destroy
from tools.deployment.target import Target
from tools.errors import UsageError

COMMAND = ("Destroying", "destroy", "--force", "--exclusively")


@pytest.fixture(autouse=True)
def deployed(account: FakeAccount) -> None:
    """A protected stack with a retained bucket, and a stack that depends on it."""
    account.deploy(DATA)
    account.deploy(ROLES)
    data = {"Bucket": "AWS::S3::Bucket", "Policy": "AWS::S3::BucketPolicy"}
    account.contents = {DATA.name: data, ROLES.name: {"Role": "AWS::IAM::Role"}}


@pytest.mark.parametrize(
    ("stacks", "status", "deleted"),
    [([], 0, ["Roles"]), (["*"], 1, ["Roles"]), (["Data"], 1, []), (["Roles"], 0, ["Roles"])],
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
    is_on: bool,
) -> None:
    # The deployed stack's protection may have been turned off by hand.
    account.stacks[DATA.name]["EnableTerminationProtection"] = is_on
    assert destroy(prepared(stacks=stacks).options) == status
    assert [call.args for call in account.cdk.call_args_list] == [
        (*COMMAND, name) for name in deleted
    ]
    output = capsys.readouterr().out
    sentence = "Data (acme-data) is retained: it has termination protection, because it holds data."
    assert (sentence in output) is (stacks != ["Roles"])
    assert ("Will be deleted: AWS::IAM::Role role\n" in output) is bool(deleted)
    assert "Will be retained" not in output


def test_a_stack_that_was_protected_by_hand_is_retained(
    account: FakeAccount, prepared: Prepare
) -> None:
    account.stacks[ROLES.name]["EnableTerminationProtection"] = True
    assert destroy(prepared().options) == 0
    account.cdk.assert_not_called()


@pytest.mark.parametrize("status", [0, 7])
def test_an_unprotected_stack_is_deleted_with_its_dependents_and_protected_if_that_fails(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    account.cdk.return_value = Done(status, "")
    assert destroy(prepared(stacks=["Data"], unprotect=True).options) == status
    account.cdk.assert_called_once_with(*COMMAND, "Data", "Roles")
    assert "Roles will also be deleted: it depends on Data.\n" in capsys.readouterr().out
    assert account.is_protected(DATA) is bool(status)


def test_deleted_and_retained_resources_are_listed_before_the_question(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"Destroy Data \(acme-data\), Roles \(acme-roles\)"):
        destroy(prepared(unprotect=True, yes=False).options)
    account.cdk.assert_not_called()
    assert account.is_protected(DATA)
    assert capsys.readouterr().out == (
        "Will be deleted: AWS::S3::BucketPolicy policy\n"
        "Will be deleted: AWS::IAM::Role role\n"
        "Will be retained: AWS::S3::Bucket bucket\n"
        "Without its bucket policy, a retained bucket also accepts requests without TLS.\n"
        "A later deploy can adopt the retained resources. Run in the account 111122223333 "
        "(acme-data in eu-central-1, acme-roles in eu-central-1):\n"
        "  uv run nox -s deploy -- --to aws --environment test --import-existing-resources\n"
    )


def test_a_deployed_template_that_cannot_be_parsed_does_not_stop_a_destroy(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.templates[DATA.name] = None
    assert destroy(prepared(unprotect=True).options) == 0
    output = capsys.readouterr().out
    assert "Data: cannot tell what is retained, because its template cannot be parsed.\n" in output
    assert "Will be deleted: AWS::IAM::Role role\n" in output
    assert "Bucket" not in output


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("Resources: {A: {Type: B}}", {"Resources": {"A": {"Type": "B"}}}),
        ("Resources: {A: {Type: B}, A: {Type: B}}", None),
    ],
)
def test_a_deployed_template_may_be_yaml(
    monkeypatch: pytest.MonkeyPatch, body: str, template: object
) -> None:
    client = Mock(get_template=Mock(return_value={"TemplateBody": body}))
    monkeypatch.setattr(DeployedStacks, "client", lambda *_: client)
    deployed = DeployedStacks(Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"))
    assert deployed.template(DATA) == template


def test_a_stack_in_review_has_no_resources_and_a_missing_stack_is_named(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy(DATA, "REVIEW_IN_PROGRESS")
    del account.stacks[ROLES.name]
    assert destroy(prepared(unprotect=True).options) == 0
    account.cdk.assert_called_once_with(*COMMAND, "Data")
    output = capsys.readouterr().out
    assert output.startswith("Roles (acme-roles) does not exist.\n")
    assert "Will be" not in output
