"""Comparing: what a deploy would change, and what was changed by hand since the last one."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.assembly import StackArtifact
from tools.console import UserError, console, summarize
from tools.deployment.deploy import BY_HAND, NOT_YET, REVERT, ensure_bootstrapped
from tools.deployment.operation import Operation, Options, operation

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import (
        DescribeStackResourceDriftsInputTypeDef,
        StackResourceDriftTypeDef,
    )

# For example what MiniStack reads of the foundation (its services/cloudformation/drift.py).
_LESS = (
    "The local cloud compares less than AWS: of many resources only a few properties, or that they "
    "are there; for example of a bucket its versioning, of a repository that it is there, of a "
    "policy nothing."
)
_UNDO = {
    "aws": f"Set it back with: nox -s deploy -- --to aws {REVERT}",
    "local": f"Undo it by hand: {BY_HAND}",
}
# What `cdk drift` says last when it got as far as comparing, and something differs.
_COMPARED = "Number of resources with drift"


def diff(options: Options) -> int:
    """Show what a deploy of the chosen stacks would change; return the status of `cdk diff`."""
    with operation(options) as op:
        ensure_bootstrapped(op)
        method = []
        # The local cloud's change sets say of more changes than AWS's that they may replace.
        if op.target.place == "local" and not any("method" in flag for flag in options.extra):
            method = ["--method=template"]
        return op.cdk("Comparing", "diff", *method, *(stack.id for stack in op.stacks))[0]


def drift(options: Options) -> int:
    """Show how the deployed resources differ from their templates; non-zero if they do.

    Last comes a line for each property: stack, construct, property, and what it is instead. Raises
    `UserError` for a stack that is not deployed.
    """
    with operation(options) as op:
        names = [stack.id for stack in op.stacks]
        if missing := [
            stack.id for stack in op.stacks if op.status_of(stack.name, stack.region) in NOT_YET
        ]:
            raise UserError(
                f"Not deployed, so there is nothing to compare with: {', '.join(missing)}. Name "
                "the stacks that are, or deploy first."
            )
        status, said = op.cdk("Detecting drift", "drift", "--fail", *names)
        lines = []
        if _COMPARED in said:
            lines = [line for stack in op.stacks for line in _differences(op, stack)]
        for line in lines:
            console.print(line, markup=False, soft_wrap=True)
        if lines:
            console.print(_UNDO[op.target.place], soft_wrap=True)
        if op.target.place == "local":
            console.print(_LESS, soft_wrap=True)
        found = [f"- `{line}`" for line in lines] or [said if status else "None."]
        summarize(f"### Drift ({op.target})", *found)
        return status


def _differences(op: Operation, stack: StackArtifact) -> Iterator[str]:
    # CloudFormation keeps what `cdk drift` has just let it detect.
    client = op.target.session.client("cloudformation", region_name=stack.region)
    ask: DescribeStackResourceDriftsInputTypeDef = {
        "StackName": stack.name,
        "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
    }
    while True:
        page = client.describe_stack_resource_drifts(**ask)
        for resource in page["StackResourceDrifts"]:
            yield from _lines(op, stack, resource)
        if "NextToken" not in page:
            return
        ask["NextToken"] = page["NextToken"]


def _lines(
    op: Operation, stack: StackArtifact, resource: "StackResourceDriftTypeDef"
) -> Iterator[str]:
    template = json.loads((op.assembly / stack.template).read_text())
    logical = resource["LogicalResourceId"]
    # A resource that is deployed need not be in the assembly any more.
    metadata = template["Resources"].get(logical, {}).get("Metadata", {})
    path = metadata.get("aws:cdk:path", logical)
    where = f"{stack.id} {path.removeprefix(f'{stack.id}/').removesuffix('/Resource')}"
    if resource["StackResourceDriftStatus"] == "DELETED":
        yield f"{where}: deleted"
    for difference in resource.get("PropertyDifferences", []):
        expected, actual = difference["ExpectedValue"], difference["ActualValue"]
        yield f"{where} {difference['PropertyPath']}: {expected} -> {actual}"
