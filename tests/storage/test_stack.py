"""The data bucket is private, encrypted, versioned and retained, and its data never expires."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from aws_cdk.assertions import Template

from stacks.core.environment import InvalidEnvironmentError
from stacks.storage.stack import BUCKET_NAME, StorageStack
from tests.stacks import ENVIRONMENT, new_test_app


@pytest.fixture(scope="module")
def stack() -> StorageStack:
    return StorageStack(new_test_app(), ENVIRONMENT)


@pytest.fixture(scope="module")
def template(stack: StorageStack) -> Template:
    return Template.from_stack(stack)


def test_the_bucket_is_private_versioned_encrypted_retained_and_sends_events(
    stack: StorageStack, template: Template
) -> None:
    assert stack.termination_protection
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "Properties": {
                "BucketName": "acme-data-test",
                "VersioningConfiguration": {"Status": "Enabled"},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "NotificationConfiguration": {
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True}
                },
            },
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        },
    )


def test_an_environment_may_change_retention_event_bridge_and_protection() -> None:
    stack = StorageStack(
        new_test_app(),
        ENVIRONMENT,
        noncurrent_version_days=365,
        event_bridge=False,
        termination_protection=False,
    )
    (bucket,) = Template.from_stack(stack).find_resources("AWS::S3::Bucket").values()
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    days = [rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays") for rule in rules]
    assert days == [None, 365, None, None]
    assert "NotificationConfiguration" not in bucket["Properties"]
    assert not stack.termination_protection


@pytest.mark.parametrize(
    ("settings", "bucket"),
    [
        ({"project": "sthree"}, "sthree-data-test"),
        ({"name": "an"}, "acme-data-an"),
        ({"project": "p" * 50, "name": "n" * 8}, f"{'p' * 50}-data-{'n' * 8}"),
    ],
)
def test_the_stack_refuses_an_environment_that_gives_an_invalid_bucket_name(
    settings: dict[str, str], bucket: str
) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"'{bucket}'.*S3 user guide"):
        StorageStack(new_test_app(), replace(ENVIRONMENT, **settings))


# Environment never produces these values, because its rules are narrower than AWS's rules.
@pytest.mark.parametrize(
    "name",
    [
        *("ab", "-data", "data-", "Data", "a_b", "xn--data", "amzn-s3-demo-data"),
        *("data-s3alias", "data--ol-s3", "data--x-s3", "data--table-s3"),
    ],
)
def test_a_bucket_name_that_s3_refuses_is_refused(name: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"bucket name '{name}'"):
        BUCKET_NAME.check(name)
    assert BUCKET_NAME.check("b" * 63) == "b" * 63


def test_the_bucket_policy_denies_requests_without_tls_1_2_and_allows_nothing(
    template: Template,
) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    denial = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, {"Fn::Join": ["", [arn, "/*"]]}],
    }
    (policy,) = template.find_resources("AWS::S3::BucketPolicy").values()
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {**denial, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {**denial, "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}},
    ]


def test_the_bucket_has_exactly_these_lifecycle_rules(template: Template) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket").values()
    cool = [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 1}]
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule.pop("Id"): rule for rule in rules} == {
        "abort-unfinished-uploads": {
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Status": "Enabled",
        },
        "expire-noncurrent-versions": {
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
            "Status": "Enabled",
        },
        "cool-raw": {"Prefix": "raw/", "Transitions": cool, "Status": "Enabled"},
        "cool-processed": {"Prefix": "processed/", "Transitions": cool, "Status": "Enabled"},
    }


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
