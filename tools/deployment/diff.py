"""Show the changes that a deploy would make."""

from tools.deployment import removed
from tools.deployment.bootstrap import ensure_bootstrapped
from tools.deployment.execution import check_rights
from tools.deployment.left_out import leave_out
from tools.deployment.options import Options
from tools.deployment.prepare import prepare


def diff(options: Options) -> int:
    """Show the changes that a deploy would make; return cdk's exit status."""
    with prepare(options) as deployment:
        deployment = leave_out(deployment)
        ensure_bootstrapped(deployment)
        check_rights(deployment)
        flags = [*options.cdk_flags]
        # The local cloud's change sets report more replacements than AWS.
        if deployment.target.kind == "local":
            flags.append("--method=template")
        names = [stack.id for stack in deployment.stacks]
        done = deployment.cdk("Comparing", "diff", *names, *flags)
        removed.show(deployment)
        return done.status
