"""Changes of IAM statements that open access, on small templates."""

import json
from collections.abc import Mapping

import pytest

from tools.assembly import Json
from tools.guard import access, changes

type Policy = Mapping[str, Json]

READ: Policy = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/reader"},
    "Action": "s3:Get*",
    "Resource": "arn:aws:s3:::data/*",
}
DENY: Policy = {**READ, "Effect": "Deny"}
READS = "AWS:arn:aws:iam::111122223333:role/reader is allowed"
UNDENIED = "AWS:arn:aws:iam::111122223333:role/reader is no longer denied"
ALL_BUT: Policy = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "NotAction": ["s3:Put*", "s3:Delete*"],
    "Resource": "*",
}
CHOICE: Policy = {"Fn::If": ["Prod", READ, DENY]}


def only_if(statement: Policy, value: str) -> Policy:
    return {**statement, "Condition": {"Bool": {"a": value}}}


# The statements before and after a change, and the sentences about it.
CASES: dict[str, tuple[list[Policy], list[Policy], list[str]]] = {
    "allow": ([], [READ], [f"{READS} s3:Get* on arn:aws:s3:::data/*"]),
    "stop allowing": ([READ], [], []),
    "deny": ([], [DENY], []),
    "stop denying": ([DENY], [], [f"{UNDENIED} s3:Get* on arn:aws:s3:::data/*"]),
    "deny more": ([DENY], [{**DENY, "Action": "s3:*"}], []),
    "deny less": (
        [{**DENY, "Action": "s3:*"}],
        [DENY],
        [f"{UNDENIED} s3:* on arn:aws:s3:::data/*"],
    ),
    "add a condition": ([READ], [only_if(READ, "b")], []),
    "add a condition to a denial": (
        [DENY],
        [only_if(DENY, "b")],
        [f"{UNDENIED} s3:Get* on arn:aws:s3:::data/*"],
    ),
    "change a condition": (
        [only_if(READ, "b")],
        [only_if(READ, "c")],
        [f'{READS} s3:Get* on arn:aws:s3:::data/* if {{"Bool":{{"a":"c"}}}}'],
    ),
    "change the case of an action": ([READ], [{**READ, "Action": "S3:getobject"}], []),
    "allow less": ([READ], [{**READ, "Action": "s3:GetObject*"}], []),
    "allow a letter for ?": ([{**READ, "Action": "s3:Ge?"}], [{**READ, "Action": "s3:Get"}], []),
    "allow * for ?": (
        [{**READ, "Action": "s3:Ge?"}],
        [{**READ, "Action": "s3:Ge*"}],
        [f"{READS} s3:Ge* on arn:aws:s3:::data/*"],
    ),
    "allow a resource that a regular expression would match": (
        [{**READ, "Resource": "arn:aws:s3:::[a-z].*"}],
        [{**READ, "Resource": "arn:aws:s3:::b.c"}],
        [f"{READS} s3:Get* on arn:aws:s3:::b.c"],
    ),
    "allow all actions but some": (
        [],
        [ALL_BUT],
        ["Service:logging.s3.amazonaws.com is allowed all but s3:Delete*, s3:Put* on data"],
    ),
    "allow all actions but fewer": (
        [ALL_BUT],
        [{**ALL_BUT, "NotAction": ["s3:Put*"]}],
        ["Service:logging.s3.amazonaws.com is allowed all but s3:Put* on data"],
    ),
    "allow all actions but the same": ([ALL_BUT], [{**ALL_BUT, "Sid": "Renamed"}], []),
    "allow by a condition of the template": (
        [DENY],
        [CHOICE],
        [
            f"? is allowed {json.dumps(CHOICE, separators=(',', ':'))} on ?",
            f"{UNDENIED} s3:Get* on arn:aws:s3:::data/*",
        ],
    ),
}


def template(**policies: list[Policy]) -> changes.Template:
    """A template with a bucket policy for each name."""
    return {
        "Description": "not empty",
        "Resources": {
            name: {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": "data", "PolicyDocument": {"Statement": statements}},
            }
            for name, statements in policies.items()
            if statements
        },
    }


def role(*policies: Json) -> changes.Template:
    properties = {"ManagedPolicyArns": policies}
    return {"Resources": {"A": {"Type": "AWS::IAM::Role", "Properties": properties}}}


MANAGED = "arn:aws:iam::aws:policy/Read"
PAIRS: dict[str, tuple[changes.Template, changes.Template, list[str]]] = {
    **{
        name: (template(A=old), template(A=new), found) for name, (old, new, found) in CASES.items()
    },
    "move a statement to another policy": (template(A=[READ]), template(B=[READ]), []),
    "attach": (role(), role(MANAGED), [f"${{A}} gets the managed policy {MANAGED}"]),
    "create a role with a managed policy": ({}, role(MANAGED), []),
}


@pytest.fixture(scope="module")
def opened() -> Mapping[str, list[tuple[str, str]]]:
    pairs = {name: (old, new) for name, (old, new, _) in PAIRS.items()}
    return {each["name"]: [*access.opened(each)] for each in changes.compare(pairs)}


@pytest.mark.parametrize("name", PAIRS)
def test_opened_access(name: str, opened: Mapping[str, list[tuple[str, str]]]) -> None:
    assert opened[name] == [("A", sentence) for sentence in PAIRS[name][2]]
