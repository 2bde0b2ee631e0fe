"""Prepare a deployment: one at a time, choose the target, synthesize, and select the stacks."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from filelock import FileLock, Timeout
from rich.prompt import Confirm

from tools.cdk_cli import cdk
from tools.cdk_cli.assembly import StackArtifact, matching_ids, read_stacks, select
from tools.cdk_cli.synth import check_environment, synthesize_all
from tools.console import console, is_interactive, say, waiting
from tools.deployment.credentials import next_step
from tools.deployment.deployed import DeployedStacks, UnreadableError
from tools.deployment.options import Options
from tools.deployment.target import NAMES, Target, announce, aws_target, choose
from tools.errors import UsageError, UserError
from tools.local_cloud.client import ACCOUNT, REGION, local_cloud
from tools.local_cloud.folder import cloud_directory, create
from tools.variables import replaced_variables

ENDED = "If the local cloud has ended, run the same command again."
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


@contextmanager
def prepare(options: Options, *, dependents: bool = False) -> Iterator[Deployment]:
    """Print the target, and yield a deployment; the local cloud runs until it ends.

    Raises `UserError` if another session uses the local cloud's folder, and for every problem with
    the target or the stacks.
    """
    session = Session(profile=options.profile)
    kind, why = choose(options.to, session, interactive=is_interactive())
    say(f"Target: {NAMES[kind]} ({why}), environment {options.environment}")
    with _one_at_a_time(), ExitStack() as resources:
        if kind == "aws":
            target, assembly = _prepare_aws(options, session)
        else:
            target, assembly = _prepare_local(options, resources)
        resources.enter_context(replaced_variables(target.variables))
        try:
            stacks = read_stacks(assembly)
            deployment = Deployment(options, target, assembly, stacks, stacks)
            deployment = replace(deployment, stacks=_select(deployment, dependents=dependents))
            _check_account(options, target, deployment.stacks)
            if target.kind == "aws":
                announce(target, {stack.region for stack in deployment.stacks})
            yield deployment
        except (BotoCoreError, ClientError) as error:
            hint = ENDED if target.kind == "local" else next_step(error)
            raise UserError(f"{error} {hint}".rstrip()) from error


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    directory = create(cloud_directory())
    try:
        with FileLock(directory / "operation.lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"Another session uses {directory}: bootstrap, deploy, diff, drift or destroy. Run the "
            "command again when that session has ended."
        ) from None


def _prepare_aws(options: Options, session: Session) -> tuple[Target, Path]:
    # Resolve the credentials before any spinner, because they may need an MFA code.
    target = aws_target(session)
    with waiting("Preparing"):
        return target, _find_assembly(options)


def _prepare_local(options: Options, resources: ExitStack) -> tuple[Target, Path]:
    with waiting("Preparing"), ThreadPoolExecutor(1) as pool:
        synthesis = pool.submit(_find_assembly, options)
        cloud = resources.enter_context(local_cloud(cloud_directory()))
        assembly = synthesis.result()
    # Use the environment's account and region.
    stacks = read_stacks(assembly)
    account = next((stack.account for stack in stacks if stack.account), ACCOUNT)
    region = next((stack.region for stack in stacks), REGION)
    variables = cloud.variables(os.environ, account=account, region=region)
    return Target("local", account, f"arn:aws:iam::{account}:root", variables), assembly


def _find_assembly(options: Options) -> Path:
    """The cloud assembly in --app, or a new one for the environment.

    Raises `UserError` if the --app folder has no assembly for the environment.
    """
    name = options.environment
    if options.app is None:
        # In the folder that `_one_at_a_time` locks: no other session replaces the assembly.
        return synthesize_all([name], folder=cloud_directory() / "assembly")[name]
    folder = Path(options.app).resolve()
    if not (folder / "manifest.json").exists():
        raise UsageError(f"--app {options.app}: the folder has no cloud assembly.")
    fix = "Choose the environment with --environment {}."
    check_environment(name, read_stacks(folder), f"--app {options.app}", fix)
    return folder


def _select(deployment: Deployment, *, dependents: bool) -> list[StackArtifact]:
    """The stacks that the options name, with their dependencies or dependents.

    With `dependents`, also finds removed stacks, whose ids are their CloudFormation names.
    """
    options = deployment.options
    stacks = [*deployment.in_code]
    known = {name for stack in stacks for name in (stack.id, stack.name)}
    if dependents and {*options.stacks} - known:
        stacks += deployment.removed
    if options.exclusively:
        ids = matching_ids(stacks, options.stacks)
        return [stack for stack in stacks if stack.id in ids]
    return select(stacks, options.stacks, dependents=dependents)


def _check_account(options: Options, target: Target, stacks: Sequence[StackArtifact]) -> None:
    """Raise `UserError` if a stack belongs to another account than the target's."""
    for stack in stacks:
        if stack.account not in (None, target.account):
            raise UserError(
                f"{stack.id} belongs to the account {stack.account} (apps/{options.environment}/"
                f"app.py), but the target is {target}."
            )
