"""Detect drift with CloudFormation: properties that differ, and resources that were not checked.

`cdk drift` reports no drift for a resource that CloudFormation could not read.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import StackArtifact, construct_path
from tools.console import say
from tools.deployment.deployed import is_changing
from tools.deployment.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import (
        DescribeStackDriftDetectionStatusOutputTypeDef,
        StackResourceDriftTypeDef,
        StackTypeDef,
    )

PAUSE_SECONDS = 2.0
# The property that a deleted resource differs in. Those of CloudFormation begin with a slash.
EXISTENCE = "existence"


@dataclass(frozen=True)
class Finding:
    """A property that differs, or, without `property`, a resource that was not checked.

    The entries in snapshots/drift.toml have the same keys, without `why`.
    """

    resource: str
    property: str = ""
    expected: str = ""
    actual: str = ""
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.property:
            return f"{self.resource} {self.property}: {self.expected} -> {self.actual}"
        return f"{self.resource} not checked: {self.why}"


def find_settled(deployment: Deployment, stack: StackArtifact) -> "StackTypeDef | None":
    """The deployed stack, after waiting for an operation, such as a deploy, that changes it."""
    found = deployment.deployed.find(stack)
    if found and is_changing(found["StackStatus"]):
        say(f"Waiting until {stack.id} ({stack.name}) is no longer {found['StackStatus']}.")
    while found and is_changing(found["StackStatus"]):
        time.sleep(PAUSE_SECONDS)
        found = deployment.deployed.find(stack)
    return found


def detect(deployment: Deployment, stack: StackArtifact) -> tuple[list[Finding], list[str]]:
    """The findings in a deployed stack, and the resources whose type cannot be checked."""
    client = deployment.deployed.client(stack)
    detection = _run_detection(client, stack)
    # A resource that could not be read may still have the record of an earlier detection.
    drifts = {
        drift["LogicalResourceId"]: drift
        for drift in _read_drifts(client, stack)
        if drift["Timestamp"] >= detection["Timestamp"]
    }
    reason = detection.get("DetectionStatusReason", "CloudFormation returned no result")
    template = json.loads((deployment.assembly / stack.template).read_text())
    findings: list[Finding] = []
    unsupported = []
    for resource in deployment.deployed.resources(stack):
        path = construct_path(template, resource["LogicalResourceId"])
        kind = resource["ResourceType"]
        if drift := drifts.get(resource["LogicalResourceId"]):
            findings += _read_findings(path, drift)
        elif deployment.target.kind == "aws" and _is_supported(kind, stack.region):
            findings.append(Finding(path, why=reason))
        else:
            unsupported.append(f"{path} ({kind})")
    is_complete = detection["DetectionStatus"] == "DETECTION_COMPLETE"
    if not is_complete and all(finding.property for finding in findings):
        findings.append(Finding(stack.id, why=reason))
    return findings, unsupported


def _run_detection(
    client: "CloudFormationClient", stack: StackArtifact
) -> "DescribeStackDriftDetectionStatusOutputTypeDef":
    while (detection := _start_detection(client, stack)) is None:
        time.sleep(PAUSE_SECONDS)
    while True:
        found = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return found
        time.sleep(PAUSE_SECONDS)


def _start_detection(client: "CloudFormationClient", stack: StackArtifact) -> str | None:
    """A new detection's id, or None while another detection is in progress."""
    try:
        return client.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    except ClientError as error:
        # CloudFormation has no error code for this.
        if "already in progress" not in str(error):
            raise
        return None


def _read_drifts(
    client: "CloudFormationClient", stack: StackArtifact
) -> "Iterator[StackResourceDriftTypeDef]":
    page = client.describe_stack_resource_drifts(StackName=stack.name)
    yield from page["StackResourceDrifts"]
    while token := page.get("NextToken"):
        page = client.describe_stack_resource_drifts(StackName=stack.name, NextToken=token)
        yield from page["StackResourceDrifts"]


def _read_findings(path: str, drift: "StackResourceDriftTypeDef") -> list[Finding]:
    status = drift["StackResourceDriftStatus"]
    differences = drift.get("PropertyDifferences", [])
    if status == "IN_SYNC":
        return []
    if status == "DELETED":
        return [Finding(path, EXISTENCE, "True", "False")]
    if status != "MODIFIED" or not differences:
        return [Finding(path, why=f"{status} {drift.get('DriftStatusReason', '')}".strip())]
    return [
        Finding(path, found["PropertyPath"], found["ExpectedValue"], found["ActualValue"])
        for found in differences
    ]


def _is_supported(kind: str, region: str) -> bool:
    """Whether CloudFormation can read resources of this type, and so detect their drift."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # takes a second

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    except ResourceNotFoundError:
        return True  # a type that is newer than cfn-lint
    return "read" in schema.get("handlers", {})
