"""Resources that a change renames or moves, and names that it gives to other resources."""

from collections.abc import Mapping

import pytest

from tests.tools.guard.templates import (
    Found,
    Resource,
    Stacks,
    destructive,
    resource,
    template,
)
from tools.cdk_cli.assembly import Json
from tools.guard.resources import Template


def settings(
    of: Template, name: str, environment: str = "aws://unknown-account/us-east-1"
) -> Template:
    return {**of, "Settings": {"environment": environment, "stackName": name}}


def taken(other: str) -> str:
    return (
        f"takes the name of {other}, so the deploy fails: CloudFormation creates a resource "
        "before it deletes another"
    )


def renamed(new: str) -> str:
    return f"is renamed to {new}: docs/changing.md#rename-a-construct"


def moved(new: str) -> str:
    return f"moves to {new}: docs/changing.md#move-a-retained-resource-between-stacks"


def named(name: Json, **properties: Json) -> Resource:
    return resource("Lambda::Function", FunctionName=name, **properties)


def alias(function: Json) -> Resource:
    return resource("Lambda::Alias", Name="live", FunctionName=function)


def glue(database: str) -> Resource:
    return resource(
        "Glue::Table", CatalogId="1", DatabaseName=database, Name="prices", TableInput={}
    )


LEAVES = "leaves the stack, but is retained"
KEY: Json = [{"AttributeName": "pk", "KeyType": "HASH"}]
TABLE = resource("DynamoDB::Table", "Retain", TableName="prices", KeySchema=KEY)
GLOBAL_TABLE = {**TABLE, "Type": "AWS::DynamoDB::GlobalTable"}
UNNAMED = resource("DynamoDB::Table", "Retain", KeySchema=KEY)
TAGGED = resource("DynamoDB::Table", "Retain", KeySchema=KEY, Tags=[{"Key": "a", "Value": "b"}])
RULE = resource("Events::Rule", ScheduleExpression="rate(1 day)")
ROLE = resource("IAM::Role", RoleName="reader")
IN_ACCOUNT: Json = {"Fn::Sub": "a-${AWS::AccountId}"}
OWN: Json = {"Ref": "Name"}
TOPIC = resource("SNS::Topic", TopicName="a")
BUCKET_POLICY = resource("S3::BucketPolicy", Bucket="data", PolicyDocument={})

# Each stack's templates before and after a change, and what is found.
CASES: dict[str, tuple[Stacks, Found]] = {
    # A physical name can belong to one resource only, and CloudFormation creates before it deletes.
    "rename the construct of a named function": (
        {"dev/A": (template(It=named("a")), template(Other=named("a")))},
        {"dev/A/It": [renamed("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "rename the construct and change it": (
        {"dev/A": (template(It=named("a")), template(Other=named("a", MemorySize=256)))},
        {"dev/A/It": [renamed("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "move a named table": (
        {
            "dev/A": (template(It=TABLE), template()),
            "dev/B": (template(), template(It=TABLE)),
        },
        {"dev/A/It": [LEAVES, moved("dev/B/It")], "dev/B/It": [taken("dev/A/It")]},
    ),
    "make a named table a global table": (
        {"dev/A": (template(It=TABLE), template(Other=GLOBAL_TABLE))},
        {"dev/A/It": [LEAVES], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "swap names": (
        {
            "dev/A": (
                template(It=named("a"), Other=named("b")),
                template(It=named("b"), Other=named("a")),
            )
        },
        {"dev/A/It": [taken("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "take the name of a resource that stays": (
        {
            "dev/A": (template(It=named("a")), template(It=named("a"))),
            "dev/B": (template(), template(It=named("a"))),
        },
        {"dev/B/It": [taken("dev/A/It")]},
    ),
    "create two resources with one name": (
        {"dev/A": (template(), template(It=named("a"), Other=named("a")))},
        {"dev/A/It": [taken("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "take a name with the account's id": (
        {"dev/A": (template(It=named(IN_ACCOUNT)), template(Other=named(IN_ACCOUNT)))},
        {"dev/A/It": [renamed("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "take a role's name in another region": (
        {
            "dev/A": (settings(template(It=ROLE), "a"), settings(template(It=ROLE), "a")),
            "west/A": ({}, settings(template(It=ROLE), "a", "aws://unknown-account/eu-west-1")),
        },
        {"west/A/It": [taken("dev/A/It")]},
    ),
    "take the name of an alias": (
        {"dev/A": (template(It=alias("a")), template(Other=alias("a")))},
        {"dev/A/It": [renamed("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "take a bucket's only policy": (
        {"dev/A": (template(It=BUCKET_POLICY), template(Other=BUCKET_POLICY))},
        {"dev/A/It": [renamed("dev/A/Other")], "dev/A/Other": [taken("dev/A/It")]},
    ),
    "keep names": ({"dev/A": (template(It=named("a")), template(It=named("a", Timeout=9)))}, {}),
    "rename what has a name and no data": (
        {"dev/A": (template(It=named("a")), template(Other=named("b")))},
        {},
    ),
    "release a name": ({"dev/A": (template(It=named("a")), template())}, {}),
    "use a released name for another type": (
        {"dev/A": (template(It=named("a")), template(Other=resource("IAM::Role", RoleName="a")))},
        {},
    ),
    "use a name in another region": (
        {
            "dev/A": (settings(template(It=TOPIC), "a"), settings(template(It=TOPIC), "a")),
            "west/A": ({}, settings(template(It=TOPIC), "a", "aws://unknown-account/eu-west-1")),
        },
        {},
    ),
    "use a name in another account": (
        {
            "dev/A": (
                settings(template(It=ROLE), "a", "aws://1/us-east-1"),
                settings(template(It=ROLE), "a", "aws://1/us-east-1"),
            ),
            "prod/A": ({}, settings(template(It=ROLE), "a", "aws://2/us-east-1")),
        },
        {},
    ),
    "use an alias's name for another function": (
        {"dev/A": (template(It=alias("a")), template(Other=alias("b")))},
        {},
    ),
    "use a name in another database": (
        {"dev/A": (template(It=glue("a")), template(It=glue("a"), Other=glue("b")))},
        {},
    ),
    "use the value of another stack's parameter": (
        {
            "dev/A": (template(It=named(OWN)), template(It=named(OWN))),
            "dev/B": (template(), template(It=named(OWN))),
        },
        {},
    ),
    # The same resource under another logical id is, for CloudFormation, another resource.
    "rename the construct of an unnamed table": (
        {"dev/A": (template(It=UNNAMED), template(Other=TAGGED))},
        {"dev/A/It": [LEAVES, renamed("dev/A/Other")]},
    ),
    "move an unnamed table": (
        {
            "dev/A": (template(It=UNNAMED), template()),
            "dev/B": (template(), template(Data=UNNAMED, It=UNNAMED)),
        },
        {"dev/A/It": [LEAVES, moved("dev/B/It")]},
    ),
    "move within the stack rather than to another": (
        {
            "dev/A": (template(), template(One=UNNAMED)),
            "dev/B": (template(It=UNNAMED), template(Two=UNNAMED)),
        },
        {"dev/B/It": [LEAVES, renamed("dev/B/Two")]},
    ),
    "rename one of two equal tables": (
        {"dev/A": (template(It=UNNAMED, Two=UNNAMED), template(Other=UNNAMED))},
        {"dev/A/It": [LEAVES, renamed("dev/A/Other")], "dev/A/Two": [LEAVES]},
    ),
    "rename a domain": (
        {"dev/A": (template(It=UNNAMED), {}), "dev/B": ({}, template(It=UNNAMED))},
        {"dev/A/It": [LEAVES, "moves to dev/B/It"]},
    ),
    "rename the construct of a resource with references": (
        {
            "dev/A": (
                template(
                    It=resource("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": {"Ref": "Q"}}),
                    Q=resource("SQS::Queue"),
                ),
                template(
                    New=resource("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": {"Ref": "R"}}),
                    R=resource("SQS::Queue"),
                ),
            )
        },
        {
            "dev/A/It": ["is deleted", renamed("dev/A/New")],
            "dev/A/Q": ["is deleted", renamed("dev/A/R")],
        },
    ),
    "move a table to another environment": (
        {"dev/A": (template(It=TABLE), template()), "prod/A": ({}, template(It=TABLE))},
        {"dev/A/It": [LEAVES], "prod/A/It": [taken("dev/A/It")]},
    ),
    # CloudFormation creates the new rule before it deletes the old one, so no event is lost.
    "rename the construct of an unnamed rule": (
        {"dev/A": (template(It=RULE), template(Other=RULE))},
        {},
    ),
    "delete one of two equal rules": (
        {"dev/A": (template(It=RULE, Two=RULE), template(Two=RULE))},
        {"dev/A/It": ["is deleted, so its events stop"]},
    ),
    "rename the construct of a role": (
        {"dev/A": (template(It=resource("IAM::Role")), template(Other=resource("IAM::Role")))},
        {},
    ),
}


@pytest.fixture(scope="module")
def found() -> Mapping[str, Found]:
    return destructive({name: stacks for name, (stacks, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_moves_and_taken_names(name: str, found: Mapping[str, Found]) -> None:
    assert found[name] == CASES[name][1]
