"""CloudFormation's responses about the drift of one stack."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from tools.cdk_cli.assembly import StackArtifact

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/one/id"
REGION = "eu-central-1"
STACK = StackArtifact("One", "one", None, REGION, frozenset(), "One.template.json")
RESOURCES = {"Bucket": "AWS::S3::Bucket", "Inline": "AWS::IAM::Policy", "Own": "Custom::Own"}
Answer = dict[str, Any]


class CloudFormation:
    """CloudFormation responses, checked against its API model."""

    def __init__(self) -> None:
        self.client = boto3.Session("any", "any").client("cloudformation", region_name=REGION)
        self.stub = Stubber(self.client)
        self.stub.activate()

    def exists(self, status: str = "UPDATE_COMPLETE") -> None:
        stack = {"StackName": "one", "CreationTime": NOW, "StackStatus": status}
        self.stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "one"})

    def refuses_to_detect(self, message: str) -> None:
        self.stub.add_client_error("detect_stack_drift", "ValidationError", message, 400)

    def starts(self) -> None:
        self.stub.add_response("detect_stack_drift", {"StackDriftDetectionId": "id"})

    def reports(self, status: str, **more: object) -> None:
        detection = {"StackId": STACK_ID, "StackDriftDetectionId": "id", "Timestamp": NOW}
        self.stub.add_response(
            "describe_stack_drift_detection_status",
            {**detection, "DetectionStatus": status, **more},
            {"StackDriftDetectionId": "id"},
        )

    def lists(self, *records: Answer) -> None:
        """Returns the records on two pages, and the stack's resources."""
        for page in (
            {"StackResourceDrifts": [], "NextToken": "two"},
            {"StackResourceDrifts": records},
        ):
            self.stub.add_response("describe_stack_resource_drifts", page)
        summaries = [
            {
                "LogicalResourceId": key,
                "ResourceType": kind,
                "LastUpdatedTimestamp": NOW,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for key, kind in RESOURCES.items()
        ]
        self.stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries})

    def finds(self, *records: Answer) -> None:
        """Answers all requests that one `drift` makes."""
        self.exists()
        self.starts()
        self.reports("DETECTION_COMPLETE")
        self.lists(*records)
