"""One operation on a target: the target, the selected stacks, and the question to the user."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from filelock import FileLock, Timeout
from rich.prompt import Confirm

from tools.cdk_cli import cdk
from tools.cdk_cli.assembly import StackArtifact, read_stacks
from tools.console import console, is_interactive, say, waiting
from tools.deployment.credentials import next_step
from tools.deployment.options import Options, find_assembly, select_stacks
from tools.deployment.target import Target, announce, aws_target, choose
from tools.errors import UsageError, UserError
from tools.local_cloud.client import ACCOUNT, REGION, local_cloud
from tools.local_cloud.folder import cloud_directory, create
from tools.variables import replaced_variables

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

ENDED = "If the local cloud has ended, run the same command again."
# The error code of a request without permission.
DENIED = "AccessDenied"


class UnreadableError(UserError):
    """The principal has no permission to read a stack."""


@dataclass(frozen=True)
class Operation:
    """A target, and the selected stacks of a synthesized environment.

    `left_out` are selected stacks that the target cannot create, with the reason for each.
    """

    options: Options
    target: Target
    assembly: Path
    stacks: list[StackArtifact]
    left_out: Mapping[StackArtifact, str] = field(default_factory=dict)
    _sessions: dict[str, boto3.Session] = field(default_factory=dict, compare=False)

    def cdk(self, step: str, *arguments: str) -> tuple[int, str]:
        """Run the CDK CLI on the assembly; show its output, and return its status and output.

        The CLI and boto3 use the credentials in `os.environ`, which `operation` has set.
        """
        try:
            return cdk.run(step, *arguments, *self._flags(), variables=os.environ)
        except KeyboardInterrupt:
            if self.target.kind == "aws" and self.options.verb != "diff":
                say(
                    "CloudFormation goes on with the changes that it has started. While a stack "
                    f"changes, the same command only says so. {self.again()}"
                )
            raise

    def _flags(self) -> list[str]:
        # `~/.cdk.json` may name a profile or proxy for the CDK CLI alone; flags override the file.
        flags = ["--app", str(self.assembly), "--profile="]
        # The local cloud needs no proxy. Notices of the CDK CLI come from the internet.
        return [*flags, "--proxy=", "--no-notices"] if self.target.kind == "local" else flags

    def nox(self, verb: str, *flags: str, stacks: Sequence[StackArtifact] = ()) -> str:
        """A sentence with the command that runs `verb` for `stacks`, or for the stacks of the user.

        The command has a line of its own, so that it can be copied.
        """
        options, command = self.options, ["uv", "run", "nox", "-s", verb, "--"]
        command += ["--to", self.target.kind, "--environment", options.environment]
        if options.profile:
            command += ["--profile", options.profile]
        if options.app:
            command += ["--app", options.app]
        command += [stack.id for stack in stacks] or options.stacks
        names = ", ".join(f"{stack.name} in {stack.region}" for stack in stacks or self.stacks)
        return f"Run in the account {self.target.account} ({names}):\n  " + shlex.join(
            [*command, *flags]
        )

    def again(self, *flags: str) -> str:
        """A sentence with the command of the user and more flags, as `nox` returns it."""
        own = self.options
        given = {"--exclusively": own.exclusively, "--unprotect": own.unprotect}
        chosen = [flag for flag, is_given in given.items() if is_given]
        return self.nox(own.verb, *chosen, *own.extra, *flags)

    def session(self, role: str | None) -> boto3.Session:
        """A session of a bootstrap role, or of the user's principal if it may not assume the role.

        Like the CDK CLI: a principal needs only the permission to assume these roles.
        """
        arn = "" if self.target.kind == "local" or role is None else role
        arn = arn.replace("${AWS::Partition}", self.target.partition)
        arn = arn.replace("${AWS::AccountId}", self.target.account)
        if arn not in self._sessions:
            self._sessions[arn] = _assume(arn) if arn else boto3.Session()
        return self._sessions[arn]

    def cloudformation(
        self, stack: StackArtifact, role: str | None = None
    ) -> "CloudFormationClient":
        """A client of a bootstrap role, by default of the lookup role."""
        session = self.session(role or stack.lookup_role)
        return session.client("cloudformation", region_name=stack.region)

    def resources(self, stack: StackArtifact) -> "list[StackResourceSummaryTypeDef]":
        """The resources of the deployed stack."""
        pages = self.cloudformation(stack).get_paginator("list_stack_resources")
        found = pages.paginate(StackName=stack.name)
        return [resource for page in found for resource in page["StackResourceSummaries"]]

    def find(self, stack: StackArtifact) -> "StackTypeDef | None":
        """The deployed stack, or None if it does not exist.

        Raises `UnreadableError` if the principal has no permission to read the stack.
        """
        try:
            return self.cloudformation(stack).describe_stacks(StackName=stack.name)["Stacks"][0]
        except ClientError as error:
            # CloudFormation has no error code for a missing stack (API reference, DescribeStacks).
            if "does not exist" in str(error):
                return None
            if error.response["Error"]["Code"] != DENIED:
                raise
            raise UnreadableError(f"Cannot read the stack {stack.name}: {error}") from error

    def unprotect(self, stack: StackArtifact) -> None:
        """Turn off the termination protection of the stack."""
        self.cloudformation(stack, stack.deploy_role).update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
        say(f"Turned off the termination protection of {stack.id} ({stack.name}).")

    def confirm(self, action: str, stacks: Sequence[StackArtifact]) -> None:
        """Ask before anything changes, unless --yes. Raises `UserError` if the answer is no."""
        if self.options.yes:
            return
        regions = ", ".join(sorted({stack.region for stack in stacks}))
        names = ", ".join(f"{stack.id} ({stack.name})" for stack in stacks)
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
def operation(options: Options, *, dependents: bool = False) -> Iterator[Operation]:
    """Choose and print the target, synthesize, and select the stacks.

    The local cloud runs until the operation ends. Raises `UserError` if another operation is under
    way, and for every problem with the target or the stacks.
    """
    session = Session(profile=options.profile)
    choice = choose(options.to, session, interactive=is_interactive())
    say(f"Target: {choice}, environment {options.environment}")
    with _one_at_a_time(), ExitStack() as resources:
        if choice.kind == "aws":
            target, assembly = _prepare_aws(options, session)
        else:
            target, assembly = _prepare_local(options, resources)
        resources.enter_context(replaced_variables(target.variables))
        try:
            yield _operation(options, target, assembly, dependents=dependents)
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
    target = aws_target(session, interactive=is_interactive())
    with waiting("Preparing"):
        return target, find_assembly(options)


def _prepare_local(options: Options, resources: ExitStack) -> tuple[Target, Path]:
    with waiting("Preparing"), ThreadPoolExecutor(1) as pool:
        synthesis = pool.submit(find_assembly, options)
        cloud = resources.enter_context(local_cloud(cloud_directory()))
        assembly = synthesis.result()
    # Use the account and region of the environment.
    stacks = read_stacks(assembly)
    account = next((stack.account for stack in stacks if stack.account), ACCOUNT)
    region = next((stack.region for stack in stacks), REGION)
    variables = cloud.variables(os.environ, account=account, region=region)
    return Target("local", account, f"arn:aws:iam::{account}:root", variables), assembly


def _operation(options: Options, target: Target, assembly: Path, *, dependents: bool) -> Operation:
    stacks = select_stacks(options, read_stacks(assembly), dependents=dependents)
    for stack in stacks:
        if stack.account not in (None, target.account):
            raise UserError(
                f"{stack.id} belongs to the account {stack.account} (apps/{options.environment}/"
                f"app.py), but the target is {target}."
            )
    if target.kind == "aws":
        announce(target, {stack.region for stack in stacks})
    return Operation(options, target, assembly, stacks)


def _assume(arn: str) -> boto3.Session:
    try:
        sts = boto3.Session().client("sts")
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="wealth-ops")["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != DENIED:
            raise
        return boto3.Session()
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
