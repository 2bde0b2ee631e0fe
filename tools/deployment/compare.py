"""Compare stacks: changes that a deploy would make, and changes by hand since the last deploy."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.assembly import StackArtifact, construct_path
from tools.console import UserError, say, summarize
from tools.deployment.deploy import BY_HAND, REVERT, ensure_bootstrapped
from tools.deployment.operation import Operation, operation
from tools.deployment.options import Options
from tools.deployment.statuses import NEVER_CREATED, refuse_blocked

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackResourceDriftTypeDef

# Source of the examples: services/cloudformation/drift.py of MiniStack.
_LESS = (
    "The local cloud compares less than AWS. Examples: the local cloud compares only the "
    "versioning of a bucket, checks only that a repository exists, and ignores policies."
)
# The last line of `cdk drift` if the comparison succeeded.
_COMPARED = "Number of resources with drift"


def diff(options: Options) -> int:
    """Show the changes that a deploy would make; return the status of `cdk diff`."""
    with operation(options) as op:
        ensure_bootstrapped(op)
        method = []
        # The change sets of the local cloud report more replacements than AWS.
        if op.target.kind == "local" and not any("method" in flag for flag in options.extra):
            method = ["--method=template"]
        names = [stack.id for stack in op.stacks]
        return op.cdk("Comparing", "diff", *method, *names, *options.extra)[0]


def drift(options: Options) -> int:
    """Show the drift of the selected stacks; return a non-zero status if a stack has drifted.

    The last lines show each property: stack, construct, property, expected and actual value.
    Raises `UserError` for a stack that is not deployed.
    """
    with operation(options) as op:
        protections = _protections(op)
        names = [stack.id for stack in op.stacks]
        status, output = op.cdk("Detecting drift", "drift", "--fail", *names, *options.extra)
        lines = [*protections]
        if _COMPARED in output:
            lines += [line for stack in op.stacks for line in _differences(op, stack)]
        _show(op, lines, output if status else "None.")
        return status or bool(lines)


def _protections(op: Operation) -> list[str]:
    """One line for each stack whose termination protection has drifted.

    Raises `UserError` for a stack that is not deployed, or whose status allows no drift detection.
    """
    lines, missing = [], []
    for stack in op.stacks:
        found = op.find(stack)
        if found is None or found["StackStatus"] in NEVER_CREATED:
            missing.append(f"{stack.id} ({stack.name})")
            continue
        refuse_blocked(op, stack, found["StackStatus"])
        actual = found.get("EnableTerminationProtection", False)
        if actual != stack.is_protected:
            lines.append(f"{stack.id} termination protection: {stack.is_protected} -> {actual}")
    if missing:
        raise UserError(
            f"Not deployed, so there is nothing to compare: {', '.join(missing)}. Name the "
            f"deployed stacks, or deploy first: {op.nox('deploy')}"
        )
    return lines


def _show(op: Operation, lines: list[str], otherwise: str) -> None:
    for line in lines:
        say(line)
    if lines:
        revert = op.nox("deploy", REVERT)
        undo = {"aws": f"Revert with: {revert}", "local": f"Undo the drift by hand: {BY_HAND}"}
        say(undo[op.target.kind])
    if op.target.kind == "local":
        say(_LESS)
    summarize(
        f"### Drift ({op.target}, environment {op.options.environment})",
        *([f"- `{line}`" for line in lines] or [otherwise]),
    )


def _differences(op: Operation, stack: StackArtifact) -> Iterator[str]:
    # CloudFormation stores the result of the detection that `cdk drift` has started.
    client = op.cloudformation(stack)
    request: dict[str, str] = {}
    while True:
        page = client.describe_stack_resource_drifts(
            StackName=stack.name,
            StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
            **request,  # type: ignore[arg-type]  # only NextToken
        )
        for resource in page["StackResourceDrifts"]:
            yield from _lines(op, stack, resource)
        if "NextToken" not in page:
            return
        request = {"NextToken": page["NextToken"]}


def _lines(
    op: Operation, stack: StackArtifact, resource: "StackResourceDriftTypeDef"
) -> Iterator[str]:
    template = json.loads((op.assembly / stack.template).read_text())
    # The assembly may no longer contain a deployed resource.
    path = construct_path(template, resource["LogicalResourceId"])
    where = f"{stack.id} {path.removeprefix(f'{stack.id}/')}"
    if resource["StackResourceDriftStatus"] == "DELETED":
        yield f"{where}: deleted"
    for difference in resource.get("PropertyDifferences", []):
        expected, actual = difference["ExpectedValue"], difference["ActualValue"]
        yield f"{where} {difference['PropertyPath']}: {expected} -> {actual}"
