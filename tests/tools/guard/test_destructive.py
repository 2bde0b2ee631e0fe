"""Destructive changes to resources, by what AWS's documentation says about them.

"Update requires: Replacement" and its kin are from the template reference of the resource type.
"""

from collections.abc import Mapping

import pytest

from tests.tools.guard.templates import (
    Found,
    Resource,
    destructive,
    resource,
    template,
)
from tools.cdk_cli.assembly import Json
from tools.guard.checks import describe, text
from tools.guard.resources import Template

# A resource before and after a change, and the descriptions of its destructive changes.
type Row = tuple[Resource | None, Resource | None, *tuple[str, ...]]


def table(**properties: Json) -> Resource:
    keys = properties.get("KeySchema", [PARTITION])
    return resource("DynamoDB::Table", "Retain", **{**properties, "KeySchema": keys})


def global_table(**properties: Json) -> Resource:
    return {**table(**properties), "Type": "AWS::DynamoDB::GlobalTable"}


def attributes(**types: str) -> Json:
    return [{"AttributeName": name, "AttributeType": type_} for name, type_ in types.items()]


def index(**properties: Json) -> Mapping[str, Json]:
    return {"IndexName": "by-day", "KeySchema": [PARTITION], "Projection": ALL, **properties}


def starting_at(position: str) -> Json:
    return {"KinesisStreamParameters": {"StartingPosition": position}}


PARTITION: Json = {"AttributeName": "pk", "KeyType": "HASH"}
SORT: Json = {"AttributeName": "day", "KeyType": "RANGE"}
ALL: Json = {"ProjectionType": "ALL"}
KEYS_ONLY: Json = {"ProjectionType": "KEYS_ONLY"}
AES: Json = {"EncryptionType": "AES256"}
KMS: Json = {"EncryptionType": "KMS"}
INCLUDE: Json = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["open"]}
INCLUDE_MORE: Json = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["open", "close"]}
PRICES = table(TableName="prices")
SAME_NAME = (
    "is replaced under the same name, which CloudFormation refuses: {}. Give it another name: "
    "docs/changing.md#replace-a-resource"
)
MAPPING = resource("Lambda::EventSourceMapping", EventSourceArn="a", BatchSize=1)
RULE = resource("Events::Rule", State="ENABLED")
STOP = "is deleted, so its events stop"
RENAMED = 'TableName changes from "prices" to "quotes"'
KEY_TYPE = 'AttributeDefinitions[pk].AttributeType changes from "S" to "N"'
INDEX_KEYS = f"GlobalSecondaryIndexes[by-day].KeySchema {describe([PARTITION], [PARTITION, SORT])}"
PROJECTION = "GlobalSecondaryIndexes[by-day].Projection"
LOCAL_INDEX = f"is replaced: LocalSecondaryIndexes {describe(None, [index()])}"

REPLACED: dict[str, Row] = {
    # "Replacement if you edit an existing AttributeDefinition."
    "key type": (
        table(AttributeDefinitions=attributes(pk="S")),
        table(AttributeDefinitions=attributes(pk="N")),
        f"may be replaced: {KEY_TYPE}",
    ),
    "key type of a global table": (
        global_table(AttributeDefinitions=attributes(pk="S", day="S")),
        global_table(AttributeDefinitions=attributes(day="S", pk="N")),
        f"may be replaced: {KEY_TYPE}",
    ),
    # KeySchema: "Update requires: Replacement".
    "partition key": (
        PRICES,
        table(TableName="quotes", KeySchema=[SORT]),
        f"is replaced: KeySchema {describe([PARTITION], [SORT])}, {RENAMED}",
    ),
    "sort key": (
        table(),
        table(KeySchema=[PARTITION, SORT]),
        f"is replaced: KeySchema {describe([PARTITION], [PARTITION, SORT])}",
    ),
    "sort key of a global table": (
        global_table(KeySchema=[PARTITION, SORT]),
        global_table(),
        f"is replaced: KeySchema {describe([PARTITION, SORT], [PARTITION])}",
    ),
    # KeySchema and Projection of an index: "Updates are not supported."
    "key of an index": (
        table(GlobalSecondaryIndexes=[index()]),
        table(GlobalSecondaryIndexes=[index(KeySchema=[PARTITION, SORT])]),
        f"may be replaced: {INDEX_KEYS}",
    ),
    "key of a global table's index": (
        global_table(GlobalSecondaryIndexes=[index()]),
        global_table(GlobalSecondaryIndexes=[index(KeySchema=[PARTITION, SORT])]),
        f"may be replaced: {INDEX_KEYS}",
    ),
    "projection": (
        table(GlobalSecondaryIndexes=[index()]),
        table(GlobalSecondaryIndexes=[index(Projection=KEYS_ONLY)]),
        f"may be replaced: {PROJECTION} {describe(ALL, KEYS_ONLY)}",
    ),
    "projected attributes of a global table": (
        global_table(GlobalSecondaryIndexes=[index(Projection=INCLUDE)]),
        global_table(GlobalSecondaryIndexes=[index(Projection=INCLUDE_MORE)]),
        f"may be replaced: {PROJECTION} {describe(INCLUDE, INCLUDE_MORE)}",
    ),
    # "A local secondary index can only be created when its parent table is created."
    "local index": (table(), table(LocalSecondaryIndexes=[index()]), LOCAL_INDEX),
    "local index of a global table": (
        global_table(),
        global_table(LocalSecondaryIndexes=[index()]),
        LOCAL_INDEX,
    ),
    # "Update requires: Replacement", as all below.
    "name": (
        PRICES,
        table(TableName="quotes"),
        f"is replaced: {RENAMED}",
    ),
    "object lock": (
        resource("S3::Bucket", ObjectLockEnabled=True),
        resource("S3::Bucket"),
        "is replaced: ObjectLockEnabled changes from true to nothing",
    ),
    "encryption of images": (
        resource("ECR::Repository", EncryptionConfiguration=AES),
        resource("ECR::Repository", EncryptionConfiguration=KMS),
        f"is replaced: EncryptionConfiguration {describe(AES, KMS)}",
    ),
    "kind of queue": (
        resource("SQS::Queue"),
        resource("SQS::Queue", FifoQueue=True),
        "is replaced: FifoQueue changes from nothing to true",
    ),
    # Executions and their history belong to the old state machine.
    "type of a state machine": (
        resource("StepFunctions::StateMachine", StateMachineType="STANDARD"),
        resource("StepFunctions::StateMachine", StateMachineType="EXPRESS"),
        'is replaced: StateMachineType changes from "STANDARD" to "EXPRESS"',
    ),
    # The new mapping starts at its StartingPosition, not where the old one stopped.
    "source of an event source mapping": (
        MAPPING,
        resource("Lambda::EventSourceMapping", EventSourceArn="b", BatchSize=1),
        'is replaced: EventSourceArn changes from "a" to "b"',
    ),
    # The registry schema lists it under conditionalCreateOnlyProperties.
    "database engine": (
        resource("RDS::DBInstance", Engine="postgres"),
        resource("RDS::DBInstance", Engine="mysql"),
        'may be replaced: Engine changes from "postgres" to "mysql"',
    ),
    "type": (
        PRICES,
        global_table(TableName="quotes"),
        "is replaced",
    ),
    "replaced under the same name": (
        resource("SNS::Topic", TopicName="news", FifoTopic=True),
        resource("SNS::Topic", TopicName="news"),
        SAME_NAME.format('{"TopicName": "news"}'),
    ),
    "nested property under the same name": (
        resource("Pipes::Pipe", Name="a", SourceParameters=starting_at("LATEST")),
        resource("Pipes::Pipe", Name="a", SourceParameters=starting_at("TRIM_HORIZON")),
        SAME_NAME.format('{"Name": "a"}'),
    ),
}
UPDATED: dict[str, Row] = {
    # "You can delete or add one global secondary index without interruption."
    "add an index and its key": (
        table(AttributeDefinitions=attributes(pk="S")),
        table(AttributeDefinitions=attributes(pk="S", day="N"), GlobalSecondaryIndexes=[index()]),
    ),
    # "you can update the table without interruption"
    "capacity of an index": (
        table(GlobalSecondaryIndexes=[index(ProvisionedThroughput={"ReadCapacityUnits": 1})]),
        table(GlobalSecondaryIndexes=[index(ProvisionedThroughput={"ReadCapacityUnits": 2})]),
    ),
    "order of attributes": (
        table(AttributeDefinitions=attributes(pk="S", day="N")),
        table(AttributeDefinitions=attributes(day="N", pk="S")),
    ),
    # "Update requires: No interruption", or "Some interruptions", as all below.
    "billing": (table(), table(BillingMode="PAY_PER_REQUEST")),
    "stream of a table": (table(), table(StreamSpecification={"StreamViewType": "KEYS_ONLY"})),
    "capacity of a global table": (
        global_table(GlobalSecondaryIndexes=[index()]),
        global_table(GlobalSecondaryIndexes=[index(WarmThroughput={"ReadUnitsPerSecond": 1})]),
    ),
    "replica with a key": (
        global_table(Replicas=[{"Region": "us-east-1"}]),
        global_table(
            Replicas=[
                {"Region": "us-east-1"},
                {"Region": "eu-west-1", "SSESpecification": {"KMSMasterKeyId": "a"}},
            ]
        ),
    ),
    "visibility of messages": (resource("SQS::Queue"), resource("SQS::Queue", VisibilityTimeout=9)),
    "definition of a state machine": (
        resource("StepFunctions::StateMachine", DefinitionString="a"),
        resource("StepFunctions::StateMachine", DefinitionString="b"),
    ),
    "memory of a function": (
        resource("Lambda::Function", FunctionName="a", MemorySize=128),
        resource("Lambda::Function", FunctionName="a", MemorySize=256),
    ),
    "batches of an event source mapping": (
        MAPPING,
        resource("Lambda::EventSourceMapping", EventSourceArn="a", BatchSize=9),
    ),
    "threshold of an alarm": (
        resource("CloudWatch::Alarm", AlarmName="a", Threshold=1),
        resource("CloudWatch::Alarm", AlarmName="a", Threshold=2),
    ),
    "replace what has no name and no data": (
        resource("IAM::Role", Path="/a/"),
        resource("IAM::Role", Path="/b/"),
    ),
    "rename what has no data": (
        resource("IAM::Role", RoleName="a"),
        resource("IAM::Role", RoleName="b"),
    ),
    "type of a custom resource": ({"Type": "Custom::Old"}, {"Type": "Custom::New"}),
}
# What CloudFormation deletes, because nothing retains it.
EVENTS = (
    "Events::Rule",
    "Scheduler::Schedule",
    "SNS::Subscription",
    "SNS::Topic",
    "Pipes::Pipe",
    "Lambda::EventInvokeConfig",
    "Logs::SubscriptionFilter",
    "CloudWatch::Alarm",
)
DATA = (
    "S3::Bucket",
    "ECR::Repository",
    "Events::Archive",
    "Lambda::EventSourceMapping",
    "StepFunctions::StateMachine",
)
NEITHER = ("IAM::Role", "IAM::Policy", "Lambda::Permission", "Lambda::Function", "Lambda::Version")
REMOVED: dict[str, Row] = {
    **{f"{type_} is deleted": (resource(type_), None, STOP) for type_ in EVENTS},
    **{f"{type_} is deleted": (resource(type_), None, "is deleted") for type_ in DATA},
    **{f"{type_} is deleted": (resource(type_), None) for type_ in NEITHER},
    **{f"{type_} is created": (None, resource(type_)) for type_ in EVENTS + DATA},
    "retained": (resource("IAM::Role", "Retain"), None, "leaves the stack, but is retained"),
}
NOT_HERE: Json = {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}
IN_PROD: Json = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
EITHER: Json = {"Fn::Or": [{"Condition": "NotHere"}, {"Condition": "InProd"}]}
UNLESS = "is removed from the stack unless"


def conditional(it: Resource, **conditions: Json) -> Template:
    """A template with a resource that exists on the first condition."""
    return {**template(It={**it, "Condition": next(iter(conditions))}), "Conditions": conditions}


# When a condition becomes false, CloudFormation removes the resource from the stack.
CONDITIONS: dict[str, tuple[Template, Template, tuple[str, ...]]] = {
    "condition of a retained table": (
        template(It=PRICES),
        conditional(PRICES, NotHere=NOT_HERE),
        (f"{UNLESS} {text(NOT_HERE)}",),
    ),
    "another condition of a rule": (
        conditional(RULE, NotHere=NOT_HERE),
        conditional(RULE, NotHere=IN_PROD),
        (f"{UNLESS} {text(IN_PROD)}",),
    ),
    "condition in a condition": (
        conditional(PRICES, Either=EITHER, NotHere=NOT_HERE, InProd=NOT_HERE),
        conditional(PRICES, Either=EITHER, NotHere=NOT_HERE, InProd=IN_PROD),
        (f"{UNLESS} {text({'Fn::Or': [NOT_HERE, IN_PROD]})}",),
    ),
    "no condition": (conditional(PRICES, NotHere=NOT_HERE), template(It=PRICES), ()),
    "name of a condition": (
        conditional(PRICES, NotHere=NOT_HERE),
        conditional(PRICES, Elsewhere=NOT_HERE),
        (),
    ),
    "condition of a new table": (template(), conditional(PRICES, NotHere=NOT_HERE), ()),
    "condition of a role": (
        template(It=resource("IAM::Role")),
        conditional(resource("IAM::Role"), NotHere=NOT_HERE),
        (),
    ),
}
CASES: dict[str, tuple[Template, Template, tuple[str, ...]]] = {
    **{
        name: (template(It=old), template(It=new), tuple(descriptions))
        for name, (old, new, *descriptions) in (REPLACED | UPDATED | REMOVED).items()
    },
    **CONDITIONS,
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Found]:
    """The destructive changes of all cases, by name."""
    cases = {name: {"dev/A": (old, new)} for name, (old, new, _) in CASES.items()}
    return destructive(cases)


@pytest.mark.parametrize("name", CASES)
def test_destructive_changes(name: str, found: Mapping[str, Found]) -> None:
    descriptions = CASES[name][2]
    assert found[name] == ({"dev/A/It": list(descriptions)} if descriptions else {})
