"""Destroy stacks after a question. Protected stacks and data are retained."""

from typing import TYPE_CHECKING

from tools.cdk_cli.assembly import Json, StackArtifact, matching_ids
from tools.console import say
from tools.deployment.operation import Operation, operation
from tools.deployment.options import Options
from tools.deployment.preflight import ADOPT
from tools.deployment.statuses import refuse_changing
from tools.local_cloud.folder import how_to_empty

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

    type Found = dict[str, StackTypeDef | None]


def destroy(options: Options) -> int:
    """Delete the selected stacks, and the stacks that depend on them.

    Returns the status of `cdk destroy`, or 1 if stack ids were given and a stack is protected.
    """
    with operation(options, dependents=True) as op:
        found = {stack.id: op.find(stack) for stack in op.stacks}
        to_delete, protected = _choose(op, found)
        refused = bool(options.stacks and protected)
        if not to_delete:
            return refused
        _show_retained(op, to_delete, found)
        op.confirm("Destroy", to_delete)
        unprotected = [stack for stack in to_delete if _is_protected(found[stack.id])]
        for stack in unprotected:
            op.unprotect(stack)
        names = [stack.id for stack in to_delete]
        command = ("destroy", "--force", "--exclusively", *names, *options.extra)
        status = op.cdk("Destroying", *command)[0]
        if status and unprotected:
            say(
                "A deploy turns on the termination protection of the stacks that still exist. "
                f"{op.nox('deploy', stacks=unprotected)}",
                style="red",
            )
        return status or refused


def _choose(op: Operation, found: "Found") -> tuple[list[StackArtifact], list[StackArtifact]]:
    """The stacks to delete, and the protected stacks to retain."""
    requested = matching_ids(op.stacks, op.options.stacks)
    to_delete: list[StackArtifact] = []
    protected = []
    for stack in op.stacks:  # each after its dependencies
        deployed = found[stack.id]
        dependencies = sorted(stack.dependencies & {other.id for other in to_delete})
        if stack.id not in requested and not (dependencies and deployed):
            continue
        if deployed is None:
            say(f"{stack.id} ({stack.name}) does not exist.")
            continue
        refuse_changing(op, stack, deployed["StackStatus"])
        # The protection of the deployed stack may have been turned off by hand.
        if (stack.is_protected or _is_protected(deployed)) and not op.options.unprotect:
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


def _show_retained(op: Operation, to_delete: list[StackArtifact], found: "Found") -> None:
    retained = [
        name
        for stack in to_delete
        if (deployed := found[stack.id])
        # A stack in review has no resources.
        and deployed["StackStatus"] != "REVIEW_IN_PROGRESS"
        for name in _retained(op, stack)
    ]
    for name in retained:
        say(f"Will be retained: {name}")
    if retained:
        say(
            f"A later deploy can adopt the retained resources. {op.nox('deploy', ADOPT)}"
            if op.target.kind == "aws"
            else f"The local cloud cannot adopt retained resources. {how_to_empty()}"
        )


def _retained(op: Operation, stack: StackArtifact) -> list[str]:
    from cfnlint.decode import decode_str  # takes a second

    client = op.cloudformation(stack)
    # CloudFormation applies the policies of the deployed template, not of the assembly. The
    # deployed template may be YAML (`cdk import`); boto3 parses only JSON.
    body: Json = client.get_template(StackName=stack.name)["TemplateBody"]
    template, problems = decode_str(body) if isinstance(body, str) else (body, [])
    if not isinstance(template, dict):  # CloudFormation accepts, for example, a duplicate key
        say(f"{stack.id}: retained resources are not known, because of {problems[0].message}.")
        return []
    retained = {
        key
        for key, resource in template["Resources"].items()
        if str(resource.get("DeletionPolicy", "")).startswith("Retain")
    }
    return [
        f"{resource['ResourceType']} {resource['PhysicalResourceId']}"
        for resource in op.resources(stack)
        if resource["LogicalResourceId"] in retained and "PhysicalResourceId" in resource
    ]
