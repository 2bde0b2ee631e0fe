"""Deploy stacks: bootstrap, preflight checks, `cdk deploy`, and the table of resources."""

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say
from tools.deployment.left_out import leave_out
from tools.deployment.operation import Operation, UnreadableError, operation
from tools.deployment.options import Options
from tools.deployment.preflight import ADOPT, find_unbootstrapped, refuse_existing
from tools.deployment.report import show
from tools.deployment.statuses import FAILED_CREATION, NEVER_CREATED, refuse_blocked
from tools.errors import UserError
from tools.local_cloud.folder import how_to_empty

REVERT = "--revert-drift"
BY_HAND = "`uv run nox -s cloud` prints the environment variables for boto3 and the AWS CLI."
# A higher concurrency exceeds the request limits of CloudFormation.
MAX_CONCURRENCY = 8


def deploy(options: Options) -> int:
    """Deploy the selected stacks and their dependencies; return the status of `cdk deploy`."""
    with operation(options) as op:
        if REVERT in options.extra and op.target.kind == "local":
            raise UserError(
                f"The local cloud ignores {REVERT}. Undo the drift by hand: {BY_HAND} "
                f"{how_to_empty()}"
            )
        op = leave_out(op)
        ensure_bootstrapped(op)
        failed = _check_stacks(op)
        if op.target.kind == "aws":
            op.confirm("Deploy", op.stacks)
        for stack in failed:
            # `cdk deploy` deletes the stack to create it again, but not a protected stack.
            op.unprotect(stack)
        status, output = op.cdk("Deploying", "deploy", *_arguments(op))
        show(op, output)
        if status:
            say(
                "The deploy failed; completed changes remain. Fix the cause that cdk shows above. "
                f"{op.again()}",
                style="red",
            )
        return status


def bootstrap(options: Options) -> int:
    """Prepare the target's account and the regions of the stacks for CDK deploys."""
    with operation(options) as op:
        if op.target.kind == "aws":
            op.confirm("Bootstrap the account for", op.stacks)
        return _bootstrap(op, op.stacks)


def ensure_bootstrapped(op: Operation) -> None:
    """Bootstrap the local cloud if necessary. For AWS, raise `UserError` with the command."""
    missing = find_unbootstrapped(op)
    if missing and op.target.kind == "aws":
        raise UserError(
            f"The account {op.target.account} is not bootstrapped in "
            f"{', '.join(stack.region for stack in missing)}: the SSM parameter "
            f"{missing[0].version_parameter} does not exist. "
            f"{op.nox('bootstrap')}"
        )
    if missing and (status := _bootstrap(op, missing)):
        raise UserError(
            "The bootstrap of the local cloud failed; cdk shows the reason above.", status
        )


def _check_stacks(op: Operation) -> list[StackArtifact]:
    """Run the preflight checks; return the stacks whose creation failed."""
    failed = []
    adopts = ADOPT in op.options.extra and op.target.kind == "aws"
    for stack in op.stacks:
        try:
            found = op.find(stack)
        except UnreadableError as error:
            say(f"Not checked: {error}")
            continue
        status = found["StackStatus"] if found else None
        refuse_blocked(op, stack, status)
        if status in NEVER_CREATED and not adopts:
            refuse_existing(op, stack)
        if status in FAILED_CREATION:
            failed.append(stack)
    return failed


def _arguments(op: Operation) -> list[str]:
    extra = list(op.options.extra)
    names = [stack.id for stack in op.stacks]
    if not any(flag.startswith("--concurrency") for flag in extra):
        # `cdk deploy` deploys stacks that do not depend on each other in parallel.
        extra.append(f"--concurrency={min(len(names), MAX_CONCURRENCY)}")
    return [*names, "--exclusively", "--require-approval=never", *extra]


def _bootstrap(op: Operation, stacks: list[StackArtifact]) -> int:
    environments = sorted({f"aws://{op.target.account}/{stack.region}" for stack in stacks})
    flags = op.options.extra if op.options.verb == "bootstrap" else ()
    parameters = [stack.version_parameter for stack in stacks if stack.version_parameter]
    if parameters and not any(flag.startswith("--qualifier") for flag in flags):
        # The CDK synthesizer names the SSM parameter /cdk-bootstrap/QUALIFIER/version.
        flags = (*flags, f"--qualifier={parameters[0].split('/')[2]}")
    return op.cdk(f"Bootstrapping the {op.target}", "bootstrap", *environments, *flags)[0]
