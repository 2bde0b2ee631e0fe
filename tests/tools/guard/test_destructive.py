"""Destructive changes in small templates, compared by the library that `cdk diff` uses."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tools.cdk_cli.assembly import Json
from tools.guard import changes
from tools.guard.destructive import destructive_changes
from tools.guard.rules import text

type Resource = Mapping[str, Json]
# Templates before and after a change, and the resource or export and its destructive changes.
type Case = tuple[changes.Template, changes.Template, Mapping[str, Sequence[str]]]


def resource(service_type: str, policy: str = "Delete", /, **properties: Json) -> Resource:
    return {"Type": f"AWS::{service_type}", "Properties": properties, "DeletionPolicy": policy}


def template(**resources: Resource | None) -> changes.Template:
    given = {key: value for key, value in resources.items() if value}
    return {"Resources": given, "Description": "not empty"}


TABLE = resource("DynamoDB::Table", "Retain", TableName="prices")
# A resource before and after a change, and the descriptions of its destructive changes.
RESOURCES: dict[str, tuple[Resource | None, Resource | None, *tuple[str, ...]]] = {
    "delete": (resource("S3::Bucket"), None, "is deleted"),
    "delete a repository": (resource("ECR::Repository"), None, "is deleted"),
    "delete a role": (resource("IAM::Role"), None),
    "orphan": (resource("IAM::Role", "Retain"), None, "leaves the stack, but is retained"),
    "create": (None, TABLE),
    "rename": (
        TABLE,
        resource("DynamoDB::Table", "Retain", TableName="quotes"),
        'is replaced: TableName changes from "prices" to "quotes"',
    ),
    "replace under the same name": (
        resource("SNS::Topic", TopicName="news", FifoTopic=True),
        resource("SNS::Topic", TopicName="news"),
        'is replaced under the same name, which CloudFormation refuses: {"TopicName": "news"}',
    ),
    "replace under the same identifier": (
        resource("Pipes::Pipe", Name="a", Source="b"),
        resource("Pipes::Pipe", Name="a", Source="c"),
        'is replaced under the same name, which CloudFormation refuses: {"Name": "a"}',
    ),
    "replace": (resource("IAM::Role", Path="/a/"), resource("IAM::Role", Path="/b/")),
    "change the type of a custom resource": ({"Type": "Custom::Old"}, {"Type": "Custom::New"}),
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
EXPORTS: dict[str, Case] = {
    "add an export": (exporting(a="1"), exporting(a="1", b="2"), {}),
    "change an export": (exporting(a="1"), exporting(a="2"), {"a": ['changes from "1" to "2"']}),
    "remove an export": (
        exporting(a="1", b="2"),
        exporting(b="2"),
        {"a": ["is no longer exported"]},
    ),
    "replace another resource": (exporting(a=OTHER), exporting("/b/", a=OTHER), {}),
    **{
        f"replace {text(reference)}": (
            exporting(a=reference),
            exporting("/b/", a=reference),
            {"a": ["changes, because It is replaced"]},
        )
        for reference in REFERENCES
    },
}

READ: Resource = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/reader"},
    "Action": "s3:Get*",
    "Resource": "arn:aws:s3:::data/*",
}
DENY: Resource = {**READ, "Effect": "Deny"}
READS = "AWS:arn:aws:iam::111122223333:role/reader is allowed"
NOT_DENIED = "AWS:arn:aws:iam::111122223333:role/reader is no longer denied"
ALL_BUT: Resource = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "NotAction": ["s3:Put*", "s3:Delete*"],
    "Resource": "*",
}
UNKNOWN = "unknown actions on unknown resources"
CHOICE: Resource = {"Fn::If": ["Prod", READ, {"Action": ["s3:*"]}]}
WIDER_CHOICE: Resource = {"Fn::If": ["Prod", READ, {"Action": ["s3:*", "iam:*"]}]}


def only_if(statement: Resource, value: str) -> Resource:
    return {**statement, "Condition": {"Bool": {"a": value}}}


# A bucket policy statement before and after a change, and the sentences about the change.
STATEMENTS: dict[str, tuple[Resource | None, Resource | None, *tuple[str, ...]]] = {
    "allow": (None, READ, f"{READS} s3:Get* on arn:aws:s3:::data/*"),
    "stop allowing": (READ, None),
    "deny": (None, DENY),
    "stop denying": (DENY, None, f"{NOT_DENIED} s3:Get* on arn:aws:s3:::data/*"),
    "deny more": (DENY, {**DENY, "Action": "s3:*"}),
    "deny less": ({**DENY, "Action": "s3:*"}, DENY, f"{NOT_DENIED} s3:* on arn:aws:s3:::data/*"),
    "add a condition": (READ, only_if(READ, "b")),
    "add a condition to a denial": (
        DENY,
        only_if(DENY, "b"),
        f"{NOT_DENIED} s3:Get* on arn:aws:s3:::data/*",
    ),
    "change a condition": (
        only_if(READ, "b"),
        only_if(READ, "c"),
        f'{READS} s3:Get* on arn:aws:s3:::data/* if {{"Bool":{{"a":"c"}}}}',
    ),
    "change the case of an action": (READ, {**READ, "Action": "S3:getobject"}),
    "allow on less": (READ, {**READ, "Resource": "arn:aws:s3:::data/raw/*"}),
    "allow a reference for ?": (
        {**READ, "Resource": "???????"},
        {**READ, "Resource": OTHER},
        f"{READS} s3:Get* on ${{Item}}",
    ),
    "allow a resource that a regular expression would match": (
        {**READ, "Resource": "arn:aws:s3:::[a-z].*"},
        {**READ, "Resource": "arn:aws:s3:::b.c"},
        f"{READS} s3:Get* on arn:aws:s3:::b.c",
    ),
    "allow all actions but some": (
        None,
        ALL_BUT,
        "Service:logging.s3.amazonaws.com is allowed all but s3:Delete*, s3:Put* on data",
    ),
    "allow all actions but fewer": (
        {**ALL_BUT, "NotAction": ["s3:*"]},
        {**ALL_BUT, "NotAction": ["s3:Put*"]},
        "Service:logging.s3.amazonaws.com is allowed all but s3:Put* on data",
    ),
    "allow all actions but the same": (ALL_BUT, {**ALL_BUT, "Sid": "Renamed"}),
    "allow by a condition of the template": (
        DENY,
        CHOICE,
        f"{json.dumps(CHOICE, separators=(',', ':'))} is allowed {UNKNOWN}",
        f"{NOT_DENIED} s3:Get* on arn:aws:s3:::data/*",
    ),
    "allow more by a condition of the template": (
        CHOICE,
        WIDER_CHOICE,
        f"{json.dumps(WIDER_CHOICE, separators=(',', ':'))} is allowed {UNKNOWN}",
        f"{json.dumps(CHOICE, separators=(',', ':'))} is no longer denied {UNKNOWN}",
    ),
}


def policy(statement: Resource | None) -> Resource | None:
    document: Json = {"Statement": [statement]}
    return statement and resource("S3::BucketPolicy", Bucket="data", PolicyDocument=document)


def role(principal: Json, *policies: Json) -> Resource:
    trust: Json = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    document: Json = {"Statement": [trust]}
    return resource("IAM::Role", AssumeRolePolicyDocument=document, ManagedPolicyArns=policies)


def denials(role_id: str) -> Resource:
    statement: Json = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    document: Json = {"Statement": [statement]}
    return resource("IAM::Policy", PolicyDocument=document, Roles=[{"Ref": role_id}])


def repository(**statement: Json) -> Resource:
    allowed = {"Effect": "Allow", "Action": "ecr:BatchGetImage", **statement}
    document: Json = {"Statement": [{**allowed, "Principal": {"Service": "lambda.amazonaws.com"}}]}
    return resource("ECR::Repository", RepositoryPolicyText=document)


TASKS: Json = {"Service": "ecs-tasks.amazonaws.com"}
STATES: Json = {"Service": "states.amazonaws.com"}
ACCOUNT: Json = {"AWS": "444455556666"}
ONLY: Json = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
MANAGED = "arn:aws:iam::aws:policy/Read"
ASSUMES = "is allowed sts:AssumeRole on ${It.Arn}"
ACCESS: dict[str, Case] = {
    "move a statement to another policy": (template(A=policy(READ)), template(B=policy(READ)), {}),
    "attach a managed policy": (
        template(It=role(TASKS)),
        template(It=role(TASKS, MANAGED)),
        {"It": [f"${{It}} is allowed the actions of {MANAGED} on its resources"]},
    ),
    "trust another service": (
        template(It=role(TASKS)),
        template(It=role(STATES)),
        {"It": [f"Service:states.amazonaws.com {ASSUMES}"]},
    ),
    "create a role that another account may assume": (
        template(),
        template(It=role(ACCOUNT, MANAGED)),
        {"It": [f"AWS:444455556666 {ASSUMES}"]},
    ),
    "create a role for a service": (template(), template(It=role(STATES, MANAGED)), {}),
    "delete a role and its denials": (
        template(It=role(STATES), A=denials("It")),
        template(),
        {},
    ),
    "delete the denials of a role": (
        template(It=role(STATES), A=denials("It")),
        template(It=role(STATES)),
        {"A": ["AWS:${It} is no longer denied s3:Put* on *"]},
    ),
    "let functions of all accounts pull images": (
        template(It=repository(Condition=ONLY)),
        template(It=repository()),
        {"It": ["Service:lambda.amazonaws.com is allowed ecr:BatchGetImage on ${It.Arn}"]},
    ),
}
RESOURCES |= {
    name: (policy(old), policy(new), *descriptions)
    for name, (old, new, *descriptions) in STATEMENTS.items()
}
CASES: dict[str, Case] = {
    **{
        name: (template(It=old), template(It=new), {"It": descriptions} if descriptions else {})
        for name, (old, new, *descriptions) in RESOURCES.items()
    },
    **EXPORTS,
    **ACCESS,
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The destructive changes of all cases, by name. Node starts only once."""
    pairs = {name: (old, new) for name, (old, new, _) in CASES.items()}
    return {each["name"]: destructive_changes(each) for each in changes.compare(pairs)}


@pytest.mark.parametrize("name", CASES)
def test_destructive_changes(name: str, found: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    expected = CASES[name][2]
    assert {key.removeprefix(f"{name}/"): value for key, value in found[name].items()} == expected
