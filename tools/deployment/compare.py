"""Comparing: what a deploy would change, and what was changed by hand since the last one."""

from tools.deployment.deploy import ensure_bootstrapped
from tools.deployment.operation import Options, operation


def diff(options: Options) -> int:
    """Show what a deploy of the chosen stacks would change; return the status of `cdk diff`."""
    with operation(options) as op:
        ensure_bootstrapped(op)
        return op.cdk("Comparing", "diff", *(stack.id for stack in op.stacks))[0]


def drift(options: Options) -> int:
    """Show how the deployed resources differ from their templates; non-zero if they do."""
    with operation(options) as op:
        ensure_bootstrapped(op)
        names = [stack.id for stack in op.stacks]
        return op.cdk("Detecting drift", "drift", "--fail", *names)[0]
