"""Which changes are dangerous, shown on small templates; the domains' tests show it on stacks."""

from collections.abc import Mapping

import pytest

from tools.assembly import Json
from tools.guard import changes
from tools.guard.hazards import hazards

type Resource = Mapping[str, Json]

TABLE: Resource = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "DeletionProtectionEnabled": True,
        "KeySchema": [{"AttributeName": "asset", "KeyType": "HASH"}],
        "TableName": "prices",
    },
    "DeletionPolicy": "Retain",
}
IS_TABLE = "It (AWS::DynamoDB::Table)"
BUCKET: Resource = {"Type": "AWS::S3::Bucket"}
IS_BUCKET = "It (AWS::S3::Bucket)"
ROLE: Resource = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "states.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ]
        },
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    },
}


class Case:
    """A resource before and after a change, and what the guard says to that."""

    def __init__(self, old: Resource, new: Resource, *said: str) -> None:
        self.old = old
        self.new = new
        self.said = list(said)


def altered(resource: Resource, **properties: Json) -> Resource:
    """A resource with other properties; what is None is gone."""
    own = resource.get("Properties", {})
    assert isinstance(own, Mapping)
    kept = {key: value for key, value in {**own, **properties}.items() if value is not None}
    return {**resource, "Properties": kept}


def expiring(**rule: Json) -> Resource:
    """The bucket with a lifecycle rule."""
    return altered(BUCKET, LifecycleConfiguration={"Rules": [rule]})


NOTHING: Resource = {}
CASES = {
    "delete": Case({**TABLE, "DeletionPolicy": "Delete"}, NOTHING, f"{IS_TABLE} is deleted"),
    "leave alone": Case(TABLE, NOTHING, f"{IS_TABLE} leaves the stack, but is kept"),
    "rename": Case(
        TABLE,
        altered(TABLE, TableName="quotes"),
        f'{IS_TABLE} is replaced: TableName changes from "prices" to "quotes"',
    ),
    "retain no more": Case(
        TABLE,
        {**TABLE, "DeletionPolicy": "Delete"},
        f'{IS_TABLE}: DeletionPolicy changes from "Retain" to "Delete"',
    ),
    "retain only where it was created": Case(
        TABLE,
        {**TABLE, "DeletionPolicy": "RetainExceptOnCreate"},
        f'{IS_TABLE}: DeletionPolicy changes from "Retain" to "RetainExceptOnCreate"',
    ),
    "retain from now on": Case({**TABLE, "DeletionPolicy": "Snapshot"}, TABLE),
    "protect no more": Case(
        TABLE,
        altered(TABLE, DeletionProtectionEnabled=None),
        f"{IS_TABLE}: DeletionProtectionEnabled changes from true to nothing",
    ),
    "protect from now on": Case(altered(TABLE, DeletionProtectionEnabled=False), TABLE),
    "expire by age": Case(
        BUCKET,
        expiring(ExpirationInDays=7),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationInDays": 7}}',
    ),
    "expire by date": Case(
        BUCKET,
        expiring(ExpirationDate="2040-01-01"),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationDate": "2040-01-01"}}',
    ),
    "expire as before": Case(
        expiring(ExpirationInDays=7), altered(expiring(ExpirationInDays=7), Tags=[])
    ),
    "expire later": Case(expiring(ExpirationInDays=7), expiring(ExpirationInDays=8)),
    "expire earlier": Case(
        expiring(ExpirationInDays=7),
        expiring(ExpirationInDays=6),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationInDays": 6}}',
    ),
    "expire on another date": Case(
        expiring(ExpirationDate="2040-01-01"),
        expiring(ExpirationDate="2041-01-01"),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationDate": "2041-01-01"}}',
    ),
    "expire more": Case(
        expiring(ExpirationInDays=7, Prefix="raw/old"),
        expiring(ExpirationInDays=7, Prefix="raw/"),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationInDays": 7, "Prefix": "raw/"}}',
    ),
    "expire versions, too": Case(
        expiring(ExpirationInDays=7),
        expiring(ExpirationInDays=7, NoncurrentVersionExpirationInDays=9),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"ExpirationInDays": 7, '
        '"NoncurrentVersionExpirationInDays": 9}',
    ),
    "keep fewer versions": Case(
        expiring(NoncurrentVersionExpiration={"NoncurrentDays": 9, "NewerNoncurrentVersions": 3}),
        expiring(NoncurrentVersionExpiration={"NoncurrentDays": 9}),
        f'{IS_BUCKET}: a lifecycle rule deletes: {{"NoncurrentVersionExpiration": '
        '{"NoncurrentDays": 9}}',
    ),
    "rename a rule that expires": Case(
        expiring(ExpirationInDays=7, Id="a"), expiring(ExpirationInDays=7, Id="b")
    ),
    "expire no more": Case(expiring(ExpirationInDays=7), BUCKET),
    "move to a colder class": Case(BUCKET, expiring(Transition={"TransitionInDays": 1})),
    "attach a policy": Case(
        altered(ROLE, ManagedPolicyArns=None),
        ROLE,
        "${It} gets the managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
    ),
    "add a role that a service assumes": Case(NOTHING, ROLE),
    "add a table": Case(NOTHING, TABLE),
}


def template(resource: Resource) -> changes.Template:
    return {"Resources": {"It": resource} if resource else {}, "Description": "not empty"}


def exporting(**values: Json) -> changes.Template:
    """A template with these exports, and an output that is none."""
    exports = {key: {"Value": value, "Export": {"Name": key}} for key, value in values.items()}
    return {"Outputs": {**exports, "Output": {"Value": str(values)}}}


EXPORT: Resource = {"Value": "1", "Export": {"Name": "a"}}
EXPORTS: dict[str, tuple[changes.Template, changes.Template, list[str]]] = {
    "add one": (exporting(a="1"), exporting(a="1", b="2"), []),
    "describe one": (exporting(a="1"), {"Outputs": {"a": {**EXPORT, "Description": "One"}}}, []),
    "change one": (
        exporting(a={"Ref": "It"}),
        exporting(a="1"),
        ['the export a changes from {"Ref": "It"} to "1"'],
    ),
    "remove one": (exporting(a="1", b="2"), exporting(b="2"), ["the export a is removed"]),
}
STATEFUL = (
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
)
STATELESS = ("AWS::IAM::Role", "AWS::Lambda::Function")


@pytest.fixture(scope="module")
def said() -> Mapping[str, list[str]]:
    """What the guard says to each of the changes."""
    pairs = {
        **{name: (template(case.old), template(case.new)) for name, case in CASES.items()},
        **{name: (old, new) for name, (old, new, _) in EXPORTS.items()},
        **{kind: (template({"Type": kind}), template({})) for kind in (*STATEFUL, *STATELESS)},
    }
    return {
        each["name"]: [hazard.removeprefix(f"{each['name']}: ") for hazard in hazards(each)]
        for each in changes.compare(pairs)
    }


@pytest.mark.parametrize("name", CASES)
def test_what_the_guard_says_to(name: str, said: Mapping[str, list[str]]) -> None:
    assert said[name] == CASES[name].said


@pytest.mark.parametrize("name", EXPORTS)
def test_what_the_guard_says_of_exports(name: str, said: Mapping[str, list[str]]) -> None:
    *_, expected = EXPORTS[name]
    assert said[name] == expected


@pytest.mark.parametrize("kind", STATEFUL)
def test_what_holds_data_is_not_let_go(kind: str, said: Mapping[str, list[str]]) -> None:
    assert said[kind] == [f"It ({kind}) is deleted"]


@pytest.mark.parametrize("kind", STATELESS)
def test_what_holds_none_may_go(kind: str, said: Mapping[str, list[str]]) -> None:
    assert said[kind] == []
