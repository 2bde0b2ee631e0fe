"""The user's rows in snapshots/execution-rights.toml."""

from pathlib import Path

import pytest

from tests.tools.execution_policy.conftest import ACCOUNT, REGION, Compute, Simulator
from tools.errors import UserError

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data-test"}}
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}"


def test_a_row_adds_an_action_for_its_environment(compute: Compute, rows: Path) -> None:
    rows.write_text(
        """
        [[allow]]
        actions = ["sqs:CreateQueue"]
        reason = "needed"
        environment = "test"
        [[allow]]
        actions = ["sqs:DeleteQueue"]
        reason = "needed"
        environment = "prod"
        [[allow]]
        actions = ["xray:PutTraceSegments"]
        reason = "traces"
        resource = "*"
        boundary = true
        """
    )
    found = compute({"Bucket": BUCKET})
    execution = Simulator(*found["execution"])
    assert execution.allows("sqs:CreateQueue", f"{QUEUES}:acme-jobs-test")
    assert not execution.allows("sqs:CreateQueue", f"{QUEUES}:other-jobs-test")
    assert not execution.allows("sqs:DeleteQueue", f"{QUEUES}:acme-jobs-test")
    assert not execution.allows("xray:PutTraceSegments")
    assert Simulator(found["boundary"]).allows("xray:PutTraceSegments")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("actions = 1 =", "Expected newline"),
        ('actions = ["sqs:CreateQueue"]', "reason"),
        ('actions = ["sqs:CreateQueue"]\nreason = " "', "write a reason for the reviewer"),
        ('actions = ["sqs:*"]\nreason = "x"', r"'sqs:\*' is no IAM action"),
        ('actions = ["sqs:Creat?Queue"]\nreason = "x"', "is no IAM action"),
        ('actions = ["sqs:MakeQueue"]\nreason = "x"', "is no IAM action"),
        ('actions = ["nothing:MakeQueue"]\nreason = "x"', "is no IAM action"),
        ('actions = ["iam:CreateUser"]\nreason = "x"', "give itself every permission"),
        ('actions = ["sso:CreateAccountAssignment"]\nreason = "x"', "give itself every permission"),
        ('actions = ["IAM:CreateUser"]\nreason = "x"', "give itself every permission"),
        ('actions = ["sqs:CreateQueue"]\nreason = "x"\nwhy = "x"', "unexpected keyword.*why"),
    ],
)
def test_a_row_that_is_wrong_is_an_error(
    compute: Compute, rows: Path, row: str, message: str
) -> None:
    rows.write_text(f"[[allow]]\n{row}\n")
    with pytest.raises(UserError, match=message):
        compute({"Bucket": BUCKET})
