"""Compare stacks: changes that a deploy would make, and changes by hand since the last deploy."""

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say, summarize
from tools.deployment.deploy import BY_HAND, REVERT, ensure_bootstrapped
from tools.deployment.left_out import leave_out
from tools.deployment.operation import Operation, operation
from tools.deployment.options import Options
from tools.deployment.statuses import NEVER_CREATED, refuse_blocked
from tools.errors import UserError

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
        op = leave_out(op)
        ensure_bootstrapped(op)
        method = []
        # The change sets of the local cloud report more replacements than AWS.
        if op.target.kind == "local" and not any("method" in flag for flag in options.extra):
            method = ["--method=template"]
        names = [stack.id for stack in op.stacks]
        return op.cdk("Comparing", "diff", *method, *names, *options.extra)[0]


def drift(options: Options) -> int:
    """Show the drift of the selected stacks; return a non-zero status if a stack has drifted.

    A stack that is not deployed counts as drift. Raises `UserError` if no stack is deployed.
    """
    with operation(options) as op:
        op = leave_out(op)
        deployed, changed = _examine(op)
        if not deployed:
            raise UserError(f"No stack is deployed. {op.nox('deploy')}")
        names = [stack.id for stack in deployed]
        status, output = op.cdk("Detecting drift", "drift", "--fail", *names, *options.extra)
        for line in changed.values():
            say(line)
        if changed:
            say(f"A deploy reverts these changes. {op.nox('deploy', stacks=[*changed])}")
        if status and _COMPARED in output:
            revert = f"Revert the drift. {op.nox('deploy', REVERT, stacks=deployed)}"
            say(revert if op.target.kind == "aws" else f"Undo the drift by hand: {BY_HAND}")
        if op.target.kind == "local":
            say(_LESS)
        title = f"### Drift ({op.target}, environment {options.environment})"
        summarize(title, f"```\n{output.strip()}\n```", *changed.values())
        return status or bool(changed)


def _examine(op: Operation) -> tuple[list[StackArtifact], dict[StackArtifact, str]]:
    """The deployed stacks, and a line for each stack that is not deployed or has other protection.

    Raises `UserError` for a stack whose status allows no drift detection.
    """
    deployed, changed = [], {}
    for stack in op.stacks:
        found = op.find(stack)
        if found is None or found["StackStatus"] in NEVER_CREATED:
            changed[stack] = f"{stack.id} ({stack.name}) is not deployed."
            continue
        refuse_blocked(op, stack, found["StackStatus"])
        deployed.append(stack)
        actual = found.get("EnableTerminationProtection", False)
        if actual != stack.is_protected:
            line = f"{stack.id} termination protection: {stack.is_protected} -> {actual}"
            changed[stack] = line
    return deployed, changed
