"""The stacks that the local cloud cannot create, and that a local operation leaves out."""

from dataclasses import replace

from tools.cdk_cli.assembly import StackArtifact, matching_ids
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.errors import UserError
from tools.local_cloud.resource_types import missing_types


def leave_out(deployment: Deployment) -> Deployment:
    """`deployment` without the stacks that the local cloud cannot create; says which, and why.

    Such a stack has a resource type that the local cloud lacks, or depends on such a stack. Raises
    `UserError` if no stack that the user named remains.
    """
    if deployment.target.kind == "aws":
        return deployment
    reasons: dict[StackArtifact, str] = {}
    for stack in deployment.stacks:  # each after its dependencies
        missing = missing_types(
            deployment.deployed.client(stack), deployment.assembly, stack.template
        )
        needed = stack.dependencies & {other.id for other in reasons}
        if missing:
            reasons[stack] = f"the local cloud has no {', '.join(sorted(missing))}"
        elif needed:
            reasons[stack] = f"it depends on {', '.join(sorted(needed))}"
    lines = [f"{stack.title} is left out: {why}." for stack, why in reasons.items()]
    remaining = [stack for stack in deployment.stacks if stack not in reasons]
    requested = matching_ids(deployment.stacks, deployment.options.stacks)
    if not requested & {stack.id for stack in remaining}:
        raise UserError(" ".join([*lines, "Nothing was done. Select AWS with --to aws."]))
    for line in lines:
        say(line)
    return replace(deployment, stacks=remaining, left_out=reasons)
