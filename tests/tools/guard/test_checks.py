"""Destructive changes to resource properties."""

import pytest

from tools.cdk_cli.assembly import Json
from tools.guard.checks import describe, destructive_property_changes, text

EVENT: Json = {"Event": "s3:*"}
TIER: Json = {"AccessTier": "ARCHIVE_ACCESS", "Days": 90}
INDEX: Json = {"IndexName": "by-date"}
HERE: Json = {"Region": "us-east-1"}
THERE: Json = {"Region": "eu-west-1"}
PROTECTED: Json = {"Region": "eu-west-1", "DeletionProtectionEnabled": True}
SALES: dict[str, Json] = {"source": ["shop", "web"], "detail-type": ["sale"]}
# A property path, and the values before and after a destructive change.
DESTRUCTIVE: list[tuple[str, Json, Json]] = [
    # Data is deleted, with the resource or sooner.
    ("DeletionPolicy", "Retain", "RetainExceptOnCreate"),
    ("UpdateReplacePolicy", "Retain", None),
    ("DeletionProtection", "ACTIVE", "INACTIVE"),
    ("EmptyOnDelete", None, True),
    ("TimeToLiveSpecification", {"Enabled": False}, {"Enabled": True}),
    ("LifecyclePolicy.LifecyclePolicyText", None, '{"countNumber":9}'),
    ("LifecyclePolicy.LifecyclePolicyText", '{"countNumber":10}', '{"countNumber":9}'),
    ("LifecyclePolicy.LifecyclePolicyText", '{"countNumber":9}', '{"countNumber":10,"tag":"a"}'),
    ("MessageRetentionPeriod", 1209600, None),
    ("RetentionPeriodHours", 48, None),
    ("PendingWindowInDays", None, 7),
    ("BackupRetentionPeriod", 7, 1),
    ("PointInTimeRecoverySpecification.RecoveryPeriodInDays", None, 7),
    ("AutomatedSnapshotRetentionPeriod", None, 7),
    ("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", True, False),
    ("ObjectLockConfiguration", {"ObjectLockEnabled": "Enabled"}, None),
    ("GenerateSecretString", {}, {"PasswordLength": 9}),
    # The deploy may fail after some changes.
    ("GlobalSecondaryIndexes", [INDEX], [{"IndexName": "by-day"}]),
    ("Replicas", [HERE, THERE, {"Region": "eu-west-2"}], [HERE]),
    ("stackName", "a", "b"),
    ("environment", "aws://1/us-east-1", "aws://2/us-east-1"),
    # Data cannot be read.
    ("PerformanceInsightsKMSKeyId", None, "key"),
    ("KmsMasterKeyId", "key", None),
    # Consumers get no events.
    ("State", "ENABLED", "DISABLED"),
    ("Enabled", True, False),
    ("VersioningConfiguration.Status", "Enabled", "Suspended"),
    ("Status", "On", "Off"),
    ("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True, None),
    ("KinesisStreamSpecification", {"StreamArn": "arn"}, None),
    ("RedrivePolicy", {"maxReceiveCount": 3}, None),
    ("DeadLetterConfig", {"TargetArn": "arn"}, None),
    ("DestinationConfig.OnFailure", {"Destination": "arn"}, None),
    ("StreamSpecification.StreamViewType", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"),
    ("EventBusName", "orders", "other"),
    ("TopicArn", "a", "b"),
    # By default, these are enabled.
    ("State", None, "DISABLED"),
    ("Enabled", None, False),
    ("ActionsEnabled", None, "false"),
    # Fewer events match.
    ("EventPattern", SALES, {**SALES, "source": ["shop"]}),
    ("EventPattern", SALES, {**SALES, "detail": {"id": [1]}}),
    ("EventPattern", SALES, None),
    ("ScheduleExpression", "rate(1 day)", None),
    ("FilterPolicy", None, {"kind": ["sale"]}),
    ("FilterCriteria", None, {"Filters": []}),
    ("FilterPattern", "", "ERROR"),
    # Nobody is called.
    ("ReservedConcurrentExecutions", None, 0),
    ("DesiredCount", 2, "0"),
    # Data is less protected.
    ("BucketEncryption", {"KMSMasterKeyID": "key"}, {"SSEAlgorithm": "AES256"}),
    ("SSESpecification", {"SSEEnabled": True}, None),
    ("OwnershipControls", {"Rules": []}, None),
    ("ImageTagMutability", "IMMUTABLE", "MUTABLE"),
    ("PermissionsBoundary", "arn", None),
    *(
        (f"PublicAccessBlockConfiguration.{name}", True, False)
        for name in ("BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    ("EnableKeyRotation", True, None),
]
# Changes to a list element, and the element's path.
ELEMENTS: list[tuple[str, Json, Json, str]] = [
    ("Replicas", [HERE, PROTECTED], [HERE], f"[eu-west-1] {describe(PROTECTED, None)}"),
    (
        *("Replicas", [HERE, PROTECTED], [THERE, HERE]),
        "[eu-west-1].DeletionProtectionEnabled changes from true to nothing",
    ),
    ("GlobalSecondaryIndexes", [INDEX], None, f"[by-date] {describe(INDEX, None)}"),
    ("Targets", [{"Id": "a"}], [], f"[a] {describe({'Id': 'a'}, None)}"),
    ("AlarmActions", ["arn"], [], '["arn"] changes from "arn" to nothing'),
    (
        "Subscription",
        [{"Endpoint": "a"}],
        [],
        f"[{text({'Endpoint': 'a'})}] {describe({'Endpoint': 'a'}, None)}",
    ),
    ("Tierings", [], [TIER], f"[{text(TIER)}] {describe(None, TIER)}"),
    (
        *("NotificationConfiguration.QueueConfigurations", [EVENT], None),
        f"[{text(EVENT)}] {describe(EVENT, None)}",
    ),
]
SAFE: list[tuple[str, Json, Json]] = [
    ("DeletionPolicy", "Snapshot", "Retain"),
    ("DeletionPolicy", "Delete", "RetainExceptOnCreate"),
    ("DeletionProtectionEnabled", None, True),
    ("GlobalSecondaryIndexes", None, [INDEX, {"IndexName": "by-day"}]),
    ("TimeToLiveSpecification", {"Enabled": True}, None),
    ("LifecyclePolicy", {"LifecyclePolicyText": "{}"}, None),
    ("LifecyclePolicy.LifecyclePolicyText", '{"countNumber":9}', '{"countNumber":10}'),
    ("MessageRetentionPeriod", 60, {"Ref": "Time"}),
    ("RetentionPeriodHours", None, 24),
    ("PendingWindowInDays", 7, None),
    ("BackupRetentionPeriod", None, 7),
    ("RecoveryPeriodInDays", 35, None),
    ("RetentionInDays", 7, "30"),
    ("PointInTimeRecoveryEnabled", False, True),
    ("GenerateSecretString", None, {}),
    ("stackName", None, "a"),
    ("Replicas", [HERE], [HERE, THERE]),
    ("Tierings", [TIER], []),
    ("NotificationConfiguration.QueueConfigurations", None, [EVENT]),
    ("EventBridgeEnabled", False, True),
    ("RedrivePolicy", {"maxReceiveCount": 3}, {"maxReceiveCount": 4}),
    ("StreamViewType", None, "KEYS_ONLY"),
    ("State", "DISABLED", "ENABLED"),
    ("State", "DISABLED", None),
    ("Enabled", True, None),
    ("Enabled", False, "false"),
    ("EventPattern", {**SALES, "source": ["shop"]}, SALES),
    ("EventPattern", None, SALES),
    ("ScheduleExpression", "rate(1 day)", "rate(1 hour)"),
    ("FilterPolicy", {"kind": ["sale"]}, None),
    ("FilterPolicy", {"kind": ["sale"]}, {"kind": ["sale", "gift"]}),
    ("Targets", [], [{"Id": "a"}]),
    ("Targets", [{"Id": "a", "Arn": "b"}], [{"Arn": "c", "Id": "a"}]),
    ("ReservedConcurrentExecutions", 0, 5),
    ("ReservedConcurrentExecutions", 0, "0"),
    ("DesiredCount", 2, None),
    ("BucketEncryption", None, {}),
    ("ImageTagMutability", None, "IMMUTABLE"),
    ("BlockPublicPolicy", False, True),
    ("Tags", [], [{"Key": "a", "Value": "b"}]),
]
EXPIRES: Json = {"ExpirationInDays": 7}
DISABLED: Json = {"ExpirationInDays": 7, "Status": "Disabled"}
# A bucket lifecycle rule before and after a change, and whether the change is destructive.
LIFECYCLE: list[tuple[Json, Json, bool]] = [
    (None, EXPIRES, True),
    (EXPIRES, {"ExpirationInDays": 6}, True),
    (EXPIRES, {"ExpirationInDays": 8}, False),
    (EXPIRES, {"ExpirationInDays": 8, "Prefix": "raw/"}, True),
    (EXPIRES, EXPIRES, False),
    (EXPIRES, None, False),
    (EXPIRES, DISABLED, False),
    (DISABLED, EXPIRES, True),
    (None, {"NoncurrentVersionExpiration": {"NoncurrentDays": 9}}, True),
    (EXPIRES, {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}}, False),
    (None, {"Transition": {"StorageClass": "GLACIER"}}, True),
    (None, {"Transitions": [{"StorageClass": "DEEP_ARCHIVE"}]}, True),
    (None, {"Transitions": [{"StorageClass": "GLACIER_IR"}]}, False),
    (None, {"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER"}]}, False),
]


def found(path: str, old: Json, new: Json) -> list[str]:
    """The destructive changes when the property at a path changes."""
    for key in reversed(path.split(".")):
        old, new = ({} if value is None else {key: value} for value in (old, new))
    return list(destructive_property_changes({"Properties": old}, {"Properties": new}))


@pytest.mark.parametrize(("path", "old", "new"), DESTRUCTIVE)
def test_a_destructive_change_is_found(path: str, old: Json, new: Json) -> None:
    assert found(path, old, new) == [f"{path} {describe(old, new)}"]


@pytest.mark.parametrize(("path", "old", "new", "sentence"), ELEMENTS)
def test_a_destructive_change_of_an_element_is_found(
    path: str, old: Json, new: Json, sentence: str
) -> None:
    assert found(path, old, new) == [f"{path}{sentence}"]


@pytest.mark.parametrize(("path", "old", "new"), SAFE)
def test_another_change_is_not_destructive(path: str, old: Json, new: Json) -> None:
    assert found(path, old, new) == []


@pytest.mark.parametrize(("old", "new", "is_destructive"), LIFECYCLE)
def test_a_lifecycle_rule_that_deletes_or_archives_is_found(
    old: Json, new: Json, is_destructive: bool
) -> None:
    path = "LifecycleConfiguration.Rules"
    before, after = ({"Id": "a", **rule} if isinstance(rule, dict) else None for rule in (old, new))
    expected = [f"{path}[a] {describe(before, after)}"] if is_destructive else []
    assert found(path, before and [before], after and [after]) == expected
