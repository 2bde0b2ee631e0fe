"""Destroy stacks after a question. Protected stacks and data are retained."""

from functools import partial
from typing import TYPE_CHECKING

from tools.cdk_cli.assembly import StackArtifact, at, matching_ids
from tools.console import say
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT, Options
from tools.deployment.prepare import Deployment, prepare
from tools.deployment.protection import without_protection
from tools.local_cloud.folder import how_to_empty

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

    type Found = dict[str, StackTypeDef | None]


def destroy(options: Options) -> int:
    """Delete the selected stacks, and the stacks that depend on them.

    Returns cdk's exit status, or 1 if stack ids were given and a stack is protected.
    """
    with prepare(options, dependents=True) as deployment:
        found = {stack.id: deployment.deployed.find(stack) for stack in deployment.stacks}
        to_delete, protected = _choose(deployment, found)
        refused = bool(options.stacks and protected)
        if not to_delete:
            return refused
        _announce(deployment, to_delete, found)
        deployment.confirm("Destroy", to_delete)
        names = [stack.id for stack in to_delete]
        command = ("Destroying", "destroy", "--force", "--exclusively", *names)
        unprotect = [stack for stack in to_delete if _is_protected(found[stack.id])]
        done = without_protection(deployment, unprotect, partial(deployment.cdk, *command))
        return done.status or refused


def _choose(
    deployment: Deployment, found: "Found"
) -> tuple[list[StackArtifact], list[StackArtifact]]:
    """The stacks to delete, and the protected stacks to retain."""
    requested = matching_ids(deployment.stacks, deployment.options.stacks)
    to_delete: list[StackArtifact] = []
    protected = []
    for stack in deployment.stacks:  # each after its dependencies
        deployed = found[stack.id]
        dependencies = sorted(stack.dependencies & {other.id for other in to_delete})
        if stack.id not in requested and not (dependencies and deployed):
            continue
        if deployed is None:
            say(f"{stack.id} ({stack.name}) does not exist.")
            continue
        # The deployed stack's protection may have been turned off by hand.
        if (stack.is_protected or _is_protected(deployed)) and not deployment.options.unprotect:
            say(
                f"{stack.id} ({stack.name}) is retained: it has termination protection, because it "
                "holds data. Delete it with --unprotect."
            )
            protected.append(stack)
            continue
        to_delete.append(stack)
        if stack.id not in requested:
            say(f"{stack.id} will also be deleted: it depends on {', '.join(dependencies)}.")
    return to_delete, protected


def _is_protected(found: "StackTypeDef | None") -> bool:
    return found is not None and found.get("EnableTerminationProtection", False)


def _announce(deployment: Deployment, to_delete: list[StackArtifact], found: "Found") -> None:
    """Print which resources are retained, and which are deleted."""
    retained: list[str] = []
    deleted: list[str] = []
    for stack in to_delete:
        deployed = found[stack.id]
        if deployed is None or deployed["StackStatus"] == "REVIEW_IN_PROGRESS":
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
    if retained and deployment.target.kind == "local":
        say(f"The local cloud cannot adopt retained resources. {how_to_empty()}")
    elif retained:
        adopt = next_command(deployment, "deploy", ADOPT)
        say(f"A later deploy can adopt the retained resources. {adopt}")
