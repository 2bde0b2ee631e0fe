"""One operation's target and stacks, and what every verb does with them."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rich.prompt import Confirm

from tools.cdk_cli import cdk
from tools.cdk_cli.assembly import StackArtifact
from tools.console import console, is_interactive, say
from tools.deployment.deployed import DeployedStacks, UnreadableError
from tools.deployment.options import Options
from tools.deployment.target import Target
from tools.errors import UsageError, UserError

# `~/.cdk.json` may name a profile or proxy for the CDK CLI alone; flags override the file.
_OWN_CREDENTIALS = ("--profile=",)
# The local cloud needs no proxy. CDK CLI notices come from the internet.
_OWN_NETWORK = ("--proxy=", "--no-notices")


@dataclass(frozen=True)
class Deployment:
    """A target, and the stacks selected from a synthesized environment.

    `in_code` are all stacks of the environment. `left_out` are selected stacks that the target
    cannot create, with the reason for each.
    """

    options: Options
    target: Target
    assembly: Path
    stacks: Sequence[StackArtifact]
    in_code: Sequence[StackArtifact] = ()
    left_out: Mapping[StackArtifact, str] = field(default_factory=dict)

    @cached_property
    def deployed(self) -> DeployedStacks:
        """What is deployed in the target's account."""
        return DeployedStacks(self.target)

    @cached_property
    def others(self) -> list[StackArtifact]:
        """The environment's deployed stacks that the code does not have; see `removed`.

        Says so, and returns nothing, if the principal may not list stacks.
        """
        try:
            return self.deployed.others(self.in_code)
        except UnreadableError as error:
            say(f"Not checked for stacks that the code does not have: {error}")
            return []

    @property
    def removed(self) -> list[StackArtifact]:
        """The stacks of `others` that have this project's name."""
        projects = {stack.tags.get("Project") for stack in self.in_code}
        return [stack for stack in self.others if stack.tags.get("Project") in projects]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """After an interrupt, say what goes on."""
        try:
            yield
        except KeyboardInterrupt:
            if self.target.kind == "aws" and self.options.verb != "diff":
                say(
                    "CloudFormation goes on with the changes that it has started. Run the same "
                    "command again when they have ended."
                )
            raise

    def cdk(self, step: str, *arguments: str, hidden: re.Pattern[str] | None = None) -> cdk.Done:
        """Run the CDK CLI on the assembly; on the local cloud, do not print `hidden` lines.

        The CLI and boto3 use the credentials in `os.environ`, which `prepare` has set.
        """
        flags = [*_OWN_CREDENTIALS, "--app", str(self.assembly)]
        if self.target.kind == "local":
            flags += _OWN_NETWORK
        if self.target.kind == "aws" or self.options.verbose:
            hidden = None
        with self.changing():
            return cdk.run(step, *arguments, *flags, variables=os.environ, hidden=hidden)

    def confirm(self, action: str, stacks: Sequence[StackArtifact]) -> None:
        """Ask before anything changes, unless --yes. Raises `UserError` if the answer is no."""
        if self.options.yes:
            return
        regions = ", ".join(sorted({stack.region for stack in stacks}))
        names = ", ".join(stack.title for stack in stacks)
        question = (
            f"{action} {names}\nenvironment {self.options.environment}, region {regions}, "
            f"{self.target}?"
        )
        if not is_interactive():
            raise UsageError(f"{question}\nThere is no terminal for the question. Add --yes.")
        try:
            answer = Confirm.ask(question, default=False, console=console)
        except EOFError:
            answer = False
        if not answer:
            raise UserError("Nothing was done.")
