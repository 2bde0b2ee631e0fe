"""Deploy stacks: bootstrap, `cdk deploy`, the resource table, and the next step."""

from functools import partial

from tools.cdk_cli.assembly import StackArtifact
from tools.cdk_cli.cdk import ROUTINE, Done
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.console import say
from tools.deployment import conflicts, removed, resource_table
from tools.deployment.bootstrap import ensure_bootstrapped
from tools.deployment.deployed import FAILED_CREATION, UnreadableError
from tools.deployment.execution import check_rights
from tools.deployment.left_out import leave_out
from tools.deployment.options import REVERT, Options
from tools.deployment.prepare import Deployment, prepare
from tools.deployment.protection import without_protection
from tools.errors import UserError

BY_HAND = "`uv run nox -s cloud` prints the environment variables for boto3 and the AWS CLI."
_NEXT = (
    "Next: `uv run nox -s cloud{}` serves these resources for boto3 and the AWS CLI, and "
    "`uv run nox -s new -- <domain> --function <name>` adds a stack with a function."
)


def deploy(options: Options) -> int:
    """Deploy the selected stacks and their dependencies; return cdk's exit status."""
    with prepare(options) as deployment:
        if REVERT in options.cdk_flags and deployment.target.kind == "local":
            raise UserError(f"The local cloud ignores {REVERT}. Undo the drift by hand: {BY_HAND}")
        deployment = leave_out(deployment)
        ensure_bootstrapped(deployment)
        removed.check_names(deployment)
        removed.warn_of_another_project(deployment)
        check_rights(deployment)
        failed = _failed_creations(deployment)
        if deployment.target.kind == "aws":
            deployment.confirm("Deploy", deployment.stacks)
        # `cdk deploy` deletes these stacks to create them again, but not a protected stack.
        done = without_protection(deployment, failed, partial(_run, deployment))
        resource_table.show(deployment)
        removed.show(deployment)
        if done.status:
            say("The deploy failed; completed changes remain.", style="red")
            conflicts.show_next_step(deployment, done.output)
        elif deployment.target.kind == "local":
            name = options.environment
            say(_NEXT.format("" if name == DEFAULT_ENVIRONMENT else f" -- --environment {name}"))
        return done.status


def _run(deployment: Deployment) -> Done:
    options = deployment.options
    names = [stack.id for stack in deployment.stacks]
    flags = [f"--concurrency={options.concurrency}", *options.cdk_flags]
    fixed = ["--exclusively", "--require-approval=never", "--progress=events"]
    return deployment.cdk("Deploying", "deploy", *names, *fixed, *flags, hidden=ROUTINE)


def _failed_creations(deployment: Deployment) -> list[StackArtifact]:
    """The protected stacks whose creation failed."""
    failed = []
    for stack in deployment.stacks:
        try:
            found = deployment.deployed.find(stack)
        except UnreadableError as error:
            say(f"Not checked: {error}")
            continue
        is_protected = found is not None and found.get("EnableTerminationProtection", False)
        if found and is_protected and found["StackStatus"] in FAILED_CREATION:
            failed.append(stack)
    return failed
