"""What is deployed in an account: the stacks, read and changed with the bootstrap roles."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import Json, StackArtifact
from tools.deployment.target import Target
from tools.errors import UserError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

# The error code for a request without permission.
DENIED = "AccessDenied"
# With one of these statuses, `cdk deploy` deletes the stack, but not its retained resources, and
# creates it again.
FAILED_CREATION = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# Statuses of a stack that was never created (CloudFormation user guide, "Stack status codes").
NEVER_CREATED = (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE", *FAILED_CREATION)


def is_changing(status: str) -> bool:
    """Whether an operation is changing a stack in this status."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


class UnreadableError(UserError):
    """The principal has no permission to read a stack."""


class DeployedStacks:
    """The stacks in the target's account."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sessions: dict[str, boto3.Session] = {}

    def session(self, role: str | None) -> boto3.Session:
        """A session as a bootstrap role, or as the user's principal if it may not assume the role.

        Like the CDK CLI: a principal needs only the permission to assume these roles.
        """
        arn = "" if self._target.kind == "local" or role is None else role
        arn = arn.replace("${AWS::Partition}", self._target.partition)
        arn = arn.replace("${AWS::AccountId}", self._target.account)
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
        try:
            return self.client(stack).describe_stacks(StackName=stack.name)["Stacks"][0]
        except ClientError as error:
            # CloudFormation has no error code for a missing stack (API reference, DescribeStacks).
            if "does not exist" in str(error):
                return None
            if error.response["Error"]["Code"] != DENIED:
                raise
            raise UnreadableError(f"Cannot read the stack {stack.name}: {error}") from error

    def resources(self, stack: StackArtifact) -> "list[StackResourceSummaryTypeDef]":
        """The deployed stack's resources."""
        pages = self.client(stack).get_paginator("list_stack_resources")
        found = pages.paginate(StackName=stack.name)
        return [resource for page in found for resource in page["StackResourceSummaries"]]

    def template(self, stack: StackArtifact) -> Json:
        """The deployed template, or None if it cannot be parsed.

        CloudFormation applies its policies, not the assembly's.
        """
        from cfnlint.decode import decode_str  # takes a second

        body: Json = self.client(stack).get_template(StackName=stack.name)["TemplateBody"]
        # A template may be YAML (`cdk import`); boto3 parses only JSON. CloudFormation accepts, for
        # example, a duplicate key.
        return decode_str(body)[0] if isinstance(body, str) else body

    def failed_validations(self, stack: StackArtifact) -> list[str]:
        """Why CloudFormation's validation refused the stack."""
        try:
            events = self.client(stack).describe_events(StackName=stack.name)["OperationEvents"]
        except ClientError:  # the stack does not exist, or cannot be read
            return []
        failed = [event for event in events if event.get("ValidationStatus") == "FAILED"]
        return [event["ValidationStatusReason"] for event in failed]

    def set_protection(self, stack: StackArtifact, *, on: bool) -> None:
        """Turn the stack's termination protection on or off."""
        self.client(stack, stack.deploy_role).update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=on
        )


def _assume(arn: str) -> boto3.Session:
    try:
        sts = boto3.Session().client("sts")
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="wealth-ops")["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != DENIED:
            raise
        return boto3.Session()
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
