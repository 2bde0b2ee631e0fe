"""Deploy stacks: bootstrap, `cdk deploy`, the resource table, and the next step."""

from tools.cdk_cli.assembly import StackArtifact
from tools.cdk_cli.cdk import ROUTINE
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.console import say
from tools.deployment import conflicts, removed, resource_table
from tools.deployment.bootstrap import ensure_bootstrapped
from tools.deployment.deployed import FAILED_CREATION, UnreadableError
from tools.deployment.deployment import Deployment
from tools.deployment.execution import check_rights
from tools.deployment.left_out import leave_out
from tools.deployment.options import REVERT, Options
from tools.deployment.prepare import prepare
from tools.deployment.protection import without_protection
from tools.errors import UserError

# More stacks at a time exceed CloudFormation's request limits.
_CONCURRENCY = "--concurrency=8"
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
        with without_protection(deployment, failed):
            names = [stack.id for stack in deployment.stacks]
            fixed = ["--exclusively", "--require-approval=never", "--progress=events", _CONCURRENCY]
            arguments = [*names, *fixed, *options.cdk_flags]
            done = deployment.cdk("Deploying", "deploy", *arguments, hidden=ROUTINE)
        resource_table.show(deployment)
        removed.show(deployment)
        if done.status:
            say("The deploy failed; completed changes remain.", style="red")
            conflicts.show_next_step(deployment, done.output)
        elif deployment.target.kind == "local":
            name = options.environment
            say(_NEXT.format("" if name == DEFAULT_ENVIRONMENT else f" -- --environment {name}"))
        return done.status


def _failed_creations(deployment: Deployment) -> list[StackArtifact]:
    """The protected stacks whose creation failed."""
    try:
        deployed = {stack: deployment.deployed.find(stack) for stack in deployment.stacks}
    except UnreadableError as error:
        say(f"Not checked whether the creation of a stack failed: {error}")
        return []
    return [
        stack
        for stack, found in deployed.items()
        if found and found["StackStatus"] in FAILED_CREATION
        if found.get("EnableTerminationProtection")
    ]
