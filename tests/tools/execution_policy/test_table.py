"""The user's rows in snapshots/execution-rights.toml."""

from pathlib import Path

import pytest

from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    REGION,
    Assembly,
    Simulator,
    computed,
)
from tools.errors import UserError
from tools.execution_policy.policy import rights

ROLE = f"arn:aws:iam::{ACCOUNT}:role"
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data-test"}}


def test_a_row_adds_an_action_for_its_environment(assembly: Assembly, rows: Path) -> None:
    rows.write_text(
        """
        [[allow]]
        action = "sqs:CreateQueue"
        reason = "needed"
        environment = "test"
        [[allow]]
        action = "sqs:DeleteQueue"
        reason = "needed"
        environment = "prod"
        [[allow]]
        action = "xray:PutTraceSegments"
        reason = "traces"
        resource = "*"
        boundary = true
        """
    )
    found = computed(assembly({"Bucket": BUCKET}))
    execution, boundary = Simulator(*found["execution"]), Simulator(found["boundary"])
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:acme-jobs-test"
    assert execution.allows("sqs:CreateQueue", queue)
    assert not execution.allows("sqs:CreateQueue", queue.replace("acme", "other"))
    assert not execution.allows("sqs:DeleteQueue", queue)
    assert not execution.allows("xray:PutTraceSegments")
    assert boundary.allows("xray:PutTraceSegments")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("action = 1 =", "Expected newline"),
        ('action = "sqs:CreateQueue"', "reason"),
        ('action = "sqs:CreateQueue"\nreason = " "', "write a reason for the reviewer"),
        ('action = "sqs:*"\nreason = "x"', r"'sqs:\*' is no IAM action"),
        ('action = "sqs:Creat?Queue"\nreason = "x"', "is no IAM action"),
        ('action = "sqs:MakeQueue"\nreason = "x"', "is no IAM action"),
        ('action = "nothing:MakeQueue"\nreason = "x"', "is no IAM action"),
        ('action = "iam:CreateUser"\nreason = "x"', "give itself every permission"),
        ('action = "sqs:CreateQueue"\nreason = "x"\nwhy = "x"', "unexpected keyword.*why"),
    ],
)
def test_a_row_that_is_wrong_is_an_error(
    assembly: Assembly, rows: Path, row: str, message: str
) -> None:
    rows.write_text(f"[[allow]]\n{row}\n")
    with pytest.raises(UserError, match=message):
        rights(assembly({"Bucket": BUCKET}))
