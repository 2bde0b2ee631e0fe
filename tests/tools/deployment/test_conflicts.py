"""A deploy that fails because a resource already exists shows how to go on."""

import pytest
from botocore.exceptions import ClientError

from tests.tools.deployment.conftest import FakeAccount, Prepare, refused
from tools.deployment.conflicts import explain

# What CloudFormation says, as the CDK CLI prints it, when it validates a change set and when a
# service refuses the resource; and what it says about a stack that it refuses.
EARLY = """Early validation failed for change set cdk-deploy-change-set:
  Resource of type 'AWS::S3::Bucket' with identifier 'acme-data' already
  exists. (at /Resources/Data)"""
SERVICE = "HandlerErrorCode: AlreadyExists"
REFUSED = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list"


@pytest.mark.parametrize("output", [EARLY, SERVICE])
@pytest.mark.parametrize("error", [None, refused("404"), refused("400")])
def test_on_aws_the_next_command_adopts_the_resource(
    account: FakeAccount,
    prepared: Prepare,
    capsys: pytest.CaptureFixture[str],
    output: str,
    error: ClientError | None,
) -> None:
    account.client.head_bucket.return_value = {"BucketRegion": "eu-central-1"}
    account.client.head_bucket.side_effect = error
    assert explain(prepared(cdk_flags=["--no-rollback"]), output)
    said = capsys.readouterr().out
    assert said.startswith("A destroy and a failed deploy retain resources; a deploy can adopt")
    assert "uv run nox -s deploy -- --to aws --environment test --no-rollback --import-ex" in said


def test_a_bucket_in_another_region_or_account_cannot_be_adopted(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.client.head_bucket.side_effect = [{"BucketRegion": "eu-west-1"}, refused("403")]
    assert explain(prepared(), EARLY)
    assert explain(prepared(), EARLY)
    assert capsys.readouterr().out == (
        "Your bucket acme-data is in eu-west-1, so a stack in eu-central-1 cannot adopt it. "
        "Delete the bucket, or change `Environment.region` in stacks/core/environment.py.\n"
        "S3 denies access to the bucket acme-data: probably another AWS account owns the name. "
        "Choose another default for `Environment.project` in stacks/core/environment.py.\n"
    )


def test_on_the_local_cloud_the_reason_is_read_and_the_cloud_can_be_emptied(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.validations = ["Resource of type 'A' with identifier 'a' already exists."]
    assert explain(prepared("local"), REFUSED)
    said = capsys.readouterr().out
    assert said.startswith(f"acme-data: {account.validations[0]}\nThe local cloud cannot adopt exi")
    assert "To start with an empty local cloud, " in said


def test_other_failures_are_not_explained(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not explain(prepared(), "Rate exceeded")
    account.validations = ["Properties/Colour: no such property"]
    assert not explain(prepared("local"), REFUSED)
    assert capsys.readouterr().out == "acme-data: Properties/Colour: no such property\n"
