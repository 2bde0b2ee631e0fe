"""One operation on a target: the target, the selected stacks, and the question to the user."""

import os
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from rich.prompt import Confirm

from tools import cdk
from tools.assembly import StackArtifact, read_stacks
from tools.console import UserError, console, is_interactive, say, waiting
from tools.deployment.options import (
    Options,
    cloud_directory,
    find_assembly,
    one_at_a_time,
    select_stacks,
)
from tools.local_cloud.client import ACCOUNT, REGION, local_cloud
from tools.targets import Target, aws_target, choose
from tools.variables import replaced_variables

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

RETRY = {
    "aws": "If the credentials have expired, renew them. Then run the same command again.",
    "local": "If the local cloud has ended, run the same command again.",
}


# The code of a request that the principal has no permission for.
DENIED = "AccessDenied"


class UnreadableError(UserError):
    """The principal has no permission to read a stack."""


@dataclass(frozen=True)
class Operation:
    """A target, and the selected stacks of a synthesized environment."""

    options: Options
    target: Target
    assembly: Path
    stacks: list[StackArtifact]
    _sessions: dict[str, boto3.Session] = field(default_factory=dict, compare=False)

    def cdk(self, step: str, *arguments: str) -> tuple[int, str]:
        """Run the CDK CLI on the assembly; show its output, and return its status and output.

        The CLI and boto3 use the credentials in `os.environ`, which `operation` has set.
        """
        return cdk.run(step, *arguments, "--app", str(self.assembly), variables=os.environ)

    def nox(self, verb: str, *arguments: str) -> str:
        """The end of a sentence that asks the user to run `verb`: the account, and the command.

        The command has a line of its own, so that it can be copied.
        """
        options, command = self.options, ["uv", "run", "nox", "-s", verb, "--"]
        command += ["--to", self.target.kind, "--environment", options.environment]
        if options.profile:
            command += ["--profile", options.profile]
        if options.app:
            command += ["--app", options.app]
        stacks = ", ".join(f"{stack.name} in {stack.region}" for stack in self.stacks)
        where = f"in the account {self.target.account} ({stacks})"
        return f"{where}:\n  {shlex.join([*command, *arguments])}"

    def again(self, *flags: str) -> str:
        """As `nox`, for the command of the user with more flags."""
        own = self.options
        given = [*own.stacks, *own.extra]
        if own.exclusively:
            given.append("--exclusively")
        if own.unprotect:
            given.append("--unprotect")
        return self.nox(own.verb, *given, *flags)

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
            raise UserError(f"{question}\nThere is no terminal for the question. Add --yes.", 2)
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
    with one_at_a_time(), ExitStack() as resources:
        prepare = _prepare_aws if choice.kind == "aws" else _prepare_local
        target, assembly = prepare(options, session, resources)
        resources.enter_context(replaced_variables(target.variables))
        try:
            yield _operation(options, target, assembly, dependents=dependents)
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"{error} {RETRY[target.kind]}") from error


def _prepare_aws(options: Options, session: Session, _: ExitStack) -> tuple[Target, Path]:
    # Resolve the credentials before any spinner, because they may need an MFA code.
    target = aws_target(session, interactive=is_interactive())
    say(str(target))
    with waiting("Preparing"):
        return target, find_assembly(options)


def _prepare_local(options: Options, _: Session, resources: ExitStack) -> tuple[Target, Path]:
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
