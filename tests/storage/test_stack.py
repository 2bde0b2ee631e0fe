"""The data bucket is private, encrypted, versioned and kept, and nothing expires its data."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.storage import exports
from stacks.storage.layout import Tier
from stacks.storage.stack import StorageStack, lifecycle_rules

KEPT_TIERS = (Tier.RAW, Tier.PROCESSED, Tier.MODELS)


@pytest.fixture(scope="module")
def stack() -> StorageStack:
    return StorageStack(new_app(), Environment())


@pytest.fixture(scope="module")
def template(stack: StorageStack) -> Template:
    return Template.from_stack(stack)


def test_it_holds_one_bucket_with_its_policy_and_nothing_else(template: Template) -> None:
    kinds = sorted(resource["Type"] for resource in template.to_json()["Resources"].values())
    assert kinds == ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]


def test_the_bucket_is_private_versioned_and_encrypted(template: Template) -> None:
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketName": "wealth-ops-data-dev",
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
        },
    )


def test_it_tells_event_bridge_of_every_object(template: Template) -> None:
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "NotificationConfiguration": {
                "EventBridgeConfiguration": {"EventBridgeEnabled": True},
            }
        },
    )


def test_the_bucket_is_kept_on_delete_and_on_replacement(template: Template) -> None:
    template.has_resource(
        "AWS::S3::Bucket", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )


def test_the_stack_is_protected_named_described_and_tagged(
    stack: StorageStack, template: Template
) -> None:
    assert stack.termination_protection
    assert stack.stack_name == "wealth-ops-storage-dev"
    assert template.to_json()["Description"] == (
        "Wealth-Ops data bucket: market data, models and artifacts"
    )
    assert stack.tags.tag_values() == {
        "Project": "wealth-ops",
        "Environment": "dev",
        "Stack": "storage",
        "ManagedBy": "aws-cdk",
    }


def test_every_taggable_resource_has_the_tags(template: Template) -> None:
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "Tags": [
                {"Key": "Environment", "Value": "dev"},
                {"Key": "ManagedBy", "Value": "aws-cdk"},
                {"Key": "Project", "Value": "wealth-ops"},
                {"Key": "Stack", "Value": "storage"},
            ]
        },
    )


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
    everything = [
        {"Fn::GetAtt": [Match.string_like_regexp("^DataBucket"), "Arn"]},
        {
            "Fn::Join": [
                "",
                [{"Fn::GetAtt": [Match.string_like_regexp("^DataBucket"), "Arn"]}, "/*"],
            ]
        },
    ]
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        {
                            "Effect": "Deny",
                            "Action": "s3:*",
                            "Principal": {"AWS": "*"},
                            "Resource": everything,
                            "Condition": condition,
                        }
                    ]
                )
            }
        },
    )


def test_the_bucket_policy_allows_nobody_anything(template: Template) -> None:
    (policy,) = template.find_resources("AWS::S3::BucketPolicy").values()
    effects = {s["Effect"] for s in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert effects == {"Deny"}


def test_the_lifecycle_is_the_reviewed_one(template: Template) -> None:
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


def test_only_artifacts_are_not_kept_for_ever() -> None:
    assert set(Tier) - set(KEPT_TIERS) == {Tier.ARTIFACTS}, "decide whether a new tier is kept"


def expiring(rules: Sequence[Mapping[str, object]]) -> list[object]:
    """The rules that could expire a current object of a tier that is kept for ever.

    A rule's prefix reaches a tier when either begins with the other; a rule without a prefix, or
    with a filter by tag or size only, reaches all (S3 user guide, lifecycle configuration).
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
            for tier in (f"{kept}/" for kept in KEPT_TIERS)
        )
    ]


def test_no_rule_expires_a_current_object_that_is_kept(template: Template) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket").values()
    assert expiring(bucket["Properties"]["LifecycleConfiguration"]["Rules"]) == []


@pytest.mark.parametrize(
    ("rule", "caught"),
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
def test_a_rule_that_would_expire_kept_objects_is_caught(
    rule: Mapping[str, object], *, caught: bool
) -> None:
    bucket = s3.Bucket(
        cdk.Stack(cdk.App(), "Stack"),
        "Bucket",
        lifecycle_rules=[*lifecycle_rules(), s3.LifecycleRule(**rule)],  # type: ignore[arg-type] # one value a case
    )
    template = Template.from_stack(cdk.Stack.of(bucket)).find_resources("AWS::S3::Bucket")
    (resource,) = template.values()
    assert bool(expiring(resource["Properties"]["LifecycleConfiguration"]["Rules"])) is caught


def test_it_publishes_what_it_declares_and_the_reviewed_file_promises(
    template: Template, check_exports: Callable[[Template, ModuleType], None]
) -> None:
    check_exports(template, exports)


def test_each_export_has_the_value_that_its_name_says(template: Template) -> None:
    outputs = template.to_json()["Outputs"]
    (bucket,) = template.find_resources("AWS::S3::Bucket")
    assert {key: output["Value"] for key, output in outputs.items()} == {
        "DataBucketName": {"Ref": bucket},
        "DataBucketArn": {"Fn::GetAtt": [bucket, "Arn"]},
    }
