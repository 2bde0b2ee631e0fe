"""What counts as access that was opened further, shown on small templates."""

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
READS = "AWS:arn:aws:iam::111122223333:role/reader may"
READS_AGAIN = "AWS:arn:aws:iam::111122223333:role/reader is no longer denied"
ALL_BUT: Policy = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "NotAction": ["s3:Put*", "s3:Delete*"],
    "Resource": "*",
}
CHOICE: Policy = {"Fn::If": ["Prod", READ, DENY]}
NONE: list[Policy] = []

# By what is done: the statements before and after, and what is said to that.
CASES: dict[str, tuple[list[Policy], list[Policy], list[str]]] = {
    "allow": (NONE, [READ], [f"{READS} s3:Get* on arn:aws:s3:::data/*"]),
    "allow no more": ([READ], NONE, []),
    "deny": (NONE, [DENY], []),
    "deny no more": ([DENY], NONE, [f"{READS_AGAIN} s3:Get* on arn:aws:s3:::data/*"]),
    "deny more": ([DENY], [{**DENY, "Action": "s3:*"}], []),
    "deny less": (
        [{**DENY, "Action": "s3:*"}],
        [DENY],
        [f"{READS_AGAIN} s3:* on arn:aws:s3:::data/*"],
    ),
    "allow under a condition only": ([READ], [{**READ, "Condition": {"Bool": {"a": "b"}}}], []),
    "deny under a condition only": (
        [DENY],
        [{**DENY, "Condition": {"Bool": {"a": "b"}}}],
        [f"{READS_AGAIN} s3:Get* on arn:aws:s3:::data/*"],
    ),
    "change a condition": (
        [{**READ, "Condition": {"Bool": {"a": "b"}}}],
        [{**READ, "Condition": {"Bool": {"a": "c"}}}],
        [f'{READS} s3:Get* on arn:aws:s3:::data/* if {{"Bool": {{"a": "c"}}}}'],
    ),
    "write an action in other letters": ([READ], [{**READ, "Action": "S3:getobject"}], []),
    "allow a part": ([READ], [{**READ, "Action": "s3:GetObject*"}], []),
    "allow one letter for another": (
        [{**READ, "Action": "s3:Ge?"}],
        [{**READ, "Action": "s3:Get"}],
        [],
    ),
    "allow many letters for one": (
        [{**READ, "Action": "s3:Ge?"}],
        [{**READ, "Action": "s3:Ge*"}],
        [f"{READS} s3:Ge* on arn:aws:s3:::data/*"],
    ),
    "allow what only looks like a pattern": (
        [{**READ, "Resource": "arn:aws:s3:::[a-z].*"}],
        [{**READ, "Resource": "arn:aws:s3:::b.c"}],
        [f"{READS} s3:Get* on arn:aws:s3:::b.c"],
    ),
    "allow all but some": (
        NONE,
        [ALL_BUT],
        ["Service:logging.s3.amazonaws.com may all but s3:Delete*, s3:Put* on data"],
    ),
    "allow all but fewer": (
        [ALL_BUT],
        [{**ALL_BUT, "NotAction": ["s3:Put*"]}],
        ["Service:logging.s3.amazonaws.com may all but s3:Put* on data"],
    ),
    "allow all but the same": ([ALL_BUT], [{**ALL_BUT, "Sid": "Renamed"}], []),
    "leave it to a condition of the template": (
        [DENY],
        [CHOICE],
        [
            f"? may {json.dumps(CHOICE, separators=(',', ':'))} on ?",
            f"{READS_AGAIN} s3:Get* on arn:aws:s3:::data/*",
        ],
    ),
}


def template(statements: list[Policy]) -> changes.Template:
    """A bucket policy with these statements, if any."""
    policy: changes.Template = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": "data", "PolicyDocument": {"Statement": statements}},
    }
    return {"Resources": {"Policy": policy} if statements else {}, "Description": "not empty"}


@pytest.fixture(scope="module")
def said() -> Mapping[str, list[str]]:
    pairs = {name: (template(old), template(new)) for name, (old, new, _) in CASES.items()}
    return {each["name"]: [*access.opened(each)] for each in changes.compare(pairs)}


@pytest.mark.parametrize("name", CASES)
def test_what_is_opened_when_a_policy_is_changed_to(
    name: str, said: Mapping[str, list[str]]
) -> None:
    *_, expected = CASES[name]
    assert said[name] == expected
