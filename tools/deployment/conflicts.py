"""What to do after a failed deploy about resources that exist already."""

import re
from collections.abc import Iterator

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say
from tools.deployment.deployed import FAILED_CREATION, UnreadableError
from tools.deployment.deployment import Deployment
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT

# The CDK CLI may break the lines. AlreadyExists is also an error code.
_EXISTS = re.compile(r"already\s*exists", re.IGNORECASE)
_OWNED = re.compile(r"already\s+exists\s+in\s+stack\s+arn:\S+:stack/([^/\s]+)/")
_RECIPES = "docs/changing.md"
_REPEAT = "Then run the same command again."


def show_next_step(deployment: Deployment, output: str) -> None:
    """Say what to do after a failed `cdk deploy` with this output.

    Names what the failed creation of a stack retained.
    """
    for stack in deployment.stacks:
        try:
            for reason in _more_reasons(deployment, stack, output):
                say(f"{stack.name}: {reason}", style="red")
                output += f"\n{reason}"
        except UnreadableError as error:
            say(f"Not checked: {error}")
    flags = deployment.options.cdk_flags
    if owners := sorted({*_OWNED.findall(output)}):
        say(
            f"Another stack owns it: {', '.join(owners)}. Follow {_RECIPES}"
            "#move-a-retained-resource-between-stacks."
        )
    elif not _EXISTS.search(output):
        say(f"Fix the cause that cdk shows above. {_REPEAT}")
    elif ADOPT in flags:
        say(
            "Delete what exists and is not adopted, or give yours another name, as in "
            f"{_RECIPES}#adopt-what-a-deploy-or-destroy-left. {_REPEAT}"
        )
    else:
        say(
            "Fix every other cause that cdk shows above. A deploy adopts what exists, if its "
            "template names it and its construct has `removal_policy=RETAIN`. If a bucket belongs "
            "to another account or region, change `Environment.project` instead. "
            f"{next_command(deployment, 'deploy', *flags, ADOPT)}"
        )


def _more_reasons(deployment: Deployment, stack: StackArtifact, output: str) -> Iterator[str]:
    """What cdk does not show: why a stack was refused, and what its failed creation retained."""
    found = deployment.deployed.find(stack)
    status = found["StackStatus"] if found else ""
    # For a refused change set, cdk prints the reasons; for a refused stack, how to read them.
    if status.endswith(("ROLLBACK_COMPLETE", "FAILED")) and "DescribeEvents" in output:
        yield from deployment.deployed.failed_validations(stack)
    if status in FAILED_CREATION:
        for resource in deployment.deployed.left_by_creation(stack):
            yield f"{resource} already exists: the failed creation retained it."
