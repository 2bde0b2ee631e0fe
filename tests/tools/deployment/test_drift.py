"""Drift is what CloudFormation reports, without acknowledged reports. Unchecked is not clean."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tools.cdk_cli.assembly import StackArtifact
from tools.deployment import drift, drift_detection
from tools.deployment.deployed import DeployedStacks
from tools.deployment.deployment import Deployment
from tools.deployment.options import Options
from tools.deployment.target import Target
from tools.errors import UsageError

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/one/id"
STACK = StackArtifact("One", "one", None, "eu-central-1", frozenset(), "One.template.json")
RESOURCES = {"Bucket": "AWS::S3::Bucket", "Inline": "AWS::IAM::Policy", "Own": "Custom::Own"}
ENTRY = {
    "resource": "One/Data",
    "property": "/BucketEncryption",
    "expected": '{"Algorithm":"AES256"}',
    "actual": "null",
}
REASON = {"reason": "reported falsely: https://example.com"}
Answer = dict[str, Any]


def difference(path: str, expected: str, actual: str) -> Answer:
    values = {"PropertyPath": path, "ExpectedValue": expected, "ActualValue": actual}
    return {**values, "DifferenceType": "NOT_EQUAL"}


ENCRYPTION = difference("/BucketEncryption", '{"Algorithm":"AES256"}', "null")
VERSIONING = difference("/VersioningConfiguration/Status", "Enabled", "Suspended")


def record(status: str, *differences: Answer, at: datetime = NOW, **more: object) -> Answer:
    """What DescribeStackResourceDrifts returns for the bucket."""
    return {
        "StackId": STACK_ID,
        "LogicalResourceId": "Bucket",
        "ResourceType": "AWS::S3::Bucket",
        "StackResourceDriftStatus": status,
        "Timestamp": at,
        "PropertyDifferences": [*differences],
        **more,
    }


class CloudFormation(Stubber):
    """CloudFormation's answers, checked against its API model."""

    def exists(self, status: str = "UPDATE_COMPLETE") -> None:
        stack = {"StackName": "one", "CreationTime": NOW, "StackStatus": status}
        self.add_response("describe_stacks", {"Stacks": [stack]})

    def refuses_to_detect(self, message: str) -> None:
        self.add_client_error("detect_stack_drift", "ValidationError", message)

    def starts(self) -> None:
        self.add_response("detect_stack_drift", {"StackDriftDetectionId": "id"})

    def reports(self, status: str, **more: object) -> None:
        detection = {"StackId": STACK_ID, "StackDriftDetectionId": "id", "Timestamp": NOW}
        answer = {**detection, "DetectionStatus": status, **more}
        self.add_response("describe_stack_drift_detection_status", answer)

    def lists(self, *records: Answer) -> None:
        """Returns the records on two pages, and the stack's resources."""
        first = {"StackResourceDrifts": [], "NextToken": "two"}
        for page in (first, {"StackResourceDrifts": records}):
            self.add_response("describe_stack_resource_drifts", page)
        state = {"LastUpdatedTimestamp": NOW, "ResourceStatus": "CREATE_COMPLETE"}
        summaries = [
            {"LogicalResourceId": key, "ResourceType": kind, **state}
            for key, kind in RESOURCES.items()
        ]
        self.add_response("list_stack_resources", {"StackResourceSummaries": summaries})

    def finds(self, *records: Answer) -> None:
        """Answers all requests that one `drift` makes."""
        self.exists()
        self.starts()
        self.reports("DETECTION_COMPLETE")
        self.lists(*records)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    """CloudFormation, and an empty snapshots/drift.toml."""
    client = boto3.Session("any", "any").client("cloudformation", region_name=STACK.region)
    resources = {"Bucket": {"Metadata": {"aws:cdk:path": "One/Data/Resource"}}}
    (tmp_path / STACK.template).write_text(json.dumps({"Resources": resources}))
    target = Target("aws", "111122223333", "arn:aws:iam::111122223333:user/u")
    deployment = Deployment(Options("drift"), target, tmp_path, [STACK])
    (tmp_path / "drift.toml").touch()
    monkeypatch.setattr(drift, "prepare", lambda _: nullcontext(deployment))
    monkeypatch.setattr(DeployedStacks, "client", lambda *_: client)
    monkeypatch.setattr(drift_detection, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(drift, "ACKNOWLEDGED", tmp_path / "drift.toml")
    with CloudFormation(client) as aws:
        yield aws
        aws.assert_no_pending_responses()


def acknowledge(folder: Path, entry: dict[str, str]) -> None:
    lines = ["[[acknowledged]]", *(f"{key} = {json.dumps(entry[key])}" for key in entry)]
    (folder / "drift.toml").write_text("\n".join(lines))


def check() -> int:
    return drift.drift(Options("drift"))


def test_a_stack_without_differences_is_clean_and_names_what_cannot_be_checked(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.finds(record("IN_SYNC"))
    assert check() == 0
    output = capsys.readouterr().out
    assert "resources with drift: 0; not checked: 0\n" in output
    assert "No drift detection in AWS for: Inline (AWS::IAM::Policy), Own (Custom::Own)\n" in output


def test_a_difference_is_drift_with_its_property_and_both_values(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.finds(record("MODIFIED", VERSIONING))
    assert check() == 1
    output = capsys.readouterr().out
    assert "One/Data /VersioningConfiguration/Status: Enabled -> Suspended\n" in output
    assert "resources with drift: 1; not checked: 0\n" in output
    assert "Revert the drift. Run in the account 111122223333 (one in " in output
    assert "--revert-drift" in output


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([record("UNKNOWN", DriftStatusReason="AccessDenied")], "UNKNOWN AccessDenied"),
        ([record("MODIFIED")], "MODIFIED"),
        ([], "CloudFormation returned no result"),
        # CloudFormation returns the last result for a resource that it could not read this time.
        ([record("IN_SYNC", at=NOW - timedelta(days=1))], "CloudFormation returned no result"),
    ],
)
def test_a_resource_that_was_not_checked_is_not_clean(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str], records: list[Answer], text: str
) -> None:
    aws.finds(*records)
    assert check() == 1
    output = capsys.readouterr().out
    assert f"One/Data not checked: {text}\n" in output
    assert "resources with drift: 0; not checked: 1\n" in output
    assert "Revert" not in output


def test_a_failed_detection_is_not_clean_even_if_no_resource_says_so(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.exists()
    aws.starts()
    aws.reports("DETECTION_FAILED", DetectionStatusReason="Rate exceeded")
    aws.lists(record("IN_SYNC"))
    assert check() == 1
    assert "One not checked: Rate exceeded\n" in capsys.readouterr().out


def test_an_acknowledged_report_is_clean_and_another_one_of_the_resource_is_drift(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    acknowledge(tmp_path, ENTRY | REASON)
    aws.finds(record("MODIFIED", ENCRYPTION))
    assert check() == 0
    output = capsys.readouterr().out
    assert f" -> null (acknowledged: {REASON['reason']})\n" in output
    assert "Revert" not in output
    aws.finds(record("MODIFIED", ENCRYPTION, VERSIONING))
    assert check() == 1
    aws.finds(record("MODIFIED", difference("/BucketEncryption", "null", "null")))
    assert check() == 1


@pytest.mark.parametrize(("status", "expected"), [("UNKNOWN", 0), ("DELETED", 1), ("MODIFIED", 1)])
def test_an_acknowledged_resource_may_be_unreadable_but_neither_deleted_nor_changed(
    aws: CloudFormation,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    status: str,
    expected: int,
) -> None:
    acknowledge(tmp_path, {"resource": "One/Data"} | REASON)
    aws.finds(record(status, VERSIONING))
    assert check() == expected
    assert "existence" not in capsys.readouterr().out.partition("[[acknowledged]]")[2]


def test_the_printed_entry_acknowledges_the_difference(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.finds(record("MODIFIED", ENCRYPTION))
    assert check() == 1
    printed = capsys.readouterr().out.partition("[[acknowledged]]")
    assert tomllib.loads("".join(printed[1:])) == {"acknowledged": [{**ENTRY, "reason": ""}]}


@pytest.mark.parametrize(
    "text",
    [
        '[[acknowledged]]\nresource = "One/Data"',
        '[[acknowledged]]\nresource = "One/Data"\nreason = ""',
        '[[acknowledged]]\nreason = "https://example.com"',
        '[[acknowledged]]\nresource = "One/Data"\nactul = "1"\nreason = "https://example.com"',
        '[[acknowledged]]\nresource="A"\nproperty="B"\nexpected="1"\nactual="2"\nreason="no link"',
        '[[acknowledged]]\nresource="A"\nproperty="existence"\nreason="https://example.com"',
        "[[acknowledged]",
    ],
)
def test_an_incomplete_file_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "drift.toml").write_text(text)
    with pytest.raises(UsageError, match=r"drift\.toml.*first lines describe"):
        drift.read_acknowledged(tmp_path / "drift.toml")


def test_the_entries_in_the_repository_are_complete() -> None:
    drift.read_acknowledged(drift.ACKNOWLEDGED)


def test_drift_waits_for_a_deploy_and_for_another_detection(
    aws: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.exists("UPDATE_IN_PROGRESS")
    aws.exists()
    aws.refuses_to_detect(f"Drift detection is already in progress for stack [{STACK_ID}]")
    aws.starts()
    aws.reports("DETECTION_IN_PROGRESS")
    aws.reports("DETECTION_COMPLETE")
    aws.lists(record("IN_SYNC"))
    assert check() == 0
    assert "Waiting until One (one) is no longer UPDATE_IN_PROGRESS.\n" in capsys.readouterr().out


def test_an_error_of_the_detection_is_not_hidden(aws: CloudFormation) -> None:
    aws.exists()
    aws.refuses_to_detect("1 validation error detected")
    with pytest.raises(ClientError, match="1 validation error detected"):
        check()


def test_a_new_resource_type_that_cfn_lint_does_not_know_is_not_clean(
    aws: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RESOURCES, "Inline", "AWS::S3::Invented")
    aws.finds(record("IN_SYNC"))
    assert check() == 1
