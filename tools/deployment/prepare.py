"""Prepare a deployment: one at a time, choose the target, synthesize, and select the stacks."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from filelock import FileLock, Timeout

from tools.cdk_cli.assembly import StackArtifact, matching_ids, read_stacks, select
from tools.cdk_cli.synth import check_environment, synthesize_all
from tools.console import is_interactive, say, waiting
from tools.deployment.credentials import next_step
from tools.deployment.deployment import Deployment
from tools.deployment.options import Options
from tools.deployment.target import NAMES, Target, announce, aws_target, choose
from tools.errors import UsageError, UserError
from tools.local_cloud.client import ACCOUNT, REGION, local_cloud
from tools.local_cloud.folder import cloud_directory, create
from tools.variables import replaced_variables

ENDED = "If the local cloud has ended, run the same command again."


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

    With `dependents`, also finds removed stacks, but only by their whole CloudFormation names.
    """
    options = deployment.options
    stacks = [*deployment.in_code]
    known = {name for stack in stacks for name in (stack.id, stack.name)}
    removed = deployment.removed if dependents and {*options.stacks} - known else []
    stacks += [stack for stack in removed if stack.name in options.stacks]
    ids = matching_ids(stacks, options.stacks, also_known=removed)
    if options.exclusively:
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
