"""The differences between the registry schemas and what CloudFormation calls, each with a reason.

docs/execution-policy.md compares our resource types with AWS's documentation and public reports.
Your own rows are in snapshots/execution-rights.toml, and `nox -s allow` adds one.
"""

import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from tools.errors import UserError
from tools.execution_policy.aws import find_action
from tools.project import ROOT

OWN = ROOT / "snapshots" / "execution-rights.toml"


class Extra(NamedTuple):
    """Actions that a schema lacks; without a resource, on the project's resources."""

    types: str
    actions: Sequence[str]
    resource: str | None
    why: str


class Excluded(NamedTuple):
    """Actions that a schema lists and no template of ours needs."""

    types: str
    actions: Sequence[str]
    why: str


_BOOTSTRAP_VERSION = (
    "arn:${AWS::Partition}:ssm:{region}:${AWS::AccountId}:parameter/cdk-bootstrap/*"
)
_ASSETS = "arn:${AWS::Partition}:s3:::cdk-*-assets-${AWS::AccountId}-{region}/*"

EXTRA = [
    Extra(
        "*",
        ["ssm:GetParameters"],
        _BOOTSTRAP_VERSION,
        "CloudFormation reads the template parameter BootstrapVersion (aws/aws-cdk#20959)",
    ),
    Extra(
        "AWS::Lambda::*",
        ["s3:GetObject", "s3:GetObjectVersion"],
        _ASSETS,
        "Lambda reads the code as the principal that creates the function (Lambda API reference, "
        "FunctionCode); the CDK publishes it to the bootstrap's bucket",
    ),
    Extra(
        "AWS::Lambda::*",
        ["lambda:GetFunctionConfiguration", "lambda:ListVersionsByFunction"],
        None,
        "A drift check and an update compare the configuration; the schema lists both for versions",
    ),
    Extra(
        "Custom::*",
        ["lambda:InvokeFunction"],
        None,
        "CloudFormation invokes a custom resource's function as the stack's role "
        "(KensioSoftware/yulin#1329)",
    ),
    Extra(
        "AWS::CloudFormation::CustomResource",
        ["lambda:InvokeFunction"],
        None,
        "As for the types that begin with Custom::",
    ),
    Extra(
        "AWS::EC2::Subnet",
        ["ec2:DescribeAvailabilityZones"],
        None,
        "Fn::GetAZs lists the zones (metadist/synaplan#1547)",
    ),
    Extra(
        "AWS::IAM::Role",
        ["iam:ListInstanceProfilesForRole"],
        None,
        "A role can be deleted only without instance profiles (IAM API reference, DeleteRole; "
        "metadist/synaplan#1547)",
    ),
    Extra(
        "AWS::S3::Bucket",
        ["s3:PutBucketTagging", "s3:GetBucketTagging"],
        None,
        "Bucket tags, in accounts where S3 does not authorize them as s3:TagResource",
    ),
]
EXCLUDED = [
    Excluded(
        "AWS::IAM::*",
        ["iam:*User*", "iam:*Group*", "iam:DeleteRolePermissionsBoundary"],
        "Users and groups own the account's people; without its boundary, a role may become more "
        "than CloudFormation (docs/decisions/0012)",
    ),
    Excluded(
        "AWS::S3::*",
        ["s3tables:*", "s3:*Metadata*", "s3:*Object", "s3:PutObjectAcl", "iam:PassRole"],
        "Metadata tables and replication, which no bucket here has; and no deploy deletes objects",
    ),
    Excluded(
        "AWS::DynamoDB::*",
        [
            *("dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan", "dynamodb:*Import*"),
            *("kinesis:*", "logs:*", "s3:*"),
        ],
        "Imports, streams to Kinesis and global tables, which read and write items",
    ),
    Excluded(
        "AWS::Lambda::*",
        ["s3:*", "s3files:*", "elasticfilesystem:*", "lambda:PassCapacityProvider"],
        "File systems and capacity providers; the code's bucket has a row above",
    ),
    Excluded(
        "AWS::Logs::LogGroup",
        ["firehose:*", "logs:CreateLogDelivery", "logs:*ResourcePolicy", "logs:*IndexPolicy"],
        "Log delivery, and policies that IAM cannot limit to a log group",
    ),
    Excluded(
        "AWS::StepFunctions::*",
        ["s3:*"],
        "Definitions in a bucket; the CDK writes them into the template",
    ),
    Excluded(
        "AWS::ECS::*",
        ["ecs:PutAccountSetting*"],
        "Settings of the whole account, not of one cluster",
    ),
    Excluded(
        "*",
        ["kms:*"],
        "Other people's keys: AWS owns the keys that encrypt our resources. For a key of yours, "
        "allow the actions on its ARN; AWS::KMS types keep theirs, on keys with the project's tag",
    ),
]
# What drift detection must not read, although AWS calls it a read: it returns data.
DATA = [
    "dynamodb:Query",
    "dynamodb:Scan",
    "*:GetItem",
    "s3:GetObject*",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter*",
    "states:GetExecutionHistory",
]
# Whoever has one of these could give themselves everything.
REFUSED = ["account:*", "iam:*", "organizations:*", "sts:*"]


class Own(NamedTuple):
    """A row of yours; for a role's boundary instead of CloudFormation if `boundary` is set."""

    action: str
    reason: str
    resource: str | None = None
    environment: str | None = None
    boundary: bool = False


def own_rows() -> list[Own]:
    """The rows in snapshots/execution-rights.toml. Raises `UserError` for an incomplete row."""
    name = OWN.relative_to(ROOT)
    try:
        rows = tomllib.loads(OWN.read_text() if OWN.exists() else "").get("allow", [])
        found = [Own(**row) for row in rows]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{name}: {error}. Each [[allow]] needs action and reason, and may have resource, "
            "environment and boundary."
        ) from error
    for row in found:
        check_row(row)
    return found


def check_row(row: Own) -> None:
    """Raise `UserError` for a row that IAM would not understand, or that gives everything."""
    if not row.reason.strip():
        raise UserError(f"{row.action}: write a reason for the reviewer.")
    if "*" in row.action or "?" in row.action or find_action(row.action) is None:
        raise UserError(
            f"{row.action!r} is no IAM action. Write one action as CloudFormation's AccessDenied "
            "names it, for example sqs:CreateQueue, without wildcards."
        )
    if any(fnmatchcase(row.action, pattern) for pattern in REFUSED):
        raise UserError(
            f"{row.action} would let a deploy give itself every permission. Let a person deploy "
            "this resource in the account environment instead (docs/execution-policy.md)."
        )


def is_excluded(resource_type: str, action: str) -> bool:
    """Whether a row above excludes an action of a type."""
    if action.startswith("kms:") and resource_type.startswith("AWS::KMS::"):
        return False
    return any(
        fnmatchcase(resource_type, row.types)
        and any(fnmatchcase(action, pattern) for pattern in row.actions)
        for row in EXCLUDED
    )


def extras(resource_type: str) -> Iterator[Extra]:
    """The rows above for a type."""
    return (row for row in EXTRA if fnmatchcase(resource_type, row.types))
