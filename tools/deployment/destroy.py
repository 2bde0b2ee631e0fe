"""Destroy stacks after a question. Protected stacks and data are retained."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from tools.cdk_cli.assembly import StackArtifact, at, matching_ids
from tools.console import say, waiting
from tools.deployment import removed
from tools.deployment.deployment import Deployment
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT, Options
from tools.deployment.prepare import prepare
from tools.deployment.protection import without_protection
from tools.errors import UserError

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

PROTECTED = (
    "it has termination protection, because it holds data. To delete the stack and keep its data, "
    "add --unprotect."
)


def destroy(options: Options) -> int:
    """Delete the selected stacks, and the stacks that depend on them.

    Returns 1 if stacks were named and one of them is retained. Raises `UserError` if a stack cannot
    be deleted.
    """
    with prepare(options, dependents=True) as deployment:
        requested = matching_ids(deployment.stacks, options.stacks)
        found = _find(deployment, requested)
        importers = {
            stack: deployment.deployed.importers(stack, deployed.get("Outputs", []))
            for stack, deployed in found.items()
        }
        # The deployed stack's protection may have been turned off by hand.
        protected = [
            stack
            for stack, deployed in found.items()
            if stack.is_protected or deployed.get("EnableTerminationProtection")
        ]
        retained = {} if options.unprotect else dict.fromkeys(protected, PROTECTED)
        chosen = _choose(requested, importers, retained)
        to_delete = _order(chosen, importers)
        for stack, reason in retained.items():
            say(f"{stack.title} was not deleted: {reason}")
        for stack in chosen:
            if stack.id not in requested:
                dependencies = sorted(stack.dependencies & _ids(chosen))
                say(f"{stack.id} will also be deleted: it depends on {', '.join(dependencies)}.")
        removed.show(deployment)
        if to_delete:
            _announce(deployment, to_delete)
            deployment.confirm("Destroy", to_delete)
            with without_protection(deployment, [each for each in to_delete if each in protected]):
                for stack in to_delete:
                    _delete(deployment, stack)
        return bool(options.stacks and retained)


def _find(deployment: Deployment, requested: set[str]) -> "dict[StackArtifact, StackTypeDef]":
    """The requested stacks that exist and those that depend on them, after their dependencies."""
    found: dict[StackArtifact, StackTypeDef] = {}
    for stack in deployment.stacks:
        if stack.id not in requested and not stack.dependencies & _ids(found):
            continue
        deployed = deployment.deployed.find(stack)
        if deployed is not None:
            found[stack] = deployed
        elif stack.id in requested:
            say(f"{stack.title} does not exist.")
    return found


def _choose(
    requested: set[str],
    importers: Mapping[StackArtifact, set[str]],
    retained: dict[StackArtifact, str],
) -> list[StackArtifact]:
    """The stacks to delete: the requested ones, and those that depend on one of them.

    Adds the stacks that must stay, because a stack that stays imports from them, to `retained`.
    """
    chosen: list[StackArtifact] = []
    for stack in importers:
        is_needed = stack.id in requested or stack.dependencies & _ids(chosen)
        if stack not in retained and is_needed:
            chosen.append(stack)
    names = {stack.name for stack in chosen}
    for stack in chosen:
        if staying := sorted(importers[stack] - names):
            retained[stack] = f"{', '.join(staying)} imports from it. Delete that stack first."
    if retained.keys() & chosen:  # what these stacks import must stay as well
        return _choose(requested, importers, retained)
    return chosen


def _order(
    chosen: Sequence[StackArtifact], importers: Mapping[StackArtifact, set[str]]
) -> list[StackArtifact]:
    """The chosen stacks, each before the stacks from which it imports."""
    by_name = {stack.name: stack for stack in chosen}
    # CloudFormation refuses imports in a circle, so the graph has none.
    graph = {
        stack: [by_name[name] for name in sorted(importers[stack] & by_name.keys())]
        for stack in reversed(chosen)
    }
    return [*TopologicalSorter(graph).static_order()]


def _ids(stacks: Iterable[StackArtifact]) -> set[str]:
    return {stack.id for stack in stacks}


def _announce(deployment: Deployment, to_delete: Sequence[StackArtifact]) -> None:
    """Print which resources are retained, and which are deleted."""
    retained: list[str] = []
    deleted: list[str] = []
    for stack in to_delete:
        resources = deployment.deployed.resources(stack)  # none if the stack is in review
        template = deployment.deployed.template(stack) if resources else {}
        if isinstance(template, str):
            say(f"{stack.id}: cannot tell what is retained, because its template is not JSON.")
            continue
        for resource in resources:
            policy = at(template, f"Resources.{resource['LogicalResourceId']}.DeletionPolicy")
            if physical_name := resource.get("PhysicalResourceId"):
                name = f"{resource['ResourceType']} {physical_name}"
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


def _delete(deployment: Deployment, stack: StackArtifact) -> None:
    """Delete a stack, or raise `UserError` with the reasons why it cannot be deleted."""
    try:
        with deployment.changing(), waiting(f"Deleting {stack.title}"):
            deployment.deployed.delete(stack)
    except (ClientError, WaiterError) as error:
        reasons = [
            f"\n  {resource['LogicalResourceId']}: {resource.get('ResourceStatusReason')}"
            for resource in deployment.deployed.resources(stack)
            if resource["ResourceStatus"] == "DELETE_FAILED"
        ]
        raise UserError(f"{stack.title} was not deleted: {error}{''.join(reasons)}") from error
    say(f"Deleted {stack.title}.")
