"""The destructive changes that the guard finds when the storage stack changes."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.storage.stack import StorageStack
from tests.support import (
    ENVIRONMENT,
    Alteration,
    GuardCase,
    check_guard,
    new_test_app,
    override,
    resource_of,
)


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


EXPORTS = ("acme-storage-test:DataBucketName", "acme-storage-test:DataBucketArn")
CASES: dict[str, GuardCase] = {
    "rename the bucket": (override("DataBucket", BucketName="other"), "DataBucket", *EXPORTS),
    "change the logical id": (
        lambda stack: resource_of(stack, "DataBucket").override_logical_id("Other"),
        *("DataBucket", "DataBucket/Policy", *EXPORTS),
    ),
    "suspend versioning": (override("DataBucket", VersioningConfiguration=None), "DataBucket"),
    "do not retain the bucket": (
        lambda stack: resource_of(stack, "DataBucket").apply_removal_policy(
            cdk.RemovalPolicy.DESTROY
        ),
        "DataBucket",
    ),
    "allow plain HTTP": (
        lambda stack: stack.node.find_child("DataBucket").node.try_remove_child("Policy"),
        "DataBucket/Policy",
    ),
    "allow public policies": (
        override("DataBucket", PublicAccessBlockConfiguration__BlockPublicPolicy=False),
        "DataBucket",
    ),
    "let everyone read": (let_everyone_read, "DataBucket/Policy"),
    "expire objects": (with_rule(ExpirationInDays=7), "DataBucket"),
    "stop events": (override("DataBucket", NotificationConfiguration=None), "DataBucket"),
    "rename an export": (rename_export, EXPORTS[0]),
    "abort uploads sooner": (with_rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 3}),),
    "add a tag": (lambda stack: cdk.Tags.of(stack).add("A", "b"),),
}


def stack() -> StorageStack:
    return StorageStack(new_test_app(), ENVIRONMENT)


def test_guard_finds_destructive_changes() -> None:
    check_guard(stack, CASES)
