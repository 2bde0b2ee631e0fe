"""What is deployed in an account: the stacks, read and changed with the bootstrap roles."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import Json, StackArtifact
from tools.deployment.target import Target
from tools.errors import UserError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import (
        DeleteStackInputTypeDef,
        OutputTypeDef,
        StackResourceSummaryTypeDef,
        StackTypeDef,
        WaiterConfigTypeDef,
    )

# The error code for a request without permission.
DENIED = "AccessDenied"
# With one of these statuses, `cdk deploy` deletes the stack, but not its retained resources, and
# creates it again.
FAILED_CREATION = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# Statuses of a stack that was never created (CloudFormation user guide, "Stack status codes").
NEVER_CREATED = (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE", *FAILED_CREATION)
# Every second, for a day: longer than any deletion takes.
_PATIENCE: "WaiterConfigTypeDef" = {"Delay": 1, "MaxAttempts": 86_400}


def is_changing(status: str) -> bool:
    """Whether an operation is changing a stack in this status."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


class UnreadableError(UserError):
    """The principal has no permission to read stacks."""


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn a denied request into an `UnreadableError`."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != DENIED:
            raise
        raise UnreadableError(f"Cannot read {what}: {error}") from error


class DeployedStacks:
    """The stacks in the target's account."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sessions: dict[str, boto3.Session] = {}

    def session(self, role: str | None) -> boto3.Session:
        """A session as a bootstrap role, or as the user's principal if it may not assume the role.

        Like the CDK CLI: a principal needs only the permission to assume these roles.
        """
        arn = "" if self._target.kind == "local" or role is None else self._arn(role)
        if arn not in self._sessions:
            self._sessions[arn] = _assume(arn) if arn else boto3.Session()
        return self._sessions[arn]

    def client(self, stack: StackArtifact, role: str | None = None) -> "CloudFormationClient":
        """A CloudFormation client for a bootstrap role, by default the lookup role."""
        session = self.session(role or stack.lookup_role)
        return session.client("cloudformation", region_name=stack.region)

    def find(self, stack: StackArtifact) -> "StackTypeDef | None":
        """The deployed stack, or None if it does not exist.

        Raises `UnreadableError` if the principal has no permission to read the stack.
        """
        with _readable(f"the stack {stack.name}"):
            try:
                return self.client(stack).describe_stacks(StackName=stack.name)["Stacks"][0]
            except ClientError as error:
                # CloudFormation has no error code for it (API reference, DescribeStacks).
                if "does not exist" in str(error):
                    return None
                raise

    def others(self, in_code: Sequence[StackArtifact]) -> list[StackArtifact]:
        """The environment's deployed stacks that are not `in_code`, but in one of its regions.

        Their names and tags follow `stacks/core/environment.py`, for any project. Raises
        `UnreadableError` if the principal has no permission to list stacks.
        """
        names = {(stack.name, stack.region) for stack in in_code}
        return [
            stack
            for neighbor in {stack.region: stack for stack in in_code}.values()
            for stack in self._in_region(neighbor)
            if (stack.name, stack.region) not in names
        ]

    def _in_region(self, neighbor: StackArtifact) -> Iterator[StackArtifact]:
        """The deployed stacks in the region and environment of `neighbor`."""
        pages = self.client(neighbor).get_paginator("describe_stacks")
        with _readable(f"the list of stacks in {neighbor.region}"):
            stacks = [stack for page in pages.paginate() for stack in page["Stacks"]]
        for found in stacks:
            tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
            pattern = f"{tags.get('Project')}-*-{neighbor.tags.get('Environment')}"
            is_managed = tags.get("ManagedBy") == neighbor.tags.get("ManagedBy")
            if is_managed and fnmatchcase(found["StackName"], pattern):
                yield replace(
                    neighbor,
                    id=found["StackName"],
                    name=found["StackName"],
                    dependencies=frozenset(),
                    template="",
                    is_protected=found.get("EnableTerminationProtection", False),
                    tags=tags,
                )

    def importers(self, stack: StackArtifact, outputs: "Sequence[OutputTypeDef]") -> set[str]:
        """The names of the stacks that import from the stack, in any project."""
        pages = self.client(stack).get_paginator("list_imports")
        names: set[str] = set()
        for export in filter(None, (output.get("ExportName") for output in outputs)):
            try:
                for page in pages.paginate(ExportName=export):
                    names |= {*page["Imports"]}
            except ClientError as error:
                # CloudFormation has no error code for it (API reference, ListImports).
                if "not imported" not in str(error):
                    raise
        return names

    def resources(self, stack: StackArtifact) -> "list[StackResourceSummaryTypeDef]":
        """The deployed stack's resources; one whose creation failed has no physical name."""
        pages = self.client(stack).get_paginator("list_stack_resources")
        return [
            resource
            for page in pages.paginate(StackName=stack.name)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceStatus"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ]

    def template(self, stack: StackArtifact) -> Json:
        """The deployed template, whose policies CloudFormation applies; a text if it is YAML."""
        body: Json = self.client(stack).get_template(StackName=stack.name)["TemplateBody"]
        return body

    def failed_validations(self, stack: StackArtifact) -> list[str]:
        """Why CloudFormation's validation refused the stack."""
        with _readable(f"the events of {stack.name}"):
            events = self.client(stack).describe_events(StackName=stack.name)["OperationEvents"]
        failed = [event for event in events if event.get("ValidationStatus") == "FAILED"]
        return [event["ValidationStatusReason"] for event in failed]

    def left_by_creation(self, stack: StackArtifact) -> list[str]:
        """The type and name of each resource that the stack's failed creation retained."""
        pages = self.client(stack).get_paginator("describe_stack_events")
        return [
            f"{event.get('ResourceType')} {event.get('PhysicalResourceId')}"
            for page in pages.paginate(StackName=stack.name)
            for event in page["StackEvents"]
            if event.get("ResourceStatus") == "DELETE_SKIPPED"
        ]

    def delete(self, stack: StackArtifact) -> None:
        """Delete the stack with the roles that `cdk destroy` uses, and wait until it is deleted."""
        client = self.client(stack, stack.deploy_role)
        # Without a role, CloudFormation acts with the role of the last operation, if it had one.
        request: DeleteStackInputTypeDef = {"StackName": stack.name}
        if stack.execution_role:
            request["RoleARN"] = self._arn(stack.execution_role)
        client.delete_stack(**request)
        waiter = client.get_waiter("stack_delete_complete")
        waiter.wait(StackName=stack.name, WaiterConfig=_PATIENCE)

    def set_protection(self, stack: StackArtifact, *, on: bool) -> None:
        """Turn the stack's termination protection on or off."""
        self.client(stack, stack.deploy_role).update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=on
        )

    def _arn(self, role: str) -> str:
        """The ARN of a role in the target's account."""
        arn = role.replace("${AWS::Partition}", self._target.partition)
        return arn.replace("${AWS::AccountId}", self._target.account)


def _assume(arn: str) -> boto3.Session:
    try:
        sts = boto3.Session().client("sts")
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="wealth-ops")["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != DENIED:
            raise
        return boto3.Session()
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
