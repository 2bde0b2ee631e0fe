"""Destroying stacks: asks first, keeps the data, and leaves protected stacks alone."""

from typing import TYPE_CHECKING, cast

from tools.assembly import StackArtifact, named
from tools.console import console
from tools.deployment.deploy import ADOPT
from tools.deployment.operation import Operation, Options, cloud_directory, operation
from tools.local_cloud.folder import how_to_empty

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


def destroy(options: Options) -> int:
    """Delete the chosen stacks, and those that need them; return the status of `cdk destroy`.

    Or 1, if a stack that was asked for by name is left alone.
    """
    with operation(options, dependents=True) as op:
        protected = {stack.id: _is_protected(op, stack) for stack in op.stacks}
        asked = named(op.stacks, options.stacks)
        doomed: list[StackArtifact] = []
        refused = 0
        for stack in op.stacks:  # each after those that it needs
            gone = stack.dependencies & {other.id for other in doomed}
            if stack.id not in asked and (not gone or protected[stack.id] is None):
                continue  # what it needs stays, or it is gone already
            if protected[stack.id] is None:
                console.print(f"{stack.id} does not exist.")
            elif protected[stack.id] and not options.unprotect:
                console.print(
                    f"{stack.id} is left alone: it has termination protection, because it holds "
                    "data. Take it off with --unprotect."
                )
                refused = 1 if options.stacks else 0
            else:
                doomed.append(stack)
                if stack.id not in asked:
                    console.print(f"{stack.id} goes, too: it needs {', '.join(sorted(gone))}.")
        if not doomed:
            return refused
        kept = [name for stack in doomed for name in _kept(op, stack)]
        for name in kept:
            console.print(f"Kept: {name}", soft_wrap=True)
        if kept:
            console.print(
                f"A later deploy adopts what is kept with: nox -s deploy -- {ADOPT}"
                if op.target.place == "aws"
                else f"The local cloud cannot adopt it later. {how_to_empty(cloud_directory())}",
                soft_wrap=True,
            )
        names = [stack.id for stack in doomed]
        op.confirm(f"Destroy {', '.join(names)}")
        for stack in doomed:
            if protected[stack.id]:
                _client(op, stack).update_termination_protection(
                    StackName=stack.name, EnableTerminationProtection=False
                )
        return op.cdk("Destroying", "destroy", "--force", "--exclusively", *names)[0] or refused


def _is_protected(op: Operation, stack: StackArtifact) -> bool | None:
    found = op.describe(stack.name, stack.region)
    return found.get("EnableTerminationProtection", False) if found else None


def _kept(op: Operation, stack: StackArtifact) -> list[str]:
    # The deployed template decides what CloudFormation keeps, not the one in the assembly.
    body = _client(op, stack).get_template(StackName=stack.name)["TemplateBody"]
    # boto3 has parsed the JSON of the template, against what its types say.
    template = cast("dict[str, dict[str, dict[str, object]]]", body)
    retained = {
        key
        for key, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    resources = _client(op, stack).describe_stack_resources(StackName=stack.name)
    return [
        f"{resource['ResourceType']} {resource['PhysicalResourceId']}"
        for resource in resources["StackResources"]
        if resource["LogicalResourceId"] in retained
    ]


def _client(op: Operation, stack: StackArtifact) -> "CloudFormationClient":
    return op.target.session.client("cloudformation", region_name=stack.region)
