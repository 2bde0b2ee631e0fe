"""Permissions that a change adds, and denials that it removes."""

import json
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
from tools.guard.resources import Template

# Templates before and after a change, and the sentences about a resource.
type Case = tuple[Template, Template, Found]

READ: Resource = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/reader"},
    "Action": "s3:Get*",
    "Resource": "arn:aws:s3:::data/*",
}
DENY: Resource = {**READ, "Effect": "Deny"}
READS = "arn:aws:iam::111122223333:role/reader is allowed"
NOT_DENIED = "arn:aws:iam::111122223333:role/reader is no longer denied"
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
        {**READ, "Resource": {"Ref": "Item"}},
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
        "logging.s3.amazonaws.com is allowed all but s3:Delete*, s3:Put* on data",
    ),
    "allow all actions but fewer": (
        {**ALL_BUT, "NotAction": ["s3:*"]},
        {**ALL_BUT, "NotAction": ["s3:Put*"]},
        "logging.s3.amazonaws.com is allowed all but s3:Put* on data",
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


def queue_policy(sid: str) -> Resource:
    document: Json = {"Statement": [{**READ, "Sid": sid}]}
    return resource("SQS::QueuePolicy", PolicyDocument=document, Queues=["data"])


def key(*principals: Json) -> Resource:
    """A key with the policy that the CDK gives to each key, and with other principals."""
    statements: Json = [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": principal}}
        for principal in (ROOT, *principals)
    ]
    return resource("KMS::Key", KeyPolicy={"Statement": statements})


def grant(role: Json, target: Json, *actions: Json) -> Resource:
    """A policy of the domain for a role of another stack."""
    statement: Json = {"Effect": "Allow", "Action": actions, "Resource": target}
    return resource("IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]}, Roles=[role])


ROOT: Json = {
    "Fn::Join": [
        "",
        ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"],
    ]
}
# How the CDK gets an imported role's name from its ARN.
IMPORTED: Json = {
    "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::ImportValue": "acme-identity:LambdaRoleArn"}]}]
}
DATA: Json = {
    "Fn::Join": ["", ["arn:aws:s3:::", {"Fn::ImportValue": "acme-storage:DataBucketName"}, "/*"]]
}
QUEUE = resource("SQS::Queue")
OF_QUEUE: Json = {"Fn::GetAtt": ["Queue", "Arn"]}
TASKS: Json = {"Service": "ecs-tasks.amazonaws.com"}
STATES: Json = {"Service": "states.amazonaws.com"}
ACCOUNT: Json = {"AWS": "444455556666"}
ONLY: Json = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
MANAGED = "arn:aws:iam::aws:policy/Read"
ASSUMES = "is allowed sts:AssumeRole on It"
ACCESS: dict[str, Case] = {
    "move a statement to another policy": (
        template(A=queue_policy("A")),
        template(B=queue_policy("B")),
        {},
    ),
    "attach a managed policy": (
        template(It=role(TASKS)),
        template(It=role(TASKS, MANAGED)),
        {"It": [f"It is allowed the actions of {MANAGED} on its resources"]},
    ),
    "attach a policy of another stack": (
        template(It=role(TASKS)),
        template(It=role(TASKS, {"Fn::ImportValue": "acme-identity:ReadPolicyArn"})),
        {"It": ["It is allowed the actions of ReadPolicy on its resources"]},
    ),
    "trust another service": (
        template(It=role(TASKS)),
        template(It=role(STATES)),
        {"It": [f"states.amazonaws.com {ASSUMES}"]},
    ),
    "create a role that another account may assume": (
        template(),
        template(It=role(ACCOUNT, MANAGED)),
        {"It": [f"account 444455556666 {ASSUMES}"]},
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
        {"A": ["It is no longer denied s3:Put* on *"]},
    ),
    "let functions of all accounts pull images": (
        template(It=repository(Condition=ONLY)),
        template(It=repository()),
        {"It": ["lambda.amazonaws.com is allowed ecr:BatchGetImage on It"]},
    ),
}
# In the account, IAM policies decide who may use a new resource.
NEW: dict[str, tuple[Resource, *tuple[str, ...]]] = {
    "for the account": (key(),),
    "for a role of the account": (
        key({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/a"}),
    ),
    "for the stack's account": (key("arn:aws:iam::111122223333:role/a"),),
    "for an imported role": (key({"Fn::ImportValue": "acme-identity:LambdaRoleArn"}),),
    "for another account": (
        key("arn:aws:iam::444455556666:role/a"),
        "arn:aws:iam::444455556666:role/a is allowed kms:* on It",
    ),
    "for another account's id": (
        key("444455556666"),
        "account 444455556666 is allowed kms:* on It",
    ),
    "for everyone": (key("*"), "everyone is allowed kms:* on It"),
    "for a parameter": (key({"Ref": "Who"}), "${Who} is allowed kms:* on It"),
    "for roles of the account": (role({"AWS": ROOT}),),
    "for users of an identity provider": (
        role({"Federated": "github"}),
        "github is allowed sts:AssumeRole on It",
    ),
}
ACCESS |= {
    f"create a resource {name}": (
        template(),
        {**template(It=created), "Settings": {"environment": "aws://111122223333/eu-west-1"}},
        {"It": sentences} if sentences else {},
    )
    for name, (created, *sentences) in NEW.items()
}
ACCESS |= {
    "let the account use a key": (
        template(It=resource("KMS::Key")),
        template(It=key()),
        {"It": ["account root is allowed kms:* on It"]},
    ),
    "let an imported role use a new resource": (
        template(),
        template(It=grant(IMPORTED, OF_QUEUE, "sqs:*"), Queue=QUEUE),
        {},
    ),
    "let a role with a name use a new resource": (
        template(),
        template(It=grant("reader", OF_QUEUE, "sqs:*"), Queue=QUEUE),
        {},
    ),
    "let an imported role use a resource of another stack": (
        template(),
        template(It=grant(IMPORTED, DATA, "s3:GetObject", "s3:PutObject")),
        {"It": ["LambdaRole is allowed s3:GetObject, s3:PutObject on arn:aws:s3:::DataBucket/*"]},
    ),
    "let a role of the stack use a new resource": (
        template(Own=role(STATES)),
        template(It=grant({"Ref": "Own"}, OF_QUEUE, "sqs:*"), Own=role(STATES), Queue=QUEUE),
        {},
    ),
    "let a new role of the stack use everything": (
        template(),
        template(It=grant({"Ref": "Own"}, "*", "s3:*"), Own=role(STATES)),
        {},
    ),
    "name constructs": (
        template(
            Own=role(STATES), Queue={**QUEUE, "Metadata": {"aws:cdk:path": "A/Jobs/Resource"}}
        ),
        template(
            It=grant({"Ref": "Own"}, OF_QUEUE, "sqs:*"),
            Own={**role(STATES), "Metadata": {"aws:cdk:path": "A/Nightly/Role/Resource"}},
            Queue={**QUEUE, "Metadata": {"aws:cdk:path": "A/Jobs/Resource"}},
        ),
        {"It": ["Nightly/Role is allowed sqs:* on Jobs"]},
    ),
}
CASES: dict[str, Case] = {
    **{
        name: (
            template(It=policy(old)),
            template(It=policy(new)),
            {"It": sentences} if sentences else {},
        )
        for name, (old, new, *sentences) in STATEMENTS.items()
    },
    **ACCESS,
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Found]:
    """The destructive changes of all cases, by name."""
    cases = {name: {"dev/A": (old, new)} for name, (old, new, _) in CASES.items()}
    return destructive(cases)


@pytest.mark.parametrize("name", CASES)
def test_opened_access(name: str, found: Mapping[str, Found]) -> None:
    expected = CASES[name][2]
    of_resources = {key: value for key, value in found[name].items() if key != "dev/A"}
    assert {key.removeprefix("dev/A/"): value for key, value in of_resources.items()} == expected
