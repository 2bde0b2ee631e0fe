"""Destroy stacks after a question. Protected stacks and data are retained."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from tools.cdk_cli.assembly import StackArtifact, at, matching_ids
from tools.cdk_cli.cdk import Done
from tools.console import say, waiting
from tools.deployment import removed
from tools.deployment.deployed import UnreadableError
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT, Options
from tools.deployment.prepare import Deployment, prepare
from tools.deployment.protection import without_protection

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

    type Found = dict[StackArtifact, StackTypeDef]
# The stacks that import from a stack, each with the exports that it imports.
type Importers = Mapping[str, Sequence[str]]

PROTECTED = "it has termination protection, because it holds data. Delete it with --unprotect."


def destroy(options: Options) -> int:
    """Delete the selected stacks, and the stacks that depend on them.

    Returns 1 if a stack is not deleted, or if stacks were named and one of them is retained.
    """
    with prepare(options, dependents=True) as deployment:
        found = _find(deployment)
        importers = {stack: _importers(deployment, stack, found[stack]) for stack in found}
        retained = {
            stack: PROTECTED
            for stack in found
            if _is_protected(stack, found[stack]) and not options.unprotect
        }
        to_delete = _choose(deployment, importers, retained)
        for stack, reason in retained.items():
            say(f"{stack.title} is retained: {reason}")
        removed.show(deployment)
        refused = bool(options.stacks and retained)
        if not to_delete:
            return refused
        _announce(deployment, to_delete, found)
        deployment.confirm("Destroy", to_delete)
        unprotect = [stack for stack in to_delete if _is_protected(stack, found[stack])]
        done = without_protection(deployment, unprotect, partial(_delete, deployment, to_delete))
        return done.status or refused


def _find(deployment: Deployment) -> "Found":
    """The requested stacks that exist and those that depend on them, after their dependencies."""
    requested = matching_ids(deployment.stacks, deployment.options.stacks)
    found: Found = {}
    for stack in deployment.stacks:
        if stack.id not in requested and not stack.dependencies & {other.id for other in found}:
            continue
        deployed = deployment.deployed.find(stack)
        if deployed is not None:
            found[stack] = deployed
        elif stack.id in requested:
            say(f"{stack.title} does not exist.")
    return found


def _is_protected(stack: StackArtifact, deployed: "StackTypeDef") -> bool:
    # The deployed stack's protection may have been turned off by hand.
    return stack.is_protected or deployed.get("EnableTerminationProtection", False)


def _importers(deployment: Deployment, stack: StackArtifact, deployed: "StackTypeDef") -> Importers:
    """The stacks that import from the stack: in the environment, and outside the repository."""
    importers: dict[str, list[str]] = {}
    exports = [output.get("ExportName") for output in deployed.get("Outputs", [])]
    try:
        for export in filter(None, exports):
            for name in deployment.deployed.importers(stack, export):
                importers.setdefault(name, []).append(export)
    except UnreadableError as error:
        say(f"Not checked whether another stack imports from {stack.id}: {error}")
    return importers


def _choose(
    deployment: Deployment,
    importers: Mapping[StackArtifact, Importers],
    retained: dict[StackArtifact, str],
) -> list[StackArtifact]:
    """The stacks to delete, each before the stacks from which it imports.

    Adds the stacks that must stay, because a stack that stays imports from them, to `retained`.
    """
    requested = matching_ids(deployment.stacks, deployment.options.stacks)
    while True:
        chosen: dict[str, StackArtifact] = {}
        for stack in importers:
            needed = stack.dependencies & {other.id for other in chosen.values()}
            if stack not in retained and (stack.id in requested or needed):
                chosen[stack.name] = stack
        blocked = {
            stack: f"{name} imports {', '.join(exports)}. Delete that stack first."
            for stack in chosen.values()
            for name, exports in importers[stack].items()
            if name not in chosen
        }
        retained |= blocked
        if not blocked:
            break
    for stack in chosen.values():
        if stack.id not in requested:
            names = sorted(stack.dependencies & {other.id for other in chosen.values()})
            say(f"{stack.id} will also be deleted: it depends on {', '.join(names)}.")
    ordered: list[StackArtifact] = []
    while chosen:
        # CloudFormation refuses imports in a circle, so that one stack has no importer left.
        free = [stack for stack in chosen.values() if not importers[stack].keys() & chosen.keys()]
        ordered.append(chosen.pop(free[-1].name))
    return ordered


def _announce(deployment: Deployment, to_delete: list[StackArtifact], found: "Found") -> None:
    """Print which resources are retained, and which are deleted."""
    retained: list[str] = []
    deleted: list[str] = []
    for stack in to_delete:
        if found[stack]["StackStatus"] == "REVIEW_IN_PROGRESS":
            continue  # a stack in review has no resources
        template = deployment.deployed.template(stack)
        if template is None:
            say(f"{stack.id}: cannot tell what is retained, because its template cannot be parsed.")
            continue
        for resource in deployment.deployed.resources(stack):
            policy = at(template, f"Resources.{resource['LogicalResourceId']}.DeletionPolicy")
            if "PhysicalResourceId" not in resource:
                continue  # its creation failed
            name = f"{resource['ResourceType']} {resource['PhysicalResourceId']}"
            (retained if str(policy).startswith("Retain") else deleted).append(name)
    for name in deleted:
        say(f"Will be deleted: {name}")
    for name in retained:
        say(f"Will be retained: {name}")
    if retained and any(name.startswith("AWS::S3::BucketPolicy ") for name in deleted):
        say("Without its bucket policy, a retained bucket also accepts requests without TLS.")
    in_code = [stack for stack in to_delete if stack in deployment.in_code]
    if retained and in_code:
        adopt = next_command(deployment, "deploy", ADOPT, stacks=in_code)
        say(f"A later deploy can adopt the retained resources. {adopt}")


def _delete(deployment: Deployment, stacks: Sequence[StackArtifact]) -> Done:
    """Delete the stacks, one after the other, until one cannot be deleted."""
    for stack in stacks:
        title = stack.title
        try:
            with deployment.changing(), waiting(f"Deleting {title}"):
                deployment.deployed.delete(stack)
        except (ClientError, WaiterError) as error:
            say(f"{title} was not deleted: {error}", style="red")
            for event in deployment.deployed.last_events(stack):
                if event.get("ResourceStatus") == "DELETE_FAILED":
                    say(f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason')}")
            return Done(1, "")
        say(f"Deleted {title}.")
    return Done(0, "")
