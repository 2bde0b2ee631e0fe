"""What to do after a failed deploy about resources that exist already."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import Json, StackArtifact, at
from tools.console import say
from tools.deployment.deployed import UnreadableError
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT
from tools.deployment.prepare import Deployment

_EXISTS = re.compile(r"already\s*exists", re.IGNORECASE)  # also the error code AlreadyExists
# The CDK CLI may break the lines.
_NAMED = re.compile(r"Resource\s+of\s+type\s+'(\S+)'\s+with\s+identifier\s+'(\S+)'\s+already")
_OWNED = re.compile(r"already\s+exists\s+in\s+stack\s+arn:\S+:stack/([^/\s]+)/")
_REPEAT = "Then run the same command again."


@dataclass(frozen=True, order=True)
class Existing:
    """A resource that exists, although a failed stack creates it.

    `obstacle` is why a deploy cannot adopt the resource, or an empty text.
    """

    stack: str
    kind: str
    name: str
    obstacle: str


def show_next_step(deployment: Deployment, output: str) -> None:
    """Say what to do after a failed `cdk deploy` with this output.

    Names what exists already, and what the failed creation of a stack retained.
    """
    existing: set[Existing] = set()
    for stack in deployment.stacks:
        if re.search(rf"✅.*\({stack.name}\)", output):
            continue
        try:
            found = deployment.deployed.find(stack)
            if found is not None:
                existing |= {*_existing(deployment, stack, output)}
                _remove_review(deployment, stack, found["StackStatus"])
        except UnreadableError as error:
            say(f"Not checked: {error}")
    for each in sorted(existing):
        say(f"{each.stack}: {each.kind} {each.name} exists already. {each.obstacle}".rstrip())
    adopts = ADOPT in deployment.options.cdk_flags
    if owners := sorted({*_OWNED.findall(output)}):
        say(
            f"Another stack owns it: {', '.join(owners)}. Follow docs/changing.md"
            "#move-a-retained-resource-between-stacks."
        )
    elif not adopts and any(not each.obstacle for each in existing):
        command = next_command(deployment, "deploy", *deployment.options.cdk_flags, ADOPT)
        say(f"Fix every other cause that cdk shows above. A deploy adopts what exists. {command}")
    elif existing:
        say(f"Delete what exists and is not adopted, or give yours another name. {_REPEAT}")
    else:
        say(f"Fix the cause that cdk shows above. {_REPEAT}")


def _existing(deployment: Deployment, stack: StackArtifact, output: str) -> Iterator[Existing]:
    # For a refused change set, cdk prints the reasons; for a refused stack, how to read them.
    if "DescribeEvents" in output:
        for reason in deployment.deployed.failed_validations(stack):
            say(f"{stack.name}: {reason}", style="red")
            output += f"\n{reason}"
    names = {*_NAMED.findall(output)}
    refused, retained = set(), set()
    for event in deployment.deployed.last_events(stack):
        reason, status = event.get("ResourceStatusReason", ""), event.get("ResourceStatus")
        if status == "CREATE_FAILED" and _EXISTS.search(reason):
            refused.add(event.get("LogicalResourceId"))
        elif status == "DELETE_SKIPPED":
            retained.add(event.get("LogicalResourceId"))
    template = json.loads((deployment.assembly / stack.template).read_text())
    for key, resource in template.get("Resources", {}).items():
        kind = resource["Type"]
        name = _literal_name(resource, stack.region)
        if name is None and key in refused:
            why = "Its name is not in the template, so a deploy cannot adopt it."
            yield Existing(stack.id, kind, key, why)
        elif name is not None and (key in refused | retained or (kind, name) in names):
            yield Existing(stack.id, kind, name, _obstacle(deployment, stack, resource, name))


def _literal_name(resource: Json, region: str) -> str | None:
    """The text in a template that identifies the resource, by which CloudFormation can adopt it."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # takes a second

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
            region, str(at(resource, "Type"))
        ).schema
    except ResourceNotFoundError:
        return None
    paths = [path.removeprefix("/properties/") for path in schema["primaryIdentifier"]]
    name = at(resource, f"Properties.{paths[0]}")
    return name if len(paths) == 1 and isinstance(name, str) else None


def _obstacle(deployment: Deployment, stack: StackArtifact, resource: Json, name: str) -> str:
    if not str(at(resource, "DeletionPolicy")).startswith("Retain"):
        return "A deploy adopts only a resource whose construct has `removal_policy=RETAIN`."
    if at(resource, "Type") != "AWS::S3::Bucket":
        return ""
    s3 = deployment.deployed.session(stack.lookup_role).client("s3", region_name=stack.region)
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "403":
            return (
                "S3 denies access to it: probably another AWS account owns the name. Choose "
                "another default for `Environment.project` in stacks/core/environment.py."
            )
    return ""


def _remove_review(deployment: Deployment, stack: StackArtifact, status: str) -> None:
    """Delete a stack that has only a refused change set, and no resources."""
    if status == "REVIEW_IN_PROGRESS":
        deployment.deployed.delete(stack)
        say(f"Deleted the empty stack {stack.name}, whose first change set was refused.")
