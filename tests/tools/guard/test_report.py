"""The guard's report, and the acknowledgements that let it pass."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tests.tools.guard.templates import resource, template
from tools.cdk_cli.assembly import Json
from tools.errors import UserError
from tools.guard import __main__ as guard
from tools.guard.resources import Template

type Files = Mapping[str, bytes]

TABLE = resource("DynamoDB::Table", "Retain", TableName="prices")
QUEUE = resource("SQS::Queue")
KEPT = resource("S3::Bucket", "Retain", VersioningConfiguration={"Status": "Enabled"})
NAMED = resource("S3::Bucket", "Retain", BucketName="named")
DELETED = resource("S3::Bucket", "Delete", VersioningConfiguration={"Status": "Suspended"})


def files(**stacks: Template) -> Files:
    """The files in snapshots/: `dev_Data` is the stack `Data` of the environment `dev`."""
    found: dict[str, Json] = {}
    settings: dict[str, dict[str, Json]] = {}
    for name, content in stacks.items():
        environment, _, stack = name.partition("_")
        found[f"snapshots/{environment}/{stack}.template.json"] = content
        settings.setdefault(environment, {})[stack] = {"stackName": content.get("Description")}
    for environment, of_stacks in settings.items():
        found[f"snapshots/{environment}/stacks.json"] = of_stacks
    return {path: json.dumps(content).encode() for path, content in found.items()}


def statement(arn: Json) -> Json:
    return {"Effect": "Allow", "Action": ["sqs:CreateQueue"], "Resource": [arn]}


def rights(environment: str, execution: Sequence[Json], drift: Json = ()) -> Files:
    record: Json = {"boundary": [], "drift": [drift], "execution": execution}
    return {f"snapshots/{environment}/execution-policy.json": json.dumps(record).encode()}


def policy(arn: str) -> Template:
    """A stack with a policy for drift detection, as it is deployed."""
    document: Json = {"Statement": [statement({"Fn::Sub": arn})]}
    return template(It=resource("IAM::ManagedPolicy", PolicyDocument=document, Roles=["Drift"]))


BASE = {
    **files(
        dev_Same=template(It=KEPT),
        dev_Data=template(Bucket=KEPT),
        dev_Name={**template(It=QUEUE), "Description": "name"},
        dev_Recorded=policy("arn:aws:sqs:x"),
        dev_Written=policy("arn:aws:sqs:x"),
        dev_Gone=template(It=KEPT),
        dev_Old=template(It=TABLE),
        gone_Stack=template(It=QUEUE),
    ),
    **rights("dev", [[statement("arn:aws:sqs:x")]], drift=[statement("arn:aws:sqs:x")]),
    **rights("same", [[statement("arn:aws:sqs:x")]]),
}
HERE = {
    **files(
        dev_Same=template(It=KEPT),
        dev_Data=template(Bucket=DELETED),
        dev_Name={**template(It=QUEUE), "Description": "other"},
        dev_Recorded=policy("arn:aws:sqs:y"),
        dev_Written=policy("arn:aws:sqs:z"),
        dev_Renamed=template(It=TABLE),
        dev_New={
            **template(Data=DELETED, Kept=NAMED, Queue=QUEUE),
            "Rules": {"CheckBootstrapVersion": {"Assertions": []}, "OwnRule": {}},
            "Parameters": {"BootstrapVersion": {"Type": "String"}, "OwnParameter": {}},
        },
    ),
    **rights("dev", [[statement("arn:aws:sqs:*")]], drift=[statement("arn:aws:sqs:y")]),
    **rights("new", [[statement("arn:aws:sqs:*")]]),
    **rights("same", [[statement("arn:aws:sqs:x")]]),
}
SUSPENDED = 'VersioningConfiguration.Status changes from "Enabled" to "Suspended"'
RECIPE = "leaves the code, but stays deployed until you delete it: docs/changing.md"
CONTAINS = {
    "what cdk diff prints": "### dev/Data\n\n```\nResources\n[~] AWS::S3::Bucket Bucket",
    "stacks without changes, or with recorded rights only": "No change in dev/Recorded, dev/Same.",
    "an unrecorded right": "- **dev/Written/It**\n  - Drift is allowed sqs:CreateQueue on",
    "all changes of a resource": (
        '- **dev/Data/Bucket**\n  - DeletionPolicy changes from "Retain" to "Delete"\n'
        f"  - {SUSPENDED}\n"
    ),
    "the acknowledgement to add": '\n"dev/Data/Bucket" = ""\n',
    "changed settings": '- **dev/Name**\n  - stackName changes from "name" to "other"\n',
    "the difference of settings": "[~] Settings: {",
    "what a new stack contains": "OwnRule",
    "how to delete a stack": f"\nNote: dev/Gone {RECIPE}#remove-a-domain\n",
    "how to rename a stack": f"\nNote: dev/Old {RECIPE}#rename-a-domain\n",
    "how to remove an environment": f"\nNote: gone/Stack {RECIPE}#remove-an-environment",
    "what is deleted with its data": "\nNote: dev/New/Data is new. Its DeletionPolicy deletes it",
    "new rights": "### dev needs new rights\n\n- sqs:CreateQueue on arn:aws:sqs:*\n\nBefore you",
    "the first rights": "### new needs a new bootstrap\n",
    "how to bootstrap": "nox -s bootstrap -- --to aws --environment new\n",
}
OMITS = (
    "BootstrapVersion",
    "Note: dev/New/Kept",
    "Note: dev/New/Queue",
    "--environment dev\n",
    "### same",
)


@pytest.fixture(scope="module")
def report() -> str:
    text, passes = guard.report(HERE, BASE)
    assert not passes
    return text


@pytest.mark.parametrize("part", CONTAINS)
def test_the_report_contains(part: str, report: str) -> None:
    assert CONTAINS[part] in report


@pytest.mark.parametrize("part", OMITS)
def test_the_report_omits(part: str, report: str) -> None:
    assert part not in report


def test_no_destructive_change_passes() -> None:
    text, passes = guard.report({}, {})
    assert passes
    assert text == "### Destructive changes\n\nNone."


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that is deleted, the only change."""
    monkeypatch.setattr(guard, "compare", lambda _: [])
    monkeypatch.setattr(guard, "destructive_changes", lambda *_: {"dev/A/It": ["is deleted"]})


def acknowledged(*lines: str) -> Files:
    return {guard.ACKNOWLEDGED: "\n".join(lines).encode("latin-1")}


@pytest.mark.usefixtures("deleted")
@pytest.mark.parametrize(
    ("lines", "passes"),
    [
        (["'dev/A/It' = 'Moved'"], False),
        (["'dev/A/It' = 'Moved again'"], True),
        (["'dev/A/Other' = 'Moved again'"], False),
    ],
)
def test_only_a_new_entry_of_the_same_resource_counts(lines: list[str], passes: bool) -> None:
    text, passed = guard.report(acknowledged(*lines), acknowledged("'dev/A/It' = 'Moved'"))
    assert passed == passes
    assert ("- **dev/A/It** (acknowledged: Moved again)\n  - is deleted" in text) == passes
    assert ("toml" in text) != passes


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["\xff"], "is not valid TOML"),
        (["a = 'b'", "a = 'b'"], "not valid TOML: .* Replace an older entry"),
        (["a = 1"], "the reason for 'a' must be a string"),
        (["a = ' '"], "the reason for 'a' must be a string"),
    ],
)
def test_an_invalid_entry_is_refused(lines: list[str], error: str) -> None:
    with pytest.raises(UserError, match=error):
        guard.acknowledgements(acknowledged(*lines))
