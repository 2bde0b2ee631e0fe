"""A deploy that fails because a resource already exists shows how to go on."""

import json

import pytest

from tests.tools.deployment.conftest import DATA, FakeAccount, Prepare, refused
from tools.cdk_cli.assembly import Json
from tools.deployment.conflicts import show_next_step
from tools.deployment.options import ADOPT

BUCKET: Json = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "Properties": {"BucketName": "acme-data"},
}
ALARM: Json = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "loud"}}
TOPIC: Json = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
NEW: Json = {"Type": "AWS::New::Thing"}
# What CloudFormation says, as the CDK CLI prints it, when it validates a change set; and what it
# says about a stack that it refuses.
EARLY = """Early validation failed for change set cdk-deploy-change-set:
  Resource of type 'AWS::S3::Bucket' with identifier 'acme-data' already
  exists. (at /Resources/Data)"""
REFUSED = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list"
ADOPTS = "--no-rollback --import-existing-resources\n"
REPEATS = "Then run the same command again.\n"


@pytest.mark.parametrize(
    ("resource", "event", "output", "said", "ends"),
    [
        (BUCKET, "", EARLY, "Data: AWS::S3::Bucket acme-data exists already.\n", ADOPTS),
        (BUCKET, "CREATE_FAILED", "", "Data: AWS::S3::Bucket acme-data exists", ADOPTS),
        (BUCKET, "DELETE_SKIPPED", "", "Data: AWS::S3::Bucket acme-data exists", ADOPTS),
        (BUCKET, "", "Rate exceeded", "Fix the cause that cdk shows above.", REPEATS),
        (ALARM, "CREATE_FAILED", "", "exists already. A deploy adopts only a resource", REPEATS),
        (TOPIC, "CREATE_FAILED", "", "Topic One exists already. Its name is not in the", REPEATS),
        (TOPIC, "DELETE_SKIPPED", "", "Fix the cause that cdk shows above.", REPEATS),
        (NEW, "CREATE_FAILED", "", "Thing One exists already. Its name is not in the", REPEATS),
        (BUCKET, "CREATE_FAILED", "✅  Data (acme-data)", "Fix the cause that cdk", REPEATS),
    ],
)
def test_what_exists_is_named_with_the_command_that_adopts_it(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    resource: Json,
    event: str,
    output: str,
    said: str,
    ends: str,
) -> None:
    account.deploy(DATA, "ROLLBACK_COMPLETE")
    reason = "HandlerErrorCode: AlreadyExists"
    account.events[DATA.name] = [
        {"LogicalResourceId": "One", "ResourceStatus": event, "ResourceStatusReason": reason}
    ]
    deployment = prepared(cdk_flags=["--no-rollback"])
    template = {"Resources": {"One": resource, "Other": TOPIC}}
    (deployment.assembly / DATA.template).write_text(json.dumps(template))
    show_next_step(deployment, output)
    printed = capsys.readouterr().out
    assert said in printed
    assert printed.endswith(ends)
    # The command that adopts is not printed again after it has failed.
    show_next_step(prepared(cdk_flags=[ADOPT]), output)
    assert ADOPT not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "obstacle"), [("403", "S3 denies access to it: probably another"), ("404", "\n")]
)
def test_a_bucket_of_another_account_cannot_be_adopted(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    code: str,
    obstacle: str,
) -> None:
    account.deploy(DATA)
    account.client.head_bucket.side_effect = refused(code)
    account.validations = ["Resource of type 'AWS::S3::Bucket' with identifier 'acme-data' already"]
    deployment = prepared()
    (deployment.assembly / DATA.template).write_text(json.dumps({"Resources": {"One": BUCKET}}))
    show_next_step(deployment, REFUSED)
    output = capsys.readouterr().out
    assert output.startswith(f"acme-data: {account.validations[0]}\n")
    assert f"Bucket acme-data exists already.{' ' * (code == '403')}{obstacle}" in output


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("flags", [[], [ADOPT]])
def test_a_resource_of_another_stack_is_moved_and_not_adopted(
    prepared: Prepare, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    stack = "arn:aws:cloudformation:eu-central-1:111122223333:stack/acme-old/1-2"
    show_next_step(prepared(cdk_flags=flags), f"acme-data already exists in\nstack {stack}")
    assert capsys.readouterr().out == (
        "Another stack owns it: acme-old. Follow docs/changing.md"
        "#move-a-retained-resource-between-stacks.\n"
    )


def test_a_stack_that_cannot_be_read_is_named(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.unreadable = {DATA.name}
    show_next_step(prepared(), "")
    assert capsys.readouterr().out.startswith("Not checked: AccessDenied\nFix the cause")
