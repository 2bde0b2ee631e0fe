"""Deploy recorded stacks to the local cloud, and observe what is deployed."""

import io
import json
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import Json, at, members
from tools.rehearsal.stacks import Stack

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

# Seconds for one stack.
LIMIT = 60.0
# Snapshots hold this in place of every asset hash.
CODE = "ASSET_HASH.zip"
# The CDK's templates refuse the bootstrap versions 1 to 5.
ANY_VALUE = "1000"


def of(stack: Stack) -> boto3.Session:
    """A session of the root user in the stack's account and region.

    `LocalCloud.variables` give its clients the endpoint.
    """
    return _session(stack.account, stack.region)


@cache
def _session(account: str, region: str) -> boto3.Session:
    # MiniStack accepts any account number as its root access key.
    return boto3.Session(account, "local", region_name=region)


def prepare(stack: Stack) -> None:
    """Create what a stack needs from the bootstrap and from `cdk deploy`."""
    for parameter in members(stack.template, "Parameters").values():
        if str(at(parameter, "Type")).startswith("AWS::SSM::Parameter::Value"):
            name = str(at(parameter, "Default"))
            of(stack).client("ssm").put_parameter(
                Name=name, Value=ANY_VALUE, Type="String", Overwrite=True
            )
    if "AWS::Lambda::Function" in stack.types():
        bucket = f"cdk-hnb659fds-assets-{stack.account}-{stack.region}"
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as file:
            file.writestr("README", "Snapshots hold no code.")
        assets: Json = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}
        template = {"Resources": {"Assets": assets}}
        deploy(Stack("CDKToolkit", "CDKToolkit", stack.account, stack.region, template))
        of(stack).client("s3").put_object(Bucket=bucket, Key=CODE, Body=code.getvalue())


def deploy(stack: Stack) -> str:
    """Create or update a stack, and return why that failed; empty if it succeeded."""
    cloudformation = of(stack).client("cloudformation")
    prepare(stack)
    exists = _find(cloudformation, stack)
    operation = cloudformation.update_stack if exists else cloudformation.create_stack
    body = json.dumps(stack.template)
    try:
        operation(StackName=stack.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    except ClientError as error:
        message = error.response["Error"]["Message"]
        return "" if "No updates are to be performed" in message else message
    end = time.monotonic() + LIMIT
    status = "_IN_PROGRESS"
    while status.endswith("_IN_PROGRESS") and time.monotonic() < end:
        time.sleep(0.01)
        (found,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        status = found["StackStatus"]
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return ""
    if status.endswith("_IN_PROGRESS"):
        return f"it is still {status} after {LIMIT:g} seconds"
    _, reason = _events(cloudformation, stack, "CREATE_FAILED", "UPDATE_FAILED")[0]
    if "Call DescribeEvents" in reason:
        events = cloudformation.describe_events(StackName=stack.name)["OperationEvents"]
        failed = (event for event in events if event.get("ValidationStatus") == "FAILED")
        reason = next(failed)["ValidationStatusReason"]
    return f"{status}: {reason}"


def _find(cloudformation: "CloudFormationClient", stack: Stack) -> "StackTypeDef | None":
    """The deployed stack, or None if it does not exist."""
    try:
        return cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
    except ClientError:  # CloudFormation has no error code for a missing stack
        return None


def _events(
    cloudformation: "CloudFormationClient", stack: Stack, *statuses: str
) -> list[tuple[str, str]]:
    """The physical id and reason of each of the stack's events with a status, newest first."""
    pages = cloudformation.get_paginator("describe_stack_events")
    return [
        (event.get("PhysicalResourceId", ""), event.get("ResourceStatusReason", ""))
        for page in pages.paginate(StackName=stack.name)
        for event in page["StackEvents"]
        if event.get("ResourceStatus") in statuses
    ]


@dataclass(frozen=True)
class Resource:
    """A deployed resource: its type and physical id."""

    type: str
    id: str


# A stack and a logical id.
type Key = tuple[Stack, str]


@dataclass(frozen=True)
class Deployed:
    """What the stacks have: resources by stack and logical id, and export values by name.

    `kept` are the physical ids that CloudFormation did not delete, each with the reason if it
    could not.
    """

    resources: dict[Key, Resource]
    exports: dict[str, str]
    kept: dict[str, str]


def observe(stacks: Iterable[Stack]) -> Deployed:
    """What the stacks that exist have."""
    found = Deployed({}, {}, {})
    for stack in dict.fromkeys(stacks):
        cloudformation = of(stack).client("cloudformation")
        described = _find(cloudformation, stack)
        if not described:
            continue
        for output in described.get("Outputs", []):
            if "ExportName" in output:
                found.exports[output["ExportName"]] = output["OutputValue"]
        pages = cloudformation.get_paginator("list_stack_resources")
        for page in pages.paginate(StackName=stack.name):
            for each in page["StackResourceSummaries"]:
                if each["ResourceStatus"] != "DELETE_FAILED":
                    resource = Resource(each["ResourceType"], each.get("PhysicalResourceId", ""))
                    found.resources[stack, each["LogicalResourceId"]] = resource
        found.kept.update(_events(cloudformation, stack, "DELETE_SKIPPED", "DELETE_FAILED"))
    return found
