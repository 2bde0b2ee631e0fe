"""What the guard stops, and what passes, when somebody changes the storage stack."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.storage.stack import StorageStack, lifecycle_rules
from tests.hazards import Case, Change, made_with, said_to, then

BUCKET = "DataBucket (AWS::S3::Bucket)"
BUCKET_LEAVES = f"{BUCKET} leaves the stack, but is kept"
UNDENIED = [
    f"AWS:* is no longer denied s3:* on ${{DataBucketE3889A50.Arn}}{end} if {condition}"
    for condition in (
        '{"Bool": {"aws:SecureTransport": "false"}}',
        '{"NumericLessThan": {"s3:TlsVersion": 1.2}}',
    )
    for end in ("", "/*")
]


def stack() -> StorageStack:
    return StorageStack(new_app(), Environment())


def with_bucket(*, within: str | None = None, **arguments: object) -> Change:
    """The stack, if its bucket is made with other arguments, or within another construct."""
    return made_with(stack, s3, "Bucket", "DataBucket", arguments, within)


def with_rule(**arguments: Any) -> Change:  # noqa: ANN401 (one value a case)
    """The stack, if its bucket has one more lifecycle rule."""
    rule = s3.LifecycleRule(id="new", **arguments)
    return with_bucket(lifecycle_rules=[*lifecycle_rules(), rule])


def let_everyone_read(changed: StorageStack) -> None:
    bucket = changed.node.find_child("DataBucket")
    assert isinstance(bucket, s3.Bucket)
    bucket.grant_read(iam.AnyPrincipal())


def rename_export(changed: StorageStack) -> None:
    output = changed.node.find_child("DataBucketName")
    assert isinstance(output, cdk.CfnOutput)
    output.export_name = "wealth-ops-storage-dev:Name"


def exports_of(bucket: str) -> list[str]:
    """What is said when the exports of the bucket become those of another one."""
    return [
        f"the export wealth-ops-storage-dev:{name} changes from "
        f"{form % 'DataBucketE3889A50'} to {form % bucket}"
        for name, form in (
            ("DataBucketName", '{"Ref": "%s"}'),
            ("DataBucketArn", '{"Fn::GetAtt": ["%s", "Arn"]}'),
        )
    ]


CASES = {
    "rename the bucket": Case(
        with_bucket(bucket_name="other-data-dev"),
        f'{BUCKET} is replaced: BucketName changes from "wealth-ops-data-dev" to "other-data-dev"',
    ),
    "change a construct id": Case(
        with_bucket(id="Bucket"), BUCKET_LEAVES, *exports_of("Bucket83908E77"), *UNDENIED
    ),
    "move a construct": Case(
        with_bucket(within="Data"), BUCKET_LEAVES, *exports_of("DataDataBucketA7E8509A"), *UNDENIED
    ),
    "drop versioning": Case(
        with_bucket(versioned=False),
        f'{BUCKET}: VersioningConfiguration.Status changes from "Enabled" to nothing',
    ),
    "drop retention": Case(
        with_bucket(removal_policy=cdk.RemovalPolicy.DESTROY),
        f'{BUCKET}: DeletionPolicy changes from "Retain" to "Delete"',
        f'{BUCKET}: UpdateReplacePolicy changes from "Retain" to "Delete"',
    ),
    "allow plain HTTP": Case(with_bucket(enforce_ssl=False, minimum_tls_version=None), *UNDENIED),
    "allow older TLS": Case(with_bucket(minimum_tls_version=1.1), *UNDENIED[2:]),
    "allow public policies": Case(
        with_bucket(block_public_access=s3.BlockPublicAccess.BLOCK_ACLS_ONLY),
        f"{BUCKET}: PublicAccessBlockConfiguration.BlockPublicPolicy changes from true to false",
        f"{BUCKET}: PublicAccessBlockConfiguration.RestrictPublicBuckets changes from true to "
        "false",
    ),
    "let everyone read": Case(
        then(stack, let_everyone_read),
        *(
            f"AWS:* may {action} on ${{DataBucketE3889A50.Arn}}{end}"
            for action in ("s3:GetBucket*", "s3:GetObject*", "s3:List*")
            for end in ("", "/*")
        ),
    ),
    "expire objects": Case(
        with_rule(expiration=cdk.Duration.days(7)),
        f"{BUCKET}: a lifecycle rule deletes: "
        '{"ExpirationInDays": 7, "Id": "new", "Status": "Enabled"}',
    ),
    "expire old versions sooner": Case(
        with_rule(noncurrent_version_expiration=cdk.Duration.days(9)),
        f'{BUCKET}: a lifecycle rule deletes: {{"Id": "new", '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 9}, "Status": "Enabled"}',
    ),
    "keep old versions longer": Case(
        with_bucket(
            lifecycle_rules=[s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(120))]
        )
    ),
    "remove an export": Case(
        then(stack, lambda stack: stack.node.try_remove_child("DataBucketName")),
        "the export wealth-ops-storage-dev:DataBucketName is removed",
    ),
    "rename an export": Case(
        then(stack, rename_export),
        "the export wealth-ops-storage-dev:DataBucketName is removed",
    ),
    "move objects to a colder class": Case(
        with_rule(
            transitions=[
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER, transition_after=cdk.Duration.days(30)
                )
            ]
        )
    ),
    "abort uploads sooner": Case(
        with_rule(abort_incomplete_multipart_upload_after=cdk.Duration.days(3))
    ),
    "add a tag": Case(then(stack, lambda stack: cdk.Tags.of(stack).add("A", "b"))),
    "change a description": Case(
        then(stack, lambda stack: setattr(stack.template_options, "description", "Another"))
    ),
}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    return said_to(CASES, stack())


@pytest.mark.parametrize("name", CASES)
def test_what_the_guard_says_to(name: str, said: dict[str, list[str]]) -> None:
    assert said[name] == CASES[name].said
