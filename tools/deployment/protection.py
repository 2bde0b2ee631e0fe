"""Turn off termination protection while one operation runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say
from tools.deployment.deployment import Deployment
from tools.deployment.next_command import next_command
from tools.errors import UserError


@contextmanager
def without_protection(deployment: Deployment, stacks: Sequence[StackArtifact]) -> Iterator[None]:
    """Turn off termination protection for `stacks`, and on again for those that still exist.

    Turns it on after an error or an interrupt too, or says which stack stays without protection.
    """
    unprotected: list[StackArtifact] = []
    try:
        for stack in stacks:
            # Noted before the call, because an interrupted call may have succeeded.
            unprotected.append(stack)
            deployment.deployed.set_protection(stack, on=False)
            say(f"Turned off the termination protection of {stack.title}.")
        yield
    finally:
        for stack in unprotected:
            _protect_again(deployment, stack)


def _protect_again(deployment: Deployment, stack: StackArtifact) -> None:
    try:
        found = deployment.deployed.find(stack)
        if found and not found.get("EnableTerminationProtection"):
            deployment.deployed.set_protection(stack, on=True)
            say(f"Turned the termination protection of {stack.title} on again.")
    except (UserError, BotoCoreError, ClientError) as error:
        say(
            f"{stack.title} has no termination protection, and it cannot be turned on: {error} "
            f"A deploy turns it on. {next_command(deployment, 'deploy', stacks=[stack])}",
            style="red",
        )
