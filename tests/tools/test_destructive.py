"""Which changes are destructive, on small templates; the tests of each domain use its stack."""

from collections.abc import Mapping, Sequence

import pytest

from tools.assembly import Json
from tools.guard import changes
from tools.guard.destructive import destructive_changes

type Resource = Mapping[str, Json]

NOTHING: Resource = {}
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1"


def resource(service_type: str, policy: str = "Delete", /, **properties: Json) -> Resource:
    """A resource of the template, for example of type `S3::Bucket`."""
    given = {name: value for name, value in properties.items() if value is not None}
    return {"Type": f"AWS::{service_type}", "Properties": given, "DeletionPolicy": policy}


def table(**properties: Json) -> Resource:
    keys = [{"AttributeName": "asset", "KeyType": "HASH"}]
    return resource("DynamoDB::Table", "Retain", TableName="prices", KeySchema=keys, **properties)


def replica(**properties: Json) -> Resource:
    """A global table with a replica in each of two regions."""
    replicas: list[Json] = [{"Region": "eu-west-1", **properties}, {"Region": "us-east-1"}]
    return resource("DynamoDB::GlobalTable", TableName="prices", Replicas=replicas)


def bucket(*rules: Json, **properties: Json) -> Resource:
    lifecycle = {"Rules": rules} if rules else None
    return resource("S3::Bucket", LifecycleConfiguration=lifecycle, **properties)


def images(*, count: int = 7) -> Resource:
    policy = f'{{"countNumber": {count}}}'
    return resource("ECR::Repository", LifecyclePolicy={"LifecyclePolicyText": policy})


def transition(storage_class: str, days: int = 30, key: str = "Transitions") -> Json:
    return {key: [{"StorageClass": storage_class, "TransitionInDays": days}]}


IMAGES = r'{"LifecyclePolicyText": "{\"countNumber\": %s}"}'
RULE = "a lifecycle rule deletes or archives: "
STREAM, NEW_STREAM = ({"StreamViewType": kind} for kind in ("NEW_AND_OLD_IMAGES", "KEYS_ONLY"))
INDEX: Json = {"IndexName": "by-date"}
NONCURRENT: Json = {"NoncurrentDays": 9, "NewerNoncurrentVersions": 3}
# A resource before and after a change, and what is destructive in that.
CASES: dict[str, tuple[Resource, Resource, list[str]]] = {
    # The resource itself
    "delete": (resource("S3::Bucket"), NOTHING, ["is deleted"]),
    "delete a repository": (resource("ECR::Repository"), NOTHING, ["is deleted"]),
    "delete a role": (resource("IAM::Role"), NOTHING, []),
    "orphan": (table(), NOTHING, ["leaves the stack, but is retained"]),
    "orphan a type without data": (
        resource("IAM::Role", "Retain"),
        NOTHING,
        ["leaves the stack, but is retained"],
    ),
    "create": (NOTHING, table(), []),
    "rename": (
        table(),
        {**table(), "Properties": {"TableName": "quotes"}},
        [
            (
                'is replaced: TableName changes from "prices" to "quotes", KeySchema changes from '
                '[{"AttributeName": "asset", "KeyType": "HASH"}] to nothing'
            )
        ],
    ),
    "replace under the same name": (
        resource("SNS::Topic", TopicName="news", FifoTopic=True),
        resource("SNS::Topic", TopicName="news"),
        ['is replaced under the same name, which CloudFormation refuses: {"TopicName": "news"}'],
    ),
    "replace under another name": (
        resource("IAM::Role", RoleName="a", Path="/a/"),
        resource("IAM::Role", RoleName="b", Path="/b/"),
        [],
    ),
    "replace under a generated name": (
        resource("IAM::Role", Path="/a/"),
        resource("IAM::Role", Path="/b/"),
        [],
    ),
    "do not retain": (
        table(),
        {**table(), "DeletionPolicy": "RetainExceptOnCreate"},
        ['DeletionPolicy changes from "Retain" to "RetainExceptOnCreate"'],
    ),
    "retain": ({**table(), "DeletionPolicy": "Snapshot"}, table(), []),
    # Protection of data
    "switch off deletion protection": (
        table(DeletionProtectionEnabled=True),
        table(),
        ["DeletionProtectionEnabled changes from true to nothing"],
    ),
    "switch on deletion protection": (table(), table(DeletionProtectionEnabled=True), []),
    "delete images with the repository": (
        resource("ECR::Repository"),
        resource("ECR::Repository", EmptyOnDelete=True),
        ["EmptyOnDelete changes from nothing to true"],
    ),
    "switch off encryption": (
        table(SSESpecification={"SSEEnabled": True}),
        table(),
        ['SSESpecification changes from {"SSEEnabled": true} to nothing'],
    ),
    "switch off protection of a replica": (
        replica(
            DeletionProtectionEnabled=True,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            SSESpecification={"KMSMasterKeyId": KEY_ARN},
        ),
        replica(DeletionProtectionEnabled=False),
        [
            "Replicas[eu-west-1].DeletionProtectionEnabled changes from true to false",
            (
                "Replicas[eu-west-1].PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled "
                "changes from true to nothing"
            ),
            (
                "Replicas[eu-west-1].SSESpecification changes from "
                f'{{"KMSMasterKeyId": "{KEY_ARN}"}} to nothing'
            ),
        ],
    ),
    "remove a replica": (
        replica(),
        resource("DynamoDB::GlobalTable", TableName="prices", Replicas=[{"Region": "us-east-1"}]),
        ['Replicas[eu-west-1] changes from {"Region": "eu-west-1"} to nothing'],
    ),
    "add an index": (table(), table(GlobalSecondaryIndexes=[INDEX]), []),
    "replace an index": (
        table(GlobalSecondaryIndexes=[INDEX]),
        table(GlobalSecondaryIndexes=[{"IndexName": "by-day"}]),
        [
            (
                'GlobalSecondaryIndexes changes from [{"IndexName": "by-date"}] to '
                '[{"IndexName": "by-day"}]'
            )
        ],
    ),
    "delete items by age": (
        table(TimeToLiveSpecification={"Enabled": False}),
        table(TimeToLiveSpecification={"Enabled": True}),
        ['TimeToLiveSpecification changes from {"Enabled": false} to {"Enabled": true}'],
    ),
    "delete no items by age": (table(TimeToLiveSpecification={"Enabled": True}), table(), []),
    # Retention
    "retain logs for a shorter time": (
        resource("Logs::LogGroup"),
        resource("Logs::LogGroup", RetentionInDays=7),
        ["RetentionInDays changes from nothing to 7"],
    ),
    "retain logs for a longer time": (
        resource("Logs::LogGroup", RetentionInDays=7),
        resource("Logs::LogGroup", RetentionInDays="30"),
        [],
    ),
    "retain messages for the default time": (
        resource("SQS::Queue", MessageRetentionPeriod=1209600),
        resource("SQS::Queue"),
        ["MessageRetentionPeriod changes from 1209600 to nothing"],
    ),
    "retain messages for an unknown time": (
        resource("SQS::Queue", MessageRetentionPeriod=60),
        resource("SQS::Queue", MessageRetentionPeriod={"Ref": "Time"}),
        [],
    ),
    # Lifecycle rules
    "expire by age": (
        bucket(),
        bucket({"ExpirationInDays": 7}),
        [RULE + '{"ExpirationInDays": 7}'],
    ),
    "expire by date": (
        bucket({"ExpirationDate": "2040-01-01"}),
        bucket({"ExpirationDate": "2041-01-01"}),
        [RULE + '{"ExpirationDate": "2041-01-01"}'],
    ),
    "expire as before": (bucket({"ExpirationInDays": 7}), bucket({"ExpirationInDays": 7}, A=1), []),
    "expire later": (bucket({"ExpirationInDays": 7}), bucket({"ExpirationInDays": 8}), []),
    "expire earlier": (
        bucket({"ExpirationInDays": 7}),
        bucket({"ExpirationInDays": 6}),
        [RULE + '{"ExpirationInDays": 6}'],
    ),
    "expire more": (
        bucket({"ExpirationInDays": 7, "Prefix": "raw/old"}),
        bucket({"ExpirationInDays": 7, "Prefix": "raw/"}),
        [RULE + '{"ExpirationInDays": 7, "Prefix": "raw/"}'],
    ),
    "expire versions, too": (
        bucket({"ExpirationInDays": 7}),
        bucket({"ExpirationInDays": 7, "NoncurrentVersionExpirationInDays": 9}),
        [RULE + '{"ExpirationInDays": 7, "NoncurrentVersionExpirationInDays": 9}'],
    ),
    "retain fewer versions": (
        bucket({"NoncurrentVersionExpiration": NONCURRENT}),
        bucket({"NoncurrentVersionExpiration": {"NoncurrentDays": 9}}),
        [RULE + '{"NoncurrentVersionExpiration": {"NoncurrentDays": 9}}'],
    ),
    "rename a rule": (
        bucket({"ExpirationInDays": 7, "Id": "a"}),
        bucket({"ExpirationInDays": 7, "Id": "b"}),
        [],
    ),
    "switch off a rule": (bucket({"ExpirationInDays": 7}), bucket({"Status": "Disabled"}), []),
    "add a rule that is off": (bucket(), bucket({"ExpirationInDays": 7, "Status": "Disabled"}), []),
    "switch on a rule": (
        bucket({"ExpirationInDays": 7, "Status": "Disabled"}),
        bucket({"ExpirationInDays": 7, "Status": "Enabled"}),
        [RULE + '{"ExpirationInDays": 7, "Status": "Enabled"}'],
    ),
    "archive": (
        bucket(),
        bucket(transition("GLACIER")),
        [RULE + '{"Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]}'],
    ),
    "archive later": (
        bucket(transition("DEEP_ARCHIVE")),
        bucket(transition("DEEP_ARCHIVE", 60)),
        [],
    ),
    "archive on the first day": (
        bucket(transition("DEEP_ARCHIVE")),
        bucket(transition("DEEP_ARCHIVE", 0)),
        [RULE + '{"Transitions": [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 0}]}'],
    ),
    "archive by the older property": (
        bucket(),
        bucket({"Transition": {"StorageClass": "GLACIER", "TransitionInDays": 1}}),
        [RULE + '{"Transition": {"StorageClass": "GLACIER", "TransitionInDays": 1}}'],
    ),
    "move to a class that is read at once": (bucket(), bucket(transition("GLACIER_IR")), []),
    "archive noncurrent versions": (
        bucket(),
        bucket(transition("GLACIER", key="NoncurrentVersionTransitions")),
        [],
    ),
    "archive what is not read": (
        bucket(IntelligentTieringConfigurations=[{"Id": "a"}]),
        bucket(IntelligentTieringConfigurations=[{"Id": "a", "Tierings": [{"Days": 90}]}]),
        [
            (
                'IntelligentTieringConfigurations[a].Tierings[{"Days": 90}] changes from nothing '
                'to {"Days": 90}'
            )
        ],
    ),
    "expire images": (
        resource("ECR::Repository"),
        images(),
        [f"LifecyclePolicy changes from nothing to {IMAGES % 7}"],
    ),
    "retain more images": (images(), images(count=8), []),
    "retain fewer images": (
        images(count=10),
        images(count=9),
        [f"LifecyclePolicy changes from {IMAGES % 10} to {IMAGES % 9}"],
    ),
    "expire no images": (images(), resource("ECR::Repository"), []),
    # Access to data, and events
    "disable a key": (
        resource("KMS::Key", Enabled=True),
        resource("KMS::Key", Enabled=False),
        ["Enabled changes from true to false"],
    ),
    "encrypt with a key": (
        resource("Logs::LogGroup"),
        resource("Logs::LogGroup", KmsKeyId=KEY_ARN),
        [f'KmsKeyId changes from nothing to "{KEY_ARN}"'],
    ),
    "change the view of a stream": (
        table(StreamSpecification=STREAM),
        table(StreamSpecification=NEW_STREAM),
        ['StreamSpecification.StreamViewType changes from "NEW_AND_OLD_IMAGES" to "KEYS_ONLY"'],
    ),
    "stop notifications to a queue": (
        bucket(NotificationConfiguration={"QueueConfigurations": [{"Event": "s3:*"}]}),
        bucket(),
        [
            (
                'NotificationConfiguration.QueueConfigurations[{"Event": "s3:*"}] changes from '
                '{"Event": "s3:*"} to nothing'
            )
        ],
    ),
    "let a service use a repository": (
        resource("ECR::Repository"),
        resource(
            "ECR::Repository",
            RepositoryPolicyText={
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "ecr:BatchGetImage",
                    "Condition": {"ArnLike": {"aws:SourceArn": "arn:*"}},
                }
            },
        ),
        [
            (
                "Service:lambda.amazonaws.com is allowed ecr:BatchGetImage on ${It.Arn} if "
                '{"ArnLike": {"aws:SourceArn": "arn:*"}}'
            )
        ],
    ),
}


def exporting(policy: str = "", **values: Json) -> changes.Template:
    """A template with a role, these exports, and an output that is not exported."""
    exports = {key: {"Value": value, "Export": {"Name": key}} for key, value in values.items()}
    role = resource("IAM::Role", Path=policy or "/")
    return {"Resources": {"It": role}, "Outputs": {**exports, "Output": {"Value": str(values)}}}


REFERENCES: tuple[Json, ...] = (
    {"Ref": "It"},
    {"Fn::GetAtt": ["It", "Arn"]},
    {"Fn::GetAtt": "It.Arn"},
    {"Fn::Join": ["", ["a", {"Fn::Sub": "${It}"}]]},
)
EXPORTS: dict[str, tuple[changes.Template, changes.Template, list[str]]] = {
    "add": (exporting(a="1"), exporting(a="1", b="2"), []),
    "change": (
        exporting(a={"Ref": "It"}),
        exporting(a="1"),
        ['changes from {"Ref": "It"} to "1"'],
    ),
    "remove": (exporting(a="1", b="2"), exporting(b="2"), ["is no longer exported"]),
    "replace another resource": (
        exporting(a={"Ref": "Item"}),
        exporting("/b/", a={"Ref": "Item"}),
        [],
    ),
    **{
        f"replace {reference}": (
            exporting(a=reference),
            exporting("/b/", a=reference),
            ["changes, because It is replaced"],
        )
        for reference in REFERENCES
    },
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The destructive changes of all cases, by name."""
    pairs = {name: (template(old), template(new)) for name, (old, new, _) in CASES.items()}
    pairs |= {name: (old, new) for name, (old, new, _) in EXPORTS.items()}
    return {stack["name"]: [*destructive_changes(stack)] for stack in changes.compare(pairs)}


def template(it: Resource) -> changes.Template:
    return {"Resources": {"It": it} if it else {}, "Description": "not empty"}


@pytest.mark.parametrize("name", CASES)
def test_destructive_changes_of_a_resource(
    name: str, found: Mapping[str, Sequence[tuple[str, str]]]
) -> None:
    assert found[name] == [(f"{name}/It", description) for description in CASES[name][2]]


@pytest.mark.parametrize("name", EXPORTS)
def test_destructive_changes_of_an_export(
    name: str, found: Mapping[str, Sequence[tuple[str, str]]]
) -> None:
    assert found[name] == [("a", description) for description in EXPORTS[name][2]]
