"""Destructive changes of small templates. The tests of each domain use the domain's stack."""

from collections.abc import Mapping, Sequence

import pytest

from tools.assembly import Json
from tools.guard import changes
from tools.guard.destructive import destructive_changes
from tools.guard.values import change, text

type Resource = Mapping[str, Json]

KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
STREAM, NEW_STREAM = "NEW_AND_OLD_IMAGES", "KEYS_ONLY"
EVENT: Json = {"Event": "s3:*"}
TIER: Json = {"AccessTier": "ARCHIVE_ACCESS", "Days": 90}
INDEX: Json = {"IndexName": "by-date"}
HERE: Json = {"Region": "us-east-1"}
THERE: Json = {"Region": "eu-west-1"}
PROTECTED: Json = {"Region": "eu-west-1", "DeletionProtectionEnabled": True}
# A type, the path of a property, and its values before and after a destructive change.
DESTRUCTIVE: list[tuple[str, str, Json, Json]] = [
    ("DynamoDB::Table", "DeletionProtectionEnabled", True, None),
    ("DynamoDB::Table", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", True, False),
    ("DynamoDB::Table", "SSESpecification", {"SSEEnabled": True}, None),
    ("DynamoDB::Table", "StreamSpecification.StreamViewType", STREAM, NEW_STREAM),
    ("DynamoDB::Table", "TimeToLiveSpecification", {"Enabled": False}, {"Enabled": True}),
    ("DynamoDB::Table", "GlobalSecondaryIndexes", [INDEX], [{"IndexName": "by-day"}]),
    ("DynamoDB::GlobalTable", "Replicas", [HERE, THERE, {"Region": "eu-west-2"}], [HERE]),
    ("ECR::Repository", "EmptyOnDelete", None, True),
    *(
        ("ECR::Repository", "LifecyclePolicy", old, {"LifecyclePolicyText": '{"countNumber": 9}'})
        for old in (None, {"LifecyclePolicyText": '{"countNumber": 10}'})
    ),
    ("Events::Rule", "State", "ENABLED", "DISABLED"),
    ("KMS::Key", "Enabled", True, False),
    ("KMS::Key", "EnableKeyRotation", True, None),
    ("KMS::Key", "PendingWindowInDays", None, 7),
    ("Kinesis::Stream", "RetentionPeriodHours", 48, None),
    ("Logs::LogGroup", "KmsKeyId", None, KEY),
    ("Logs::LogGroup", "RetentionInDays", None, 7),
    ("RDS::DBCluster", "BackupRetentionPeriod", 7, 1),
    ("S3::Bucket", "BucketEncryption", {"KMSMasterKeyID": KEY}, {"SSEAlgorithm": "AES256"}),
    ("S3::Bucket", "OwnershipControls", {"Rules": []}, None),
    ("SQS::Queue", "MessageRetentionPeriod", 1209600, None),
    ("SQS::Queue", "RedrivePolicy", {"maxReceiveCount": 3}, None),
    ("SecretsManager::Secret", "GenerateSecretString", {}, {"PasswordLength": 9}),
]
SAFE: list[tuple[str, str, Json, Json]] = [
    ("DynamoDB::Table", "DeletionProtectionEnabled", None, True),
    ("DynamoDB::Table", "GlobalSecondaryIndexes", None, [INDEX]),
    ("DynamoDB::Table", "TimeToLiveSpecification", {"Enabled": True}, None),
    ("ECR::Repository", "LifecyclePolicy", {"LifecyclePolicyText": "{}"}, None),
    (
        *("ECR::Repository", "LifecyclePolicy", {"LifecyclePolicyText": '{"countNumber": 9}'}),
        {"LifecyclePolicyText": '{"countNumber":10}'},
    ),
    ("Logs::LogGroup", "RetentionInDays", 7, "30"),
    ("SQS::Queue", "MessageRetentionPeriod", 60, {"Ref": "Time"}),
    ("S3::Bucket", "Tags", [], [{"Key": "a", "Value": "b"}]),
]
# Rules of a bucket before and after a change that deletes or archives sooner.
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
    (None, {"Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 1}]}),
    (None, {"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}]}),
]


def resource(service_type: str, policy: str = "Delete", /, **properties: Json) -> Resource:
    given = {name: value for name, value in properties.items() if value is not None}
    return {"Type": f"AWS::{service_type}", "Properties": given, "DeletionPolicy": policy}


def with_property(service_type: str, path: str, value: Json) -> Resource:
    """A resource with one property, at a path of keys."""
    name, *inner = path.split(".")
    for key in reversed(inner):
        value = {} if value is None else {key: value}
    return resource(service_type, **{name: value})


def with_rule(rule: Json) -> Resource:
    return with_property("S3::Bucket", "LifecycleConfiguration.Rules", rule and [rule])


TABLE = resource("DynamoDB::Table", "Retain", TableName="prices")
NOTHING: Resource = {}
SAME_NAME = "is replaced under the same name, which CloudFormation refuses: "
# A resource before and after a change, and the descriptions of the destructive changes.
CASES: dict[str, tuple[Resource, Resource, *tuple[str, ...]]] = {
    "delete": (resource("S3::Bucket"), NOTHING, "is deleted"),
    "delete a repository": (resource("ECR::Repository"), NOTHING, "is deleted"),
    "delete a role": (resource("IAM::Role"), NOTHING),
    "orphan": (resource("IAM::Role", "Retain"), NOTHING, "leaves the stack, but is retained"),
    "create": (NOTHING, TABLE),
    "rename": (
        TABLE,
        resource("DynamoDB::Table", "Retain", TableName="quotes"),
        'is replaced: TableName changes from "prices" to "quotes"',
    ),
    "replace under the same name": (
        resource("SNS::Topic", TopicName="news", FifoTopic=True),
        resource("SNS::Topic", TopicName="news"),
        SAME_NAME + '{"TopicName": "news"}',
    ),
    "replace under the same identifier": (
        resource("IAM::Role", RoleName="a", Path="/a/"),
        resource("IAM::Role", RoleName="a", Path="/b/"),
        SAME_NAME + '{"RoleName": "a"}',
    ),
    "replace": (resource("IAM::Role", Path="/a/"), resource("IAM::Role", Path="/b/")),
    "do not retain": (
        TABLE,
        {**TABLE, "DeletionPolicy": "RetainExceptOnCreate"},
        'DeletionPolicy changes from "Retain" to "RetainExceptOnCreate"',
    ),
    "retain": ({**TABLE, "DeletionPolicy": "Snapshot"}, TABLE),
    "remove a replica": (
        resource("DynamoDB::GlobalTable", Replicas=[HERE, PROTECTED]),
        resource("DynamoDB::GlobalTable", Replicas=[HERE]),
        f"Replicas[eu-west-1] {change(PROTECTED, None)}",
    ),
    "unprotect a replica": (
        resource("DynamoDB::GlobalTable", Replicas=[HERE, PROTECTED]),
        resource("DynamoDB::GlobalTable", Replicas=[THERE, HERE]),
        "Replicas[eu-west-1].DeletionProtectionEnabled changes from true to nothing",
    ),
    "stop notifications to a queue": (
        resource("S3::Bucket", NotificationConfiguration={"QueueConfigurations": [EVENT]}),
        resource("S3::Bucket"),
        f"NotificationConfiguration.QueueConfigurations[{text(EVENT)}] {change(EVENT, None)}",
    ),
    "archive objects that are not read": (
        resource("S3::Bucket"),
        resource("S3::Bucket", IntelligentTieringConfigurations=[{"Id": "a", "Tierings": [TIER]}]),
        f"IntelligentTieringConfigurations[a].Tierings[{text(TIER)}] {change(None, TIER)}",
    ),
    **{
        f"{kind} {path}: {text(old)} to {text(new)}": (
            with_property(kind, path, old),
            with_property(kind, path, new),
            *([f"{path} {change(old, new)}"] if rows is DESTRUCTIVE else []),
        )
        for rows in (DESTRUCTIVE, SAFE)
        for kind, path, old, new in rows
    },
    **{
        f"{text(old)} to {text(new)}": (
            with_rule(old),
            with_rule(new),
            *([f"a lifecycle rule deletes or archives: {text(new)}"] if rows is SOONER else []),
        )
        for rows in (SOONER, NO_SOONER)
        for old, new in rows
    },
}


def exporting(path: str = "/", /, **values: Json) -> changes.Template:
    """A template with a role, these exports, and an output that is not exported."""
    outputs: dict[str, Json] = {"Output": {"Value": str(values)}}
    for key, value in values.items():
        outputs[key] = {"Value": value, "Export": {"Name": key}}
    return {"Resources": {"It": resource("IAM::Role", Path=path)}, "Outputs": outputs}


REFERENCES: tuple[Json, ...] = (
    {"Ref": "It"},
    {"Fn::GetAtt": ["It", "Arn"]},
    {"Fn::GetAtt": "It.Arn"},
    {"Fn::Join": ["", ["a", {"Fn::Sub": "${It}"}]]},
)
OTHER: Json = {"Ref": "Item"}
EXPORTS: dict[str, tuple[changes.Template, changes.Template, *tuple[str, ...]]] = {
    "add": (exporting(a="1"), exporting(a="1", b="2")),
    "change": (exporting(a="1"), exporting(a="2"), 'changes from "1" to "2"'),
    "remove": (exporting(a="1", b="2"), exporting(b="2"), "is no longer exported"),
    "replace another resource": (exporting(a=OTHER), exporting("/b/", a=OTHER)),
    **{
        f"replace {text(reference)}": (
            exporting(a=reference),
            exporting("/b/", a=reference),
            "changes, because It is replaced",
        )
        for reference in REFERENCES
    },
}


def template(it: Resource) -> changes.Template:
    return {"Resources": {"It": it} if it else {}, "Description": "not empty"}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The destructive changes of all cases, by name. Node starts only once."""
    pairs = {name: (template(old), template(new)) for name, (old, new, *_) in CASES.items()}
    pairs |= {name: (old, new) for name, (old, new, *_) in EXPORTS.items()}
    return {each["name"]: [*destructive_changes(each)] for each in changes.compare(pairs)}


@pytest.mark.parametrize("name", CASES)
def test_destructive_changes_of_a_resource(
    name: str, found: Mapping[str, Sequence[tuple[str, str]]]
) -> None:
    _, _, *descriptions = CASES[name]
    assert found[name] == [(f"{name}/It", description) for description in descriptions]


@pytest.mark.parametrize("name", EXPORTS)
def test_destructive_changes_of_an_export(
    name: str, found: Mapping[str, Sequence[tuple[str, str]]]
) -> None:
    _, _, *descriptions = EXPORTS[name]
    assert found[name] == [("a", description) for description in descriptions]
