"""The statuses of a CloudFormation stack, and the command that fixes each blocked status.

Source: CloudFormation user guide, "Stack status codes".
"""

import shlex

from tools.cdk_cli.assembly import StackArtifact
from tools.deployment.operation import Operation
from tools.errors import UserError
from tools.local_cloud.folder import how_to_empty

# `cdk deploy` deletes a stack whose creation failed, but not the retained resources, and creates
# the stack again.
FAILED_CREATION = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# Statuses of a stack that was never created.
NEVER_CREATED = (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE", *FAILED_CREATION)
# With these flags, `cdk deploy` itself fixes the statuses that need a rollback.
_FIXING_FLAGS = {"--force", "-f", "--no-rollback", "-R", "--rollback=false"}


def is_changing(status: str) -> bool:
    """Whether an operation is changing a stack in the status."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def refuse_changing(op: Operation, stack: StackArtifact, status: str | None) -> None:
    """Raise `UserError` if another operation is changing the stack."""
    if status and is_changing(status):
        raise UserError(
            f"{stack.id} ({stack.name}) is {status}: another operation is changing the stack. Wait "
            f"until it has ended. {op.again()}"
        )


def refuse_blocked(op: Operation, stack: StackArtifact, status: str | None) -> None:
    """Raise `UserError` with the next command if the status allows no deploy or drift detection."""
    refuse_changing(op, stack, status)
    profile = [f"--profile={op.options.profile}"] if op.options.profile else []
    command = ["uv", "run", "cdk", "rollback", stack.id, "--app", str(op.assembly), *profile]
    destroy = op.nox("destroy", stacks=[stack])
    rollback = f"Run:\n  {shlex.join(command)}"
    fixes = {
        "CREATE_FAILED": rollback,
        "UPDATE_FAILED": rollback,
        "UPDATE_ROLLBACK_FAILED": (
            f"Use --orphan=LOGICAL_ID for a resource that cannot be rolled back. {rollback}"
        ),
        "DELETE_FAILED": f"Finish the deletion first. {destroy}",
        "IMPORT_ROLLBACK_FAILED": (
            "Fix the cause that the events of the stack show in the CloudFormation console. "
            f"Then delete the stack, without its retained resources. {destroy}"
        ),
    }
    if status not in fixes or (op.options.verb, status) == ("drift", "UPDATE_ROLLBACK_FAILED"):
        return
    if rollback in fixes[status] and _FIXING_FLAGS & set(op.options.extra):
        return
    fix = fixes[status] if op.target.kind == "aws" else how_to_empty()
    raise UserError(
        f"{stack.id} ({stack.name}) is {status}, which allows no {op.options.verb}. {fix}"
    )
