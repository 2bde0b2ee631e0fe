"""The data bucket is private, encrypted, versioned and retained, and its data never expires."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from stacks.core.environment import InvalidEnvironmentError
from stacks.storage import exports
from stacks.storage.layout import Tier
from stacks.storage.stack import BUCKET_NAME, StorageStack, lifecycle_rules
from tests.support import ENVIRONMENT, new_test_app

RETAINED_TIERS = (Tier.RAW, Tier.PROCESSED, Tier.MODELS)


@pytest.fixture(scope="module")
def stack() -> StorageStack:
    return StorageStack(new_test_app(), ENVIRONMENT)


@pytest.fixture(scope="module")
def template(stack: StorageStack) -> Template:
    return Template.from_stack(stack)


def test_the_stack_contains_one_bucket_with_its_policy(template: Template) -> None:
    types = sorted(resource["Type"] for resource in template.to_json()["Resources"].values())
    assert types == ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]


def test_the_bucket_is_private_versioned_encrypted_and_tagged(template: Template) -> None:
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
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
            "Tags": [
                {"Key": "Environment", "Value": "test"},
                {"Key": "ManagedBy", "Value": "aws-cdk"},
                {"Key": "Project", "Value": "acme"},
                {"Key": "Stack", "Value": "storage"},
            ],
        },
    )


def test_the_bucket_notifies_event_bridge(template: Template) -> None:
    notifications = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    template.has_resource_properties(
        "AWS::S3::Bucket", {"NotificationConfiguration": notifications}
    )


def test_the_bucket_is_retained_on_delete_and_on_replacement(template: Template) -> None:
    template.has_resource(
        "AWS::S3::Bucket", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )


def test_the_stack_is_protected_named_and_described(
    stack: StorageStack, template: Template
) -> None:
    assert stack.termination_protection
    assert stack.stack_name == "acme-storage-test"
    assert template.to_json()["Description"] == (
        "Wealth-Ops data bucket: market data, models and artifacts"
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


# Environment never produces some of these values, because its rules are narrower than AWS's rules.
@pytest.mark.parametrize(
    "name",
    [
        *("ab", "-data", "data-", "Data", "a_b", "b" * 64),
        *("xn--data", "sthree-data", "amzn-s3-demo-data"),
        *("data-s3alias", "data--ol-s3", "data--x-s3", "data--table-s3", "data-an"),
    ],
)
def test_a_bucket_name_that_s3_refuses_is_refused(name: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"bucket name '{name}': .*S3 user guide"):
        BUCKET_NAME.check(name)


def test_a_bucket_name_of_63_characters_is_accepted() -> None:
    assert BUCKET_NAME.check("b" * 63) == "b" * 63


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


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ],
)
def test_requests_without_tls_1_2_are_denied_to_everyone(
    template: Template, condition: Mapping[str, object]
) -> None:
    arn = {"Fn::GetAtt": [Match.string_like_regexp("^DataBucket"), "Arn"]}
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        {
                            "Effect": "Deny",
                            "Principal": {"AWS": "*"},
                            "Action": "s3:*",
                            "Resource": [arn, {"Fn::Join": ["", [arn, "/*"]]}],
                            "Condition": condition,
                        }
                    ]
                )
            }
        },
    )


def test_the_bucket_policy_contains_only_denials(template: Template) -> None:
    (policy,) = template.find_resources("AWS::S3::BucketPolicy").values()
    effects = {s["Effect"] for s in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert effects == {"Deny"}


def test_the_bucket_has_exactly_these_lifecycle_rules(template: Template) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket").values()
    cool = [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 0}]
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


def test_only_artifacts_may_expire() -> None:
    assert set(Tier) - set(RETAINED_TIERS) == {Tier.ARTIFACTS}, (
        "Decide whether a new tier may expire."
    )


def expiring(rules: Sequence[Mapping[str, object]]) -> list[object]:
    """The rules that could expire a current object of a retained tier.

    A rule applies to a tier if the prefix of one begins with the prefix of the other. A rule
    without a prefix applies to all tiers, with any filter by tag or size (S3 user guide, lifecycle
    configuration).
    """
    expires = {"ExpirationInDays", "ExpirationDate"}
    return [
        rule
        for rule in rules
        if expires & rule.keys()
        and rule.get("Status", "Enabled") == "Enabled"
        and any(
            tier.startswith(prefix) or prefix.startswith(tier)
            for prefix in [str(rule.get("Prefix", ""))]
            for tier in (f"{retained}/" for retained in RETAINED_TIERS)
        )
    ]


def test_no_rule_expires_a_current_object_of_a_retained_tier(template: Template) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket").values()
    assert expiring(bucket["Properties"]["LifecycleConfiguration"]["Rules"]) == []


@pytest.mark.parametrize(
    ("rule", "detected"),
    [
        ({"expiration": cdk.Duration.days(3650)}, True),
        ({"expiration_date": datetime(2040, 1, 1, tzinfo=UTC)}, True),
        ({"expiration_date": datetime(2040, 1, 1, tzinfo=UTC), "prefix": "models/"}, True),
        ({"expiration": cdk.Duration.days(1), "prefix": "raw/"}, True),
        ({"expiration": cdk.Duration.days(1), "prefix": "raw"}, True),
        ({"expiration": cdk.Duration.days(1), "prefix": "r"}, True),
        ({"expiration": cdk.Duration.days(1), "prefix": "models/OLD"}, True),
        ({"expiration": cdk.Duration.days(1), "tag_filters": {"tmp": "yes"}}, True),
        ({"expiration": cdk.Duration.days(1), "object_size_less_than": 1}, True),
        ({"expiration": cdk.Duration.days(1), "prefix": "artifacts/"}, False),
        ({"noncurrent_version_expiration": cdk.Duration.days(1)}, False),
        ({"expired_object_delete_marker": True}, False),
        ({"expiration": cdk.Duration.days(1), "enabled": False}, False),
    ],
)
def test_expiring_finds_rules_that_expire_objects_of_retained_tiers(
    rule: Mapping[str, object], *, detected: bool
) -> None:
    bucket = s3.Bucket(
        cdk.Stack(cdk.App(), "Stack"),
        "Bucket",
        lifecycle_rules=[*lifecycle_rules(), s3.LifecycleRule(**rule)],  # type: ignore[arg-type] # one setting for each case
    )
    template = Template.from_stack(cdk.Stack.of(bucket)).find_resources("AWS::S3::Bucket")
    (resource,) = template.values()
    assert bool(expiring(resource["Properties"]["LifecycleConfiguration"]["Rules"])) is detected


def test_the_exports_are_declared_and_reviewed(
    template: Template, check_exports: Callable[[Template, ModuleType], None]
) -> None:
    check_exports(template, exports)


def test_the_exports_have_the_values_of_the_bucket(template: Template) -> None:
    outputs = template.to_json()["Outputs"]
    (bucket,) = template.find_resources("AWS::S3::Bucket")
    assert {key: output["Value"] for key, output in outputs.items()} == {
        "DataBucketName": {"Ref": bucket},
        "DataBucketArn": {"Fn::GetAtt": [bucket, "Arn"]},
    }
