"""Show the changes that a deploy would make."""

from tools.deployment.bootstrap import ensure_bootstrapped
from tools.deployment.left_out import leave_out
from tools.deployment.options import Options
from tools.deployment.prepare import prepare


def diff(options: Options) -> int:
    """Show the changes that a deploy would make; return cdk's exit status."""
    with prepare(options) as op:
        op = leave_out(op)
        ensure_bootstrapped(op)
        method = []
        # The local cloud's change sets report more replacements than AWS.
        if op.target.kind == "local" and not any("method" in flag for flag in options.cdk_flags):
            method = ["--method=template"]
        names = [stack.id for stack in op.stacks]
        return op.cdk("Comparing", "diff", *method, *names, *options.cdk_flags)[0]
