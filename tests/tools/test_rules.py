"""Destructive changes of the properties of a resource."""

import pytest

from tools.assembly import Json
from tools.guard.rules import change, destructive, text

EVENT: Json = {"Event": "s3:*"}
TIER: Json = {"AccessTier": "ARCHIVE_ACCESS", "Days": 90}
INDEX: Json = {"IndexName": "by-date"}
HERE: Json = {"Region": "us-east-1"}
THERE: Json = {"Region": "eu-west-1"}
PROTECTED: Json = {"Region": "eu-west-1", "DeletionProtectionEnabled": True}
IMAGES_9: Json = {"LifecyclePolicyText": '{"countNumber": 9}'}
IMAGES_10: Json = {"LifecyclePolicyText": '{"countNumber":10}'}
# The path of a property, and its values before and after a destructive change.
DESTRUCTIVE: list[tuple[str, Json, Json]] = [
    # Data is deleted, with the resource or sooner.
    ("DeletionPolicy", "Retain", "RetainExceptOnCreate"),
    ("UpdateReplacePolicy", "Retain", None),
    ("DeletionProtectionEnabled", True, None),
    ("DeletionProtection", True, False),
    ("EmptyOnDelete", None, True),
    ("TimeToLiveSpecification", {"Enabled": False}, {"Enabled": True}),
    ("LifecyclePolicy", None, IMAGES_9),
    ("LifecyclePolicy", IMAGES_10, IMAGES_9),
    ("MessageRetentionPeriod", 1209600, None),
    ("RetentionPeriodHours", 48, None),
    ("PendingWindowInDays", None, 7),
    ("BackupRetentionPeriod", 7, 1),
    ("PointInTimeRecoverySpecification.RecoveryPeriodInDays", None, 7),
    ("RetentionInDays", None, 7),
    ("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", True, False),
    ("ObjectLockEnabled", True, None),
    ("ObjectLockConfiguration", {"Rule": {}}, None),
    ("GenerateSecretString", {}, {"PasswordLength": 9}),
    # The deploy fails half-way.
    ("GlobalSecondaryIndexes", [INDEX], [{"IndexName": "by-day"}]),
    ("Replicas", [HERE, THERE, {"Region": "eu-west-2"}], [HERE]),
    ("stackName", "a", "b"),
    ("environment", "aws://1/us-east-1", "aws://2/us-east-1"),
    # Data cannot be read.
    ("KmsKeyId", None, "key"),
    ("KmsMasterKeyId", "key", None),
    ("BucketEncryption", {"KMSMasterKeyID": "key"}, {"SSEAlgorithm": "AES256"}),
    # Consumers get no events.
    ("State", "ENABLED", "DISABLED"),
    ("Enabled", True, False),
    ("VersioningConfiguration.Status", "Enabled", "Suspended"),
    ("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True, None),
    ("KinesisStreamSpecification", {"StreamArn": "arn"}, None),
    ("RedrivePolicy", {"maxReceiveCount": 3}, None),
    ("DeadLetterConfig", {"TargetArn": "arn"}, None),
    ("DestinationConfig.OnFailure", {"Destination": "arn"}, None),
    ("StreamSpecification.StreamViewType", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"),
    # Data is less protected.
    ("EncryptionConfiguration", {"EncryptionType": "KMS"}, None),
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
# Changes of an element of a list, and the path of the element.
ELEMENTS: list[tuple[str, Json, Json, str]] = [
    ("Replicas", [HERE, PROTECTED], [HERE], f"[eu-west-1] {change(PROTECTED, None)}"),
    (
        *("Replicas", [HERE, PROTECTED], [THERE, HERE]),
        "[eu-west-1].DeletionProtectionEnabled changes from true to nothing",
    ),
    ("LocalSecondaryIndexes", [INDEX], None, f"[by-date] {change(INDEX, None)}"),
    ("Tierings", [], [TIER], f"[{text(TIER)}] {change(None, TIER)}"),
    (
        *("NotificationConfiguration.QueueConfigurations", [EVENT], None),
        f"[{text(EVENT)}] {change(EVENT, None)}",
    ),
]
SAFE: list[tuple[str, Json, Json]] = [
    ("DeletionPolicy", "Snapshot", "Retain"),
    ("DeletionPolicy", "Delete", "RetainExceptOnCreate"),
    ("DeletionProtectionEnabled", None, True),
    ("GlobalSecondaryIndexes", None, [INDEX, {"IndexName": "by-day"}]),
    ("TimeToLiveSpecification", {"Enabled": True}, None),
    ("LifecyclePolicy", {"LifecyclePolicyText": "{}"}, None),
    ("LifecyclePolicy", IMAGES_9, IMAGES_10),
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
    ("RedrivePolicy", None, {"maxReceiveCount": 3}),
    ("RedrivePolicy", {"maxReceiveCount": 3}, {"maxReceiveCount": 4}),
    ("StreamViewType", None, "KEYS_ONLY"),
    ("ImageTagMutability", None, "IMMUTABLE"),
    ("BlockPublicPolicy", False, True),
    ("ImageScanningConfiguration", {"ScanOnPush": True}, None),
    ("Tags", [], [{"Key": "a", "Value": "b"}]),
]
# Lifecycle rules of a bucket before and after a change that deletes or archives sooner.
SOONER: list[tuple[Json, Json]] = [
    (None, {"ExpirationInDays": 7}),
    ({"ExpirationDate": "2040-01-01"}, {"ExpirationDate": "2041-01-01"}),
    ({"ExpirationInDays": 7}, {"ExpirationInDays": 6}),
    ({"ExpirationInDays": 7, "Prefix": "a/b"}, {"ExpirationInDays": 7, "Prefix": "a/"}),
    ({"ExpirationInDays": 7}, {"ExpirationInDays": 7, "NoncurrentVersionExpirationInDays": 9}),
    (
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 3}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 9}},
    ),
    ({"ExpirationInDays": 7, "Status": "Disabled"}, {"ExpirationInDays": 7, "Status": "Enabled"}),
    (None, {"Transition": {"StorageClass": "GLACIER", "TransitionDate": "2040-01-01"}}),
    (
        {"Transitions": [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 30}]},
        {"Transitions": [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 0}]},
    ),
]
NO_SOONER: list[tuple[Json, Json]] = [
    ({"ExpirationInDays": 7}, {"ExpirationInDays": 8}),
    ({"ExpirationInDays": 7, "Id": "a"}, {"ExpirationInDays": 7, "Id": "b"}),
    ({"ExpirationInDays": 7}, {"Status": "Enabled"}),
    (None, {"ExpirationInDays": 7, "Status": "Disabled"}),
    (None, {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}}),
    (None, {"Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 1}]}),
    (None, {"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}]}),
]


def found(path: str, old: Json, new: Json) -> list[str]:
    """The destructive changes when the property at a path changes."""
    for key in reversed(path.split(".")):
        old, new = ({} if value is None else {key: value} for value in (old, new))
    return list(destructive({"Properties": old}, {"Properties": new}))


@pytest.mark.parametrize(("path", "old", "new"), DESTRUCTIVE)
def test_a_destructive_change_is_found(path: str, old: Json, new: Json) -> None:
    assert found(path, old, new) == [f"{path} {change(old, new)}"]


@pytest.mark.parametrize(("path", "old", "new", "sentence"), ELEMENTS)
def test_a_destructive_change_of_an_element_is_found(
    path: str, old: Json, new: Json, sentence: str
) -> None:
    assert found(path, old, new) == [f"{path}{sentence}"]


@pytest.mark.parametrize(("path", "old", "new"), SAFE)
def test_another_change_is_not_destructive(path: str, old: Json, new: Json) -> None:
    assert found(path, old, new) == []


@pytest.mark.parametrize(("old", "new"), SOONER + NO_SOONER)
def test_a_lifecycle_rule_that_deletes_or_archives_sooner_is_found(old: Json, new: Json) -> None:
    rules = [rule and [rule] for rule in (old, new)]
    sentence = f"a lifecycle rule deletes or archives: {text(new)}"
    expected = [sentence] if (old, new) in SOONER else []
    assert found("LifecycleConfiguration.Rules", *rules) == expected
