"""Turn off termination protection while one command runs."""

from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from tools.cdk_cli.assembly import StackArtifact
from tools.cdk_cli.cdk import Done
from tools.console import say
from tools.deployment.next_command import next_command
from tools.deployment.prepare import Deployment
from tools.errors import UserError


def without_protection(
    deployment: Deployment, stacks: Sequence[StackArtifact], run: Callable[[], Done]
) -> Done:
    """Turn off termination protection for `stacks`, run a command, and return its result.

    Turns the protection on again, or says that it is off, if anything fails or is interrupted.
    """
    unprotected: list[StackArtifact] = []
    done = Done(1, "")
    try:
        for stack in stacks:
            # Noted before the call, because an interrupted call may have succeeded.
            unprotected.append(stack)
            deployment.deployed.set_protection(stack, on=False)
            say(f"Turned off the termination protection of {stack.title}.")
        done = run()
    finally:
        if done.status:
            for stack in unprotected:
                _protect_again(deployment, stack)
    return done


def _protect_again(deployment: Deployment, stack: StackArtifact) -> None:
    title = stack.title
    try:
        found = deployment.deployed.find(stack)
        if found is None or found.get("EnableTerminationProtection"):
            return
        deployment.deployed.set_protection(stack, on=True)
        say(f"Turned the termination protection of {title} on again.")
    except (UserError, BotoCoreError, ClientError) as error:
        say(
            f"{title} has no termination protection, and it cannot be turned on: {error} "
            f"A deploy turns it on. {next_command(deployment, 'deploy', stacks=[stack])}",
            style="red",
        )
