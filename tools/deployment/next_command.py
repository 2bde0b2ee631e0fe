"""The sentence with the command that the user runs next."""

import shlex
from collections.abc import Sequence

from tools.cdk_cli.assembly import StackArtifact
from tools.deployment.deployment import Deployment


def next_command(
    deployment: Deployment, verb: str, *flags: str, stacks: Sequence[StackArtifact] = ()
) -> str:
    """The command that runs `verb` for `stacks`, or for the user's stacks, on the same target.

    The command has a line of its own, so that it can be copied.
    """
    options, target = deployment.options, deployment.target
    command = ["uv", "run", "nox", "-s", verb, "--"]
    command += ["--to", target.kind, "--environment", options.environment]
    if options.profile:
        command += ["--profile", options.profile]
    if options.app:
        command += ["--app", options.app]
    command += [stack.id for stack in stacks] or options.stacks
    names = ", ".join(f"{each.name} in {each.region}" for each in stacks or deployment.stacks)
    return f"Run in the account {target.account} ({names}):\n  {shlex.join([*command, *flags])}"
