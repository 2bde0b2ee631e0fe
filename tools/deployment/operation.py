"""What every operation on a target begins with: where it goes, which stacks, and a question."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnectedError
from filelock import FileLock, Timeout
from rich.prompt import Confirm

from tools import cdk
from tools.assembly import StackArtifact, read_stacks, select
from tools.console import UserError, console, stream, waiting
from tools.local_cloud.client import ACCOUNT, local_cloud
from tools.project import ROOT
from tools.synth import synthesize
from tools.targets import Choice, Target, aws_target, choose, is_interactive

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

GONE = (
    "The local cloud ended in the middle of this, so this did. Run the same command again: it goes "
    "on from what was saved."
)


@dataclass(frozen=True)
class Options:
    """What the person asked for on the command line."""

    verb: str
    stacks: Sequence[str] = ()
    to: str | None = None
    yes: bool = False
    environment: str = "dev"
    app: str | None = None
    unprotect: bool = False
    port: int = 0
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A chosen target, and the chosen stacks of a synthesized environment."""

    options: Options
    target: Target
    assembly: Path
    stacks: list[StackArtifact]
    is_gone: Callable[[], bool] = lambda: False

    def cdk(self, what: str, *arguments: str) -> tuple[int, str]:
        """Run the CDK CLI on the assembly; return its exit status and its output, which is shown.

        The same call for AWS and for the local cloud: only the environment differs. Raises
        `UserError` when the local cloud ends; the CLI would try to reach it for minutes.
        """
        command = cdk.command(*arguments, *self.options.extra, "--app", str(self.assembly))
        done = stream(what, command, {**os.environ, **cdk.tied()}, self.is_gone)
        if self.is_gone():
            raise UserError(GONE)
        return done

    def status_of(self, name: str, region: str) -> str | None:
        """The status of a stack by its name, or None where there is none; raises as `describe`."""
        found = self.describe(name, region)
        return found["StackStatus"] if found else None

    def describe(self, name: str, region: str) -> "StackTypeDef | None":
        """What the target tells of a stack by its name, or None where there is none.

        Raises `UserError` when it does not tell.
        """
        client = self.target.session.client("cloudformation", region_name=region)
        try:
            return client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            # There is no code of its own for that (CloudFormation API reference, DescribeStacks).
            if "does not exist" in str(error):
                return None
            raise UserError(f"AWS does not show the stack {name}: {error}") from error

    def confirm(self, action: str) -> None:
        """Ask before touching anything, unless --yes; a "no" raises `UserError`."""
        if self.options.yes:
            return
        regions = ", ".join(sorted({stack.region for stack in self.stacks}))
        question = f"{action} ({self.target}, {regions})?"
        if not is_interactive():
            raise UserError(f"{question} There is no terminal to ask on; say --yes.", 2)
        try:
            answer = Confirm.ask(question, default=False, console=console)
        except EOFError:
            answer = False
        if not answer:
            raise UserError("Nothing was done.")


@contextmanager
def operation(options: Options, *, dependents: bool = False) -> Iterator[Operation]:
    """Choose the target and say which, synthesize, and select the stacks.

    The local cloud is up only as long as the operation lasts. Raises `UserError` when another
    operation is under way, and for everything that is wrong with the target or the stacks.
    """
    choice = choose(options.to, interactive=is_interactive())
    console.print(f"Target: {choice}")
    with one_at_a_time(), ExitStack() as resources:
        # Side by side: each takes seconds, and neither needs the other.
        with waiting("Preparing"), ThreadPoolExecutor(1) as pool:
            synthesis = pool.submit(_assembly, options)
            target, is_gone = resources.enter_context(_reach(choice))
            assembly = synthesis.result()
        stacks = _select(assembly, options, dependents=dependents)
        for stack in stacks:
            if stack.account not in (None, target.account):
                raise UserError(
                    f"{stack.id} belongs to the account {stack.account} (apps/"
                    f"{options.environment}/app.py), but the target is {target}."
                )
        yield Operation(options, target, assembly, stacks, is_gone)


def _select(assembly: Path, options: Options, *, dependents: bool) -> list[StackArtifact]:
    try:
        return select(read_stacks(assembly), options.stacks, dependents=dependents)
    except UserError as error:
        if any("=" not in flag for flag in options.extra):
            raise UserError(
                f"{error} A value of a flag of the CDK CLI is written --flag=value.", error.status
            ) from error
        raise


def _assembly(options: Options) -> Path:
    if options.app is None:
        return synthesize(options.environment)
    if not (Path(options.app) / "manifest.json").exists():
        raise UserError(f"--app {options.app}: there is no cloud assembly in that folder.", 2)
    return Path(options.app).resolve()


@contextmanager
def _reach(choice: Choice) -> Iterator[tuple[Target, Callable[[], bool]]]:
    if choice.place == "aws":
        yield aws_target(), lambda: False
        return
    with local_cloud(cloud_directory()) as cloud, cloud.entered():
        try:
            yield Target("local", ACCOUNT, boto3.Session()), cloud.is_gone
        except (NotConnectedError, HTTPClientError) as error:
            raise UserError(GONE) from error


def cloud_directory() -> Path:
    """Where the local cloud keeps its state: WEALTH_OPS_CLOUD, else `.cloud`."""
    return Path(os.environ.get("WEALTH_OPS_CLOUD", ROOT / ".cloud"))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold this clone's lock: two operations would get into each other's way.

    The operating system frees it when its holder ends, however it ends. Raises `UserError` while
    another operation holds it.
    """
    lock = cloud_directory() / "operation.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise UserError(
            "Another deploy, diff, drift or destroy is under way in this clone. Run it again when "
            "that one has ended."
        ) from None
