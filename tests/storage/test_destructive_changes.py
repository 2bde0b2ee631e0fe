"""The destructive changes that the guard finds when the storage stack changes."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.storage.stack import StorageStack
from tests.support import (
    ENVIRONMENT,
    Alteration,
    guard_findings,
    new_test_app,
    override,
    resource_of,
)

UNDENIED = [
    f"DataBucket/Policy: AWS:* is no longer denied s3:* on ${{DataBucketE3889A50.Arn}}{end} "
    f"if {condition}"
    for condition in (
        '{"Bool": {"aws:SecureTransport": "false"}}',
        '{"NumericLessThan": {"s3:TlsVersion": 1.2}}',
    )
    for end in ("", "/*")
]


def let_everyone_read(stack: cdk.Stack) -> None:
    bucket = stack.node.find_child("DataBucket")
    assert isinstance(bucket, s3.Bucket)
    bucket.grant_read(iam.AnyPrincipal())


def with_rule(**rule: object) -> Alteration:
    """The bucket with one lifecycle rule."""
    rules = {"Rules": [{"Status": "Enabled", **rule}]}
    return override("DataBucket", LifecycleConfiguration=rules)


def rename_export(stack: cdk.Stack) -> None:
    output = stack.node.find_child("DataBucketName")
    assert isinstance(output, cdk.CfnOutput)
    output.export_name = "other:Name"


POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
CASES: dict[str, tuple[Alteration, list[str]]] = {
    "rename the bucket": (
        override("DataBucket", BucketName="other"),
        [
            'DataBucket: is replaced: BucketName changes from "acme-data-test" to "other"',
            *(
                f"acme-storage-test:{key}: changes, because DataBucketE3889A50 is replaced"
                for key in ("DataBucketName", "DataBucketArn")
            ),
        ],
    ),
    "change the logical id": (
        lambda stack: resource_of(stack, "DataBucket").override_logical_id("Other"),
        [
            "DataBucket: leaves the stack, but is retained",
            *UNDENIED,
            (
                'acme-storage-test:DataBucketName: changes from {"Ref": "DataBucketE3889A50"} to '
                '{"Ref": "Other"}'
            ),
            (
                "acme-storage-test:DataBucketArn: changes from "
                '{"Fn::GetAtt": ["DataBucketE3889A50", "Arn"]} to {"Fn::GetAtt": ["Other", "Arn"]}'
            ),
        ],
    ),
    "suspend versioning": (
        override("DataBucket", VersioningConfiguration=None),
        ['DataBucket: VersioningConfiguration.Status changes from "Enabled" to nothing'],
    ),
    "do not retain the bucket": (
        lambda stack: resource_of(stack, "DataBucket").apply_removal_policy(
            cdk.RemovalPolicy.DESTROY
        ),
        [f'DataBucket: {policy} changes from "Retain" to "Delete"' for policy in POLICIES],
    ),
    "allow plain HTTP and older TLS": (
        lambda stack: stack.node.find_child("DataBucket").node.try_remove_child("Policy"),
        UNDENIED,
    ),
    "allow public policies": (
        override("DataBucket", PublicAccessBlockConfiguration__BlockPublicPolicy=False),
        ["DataBucket: PublicAccessBlockConfiguration.BlockPublicPolicy changes from true to false"],
    ),
    "let everyone read": (
        let_everyone_read,
        [
            f"DataBucket/Policy: AWS:* is allowed {action} on ${{DataBucketE3889A50.Arn}}{end}"
            for action in ("s3:GetBucket*", "s3:GetObject*", "s3:List*")
            for end in ("", "/*")
        ],
    ),
    "expire objects": (
        with_rule(ExpirationInDays=7),
        [
            (
                "DataBucket: a lifecycle rule deletes or archives: "
                '{"ExpirationInDays": 7, "Status": "Enabled"}'
            )
        ],
    ),
    "stop events to EventBridge": (
        override("DataBucket", NotificationConfiguration=None),
        [
            (
                "DataBucket: NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled "
                "changes from true to nothing"
            )
        ],
    ),
    "rename an export": (
        rename_export,
        ["acme-storage-test:DataBucketName: is no longer exported"],
    ),
    "abort uploads sooner": (
        with_rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 3}),
        [],
    ),
    "add a tag": (lambda stack: cdk.Tags.of(stack).add("A", "b"), []),
}


def stack() -> StorageStack:
    return StorageStack(new_test_app(), ENVIRONMENT)


@pytest.fixture(scope="module")
def findings() -> dict[str, list[str]]:
    return guard_findings(stack, {name: alter for name, (alter, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_guard_finds_destructive_changes(name: str, findings: dict[str, list[str]]) -> None:
    assert findings[name] == CASES[name][1]
