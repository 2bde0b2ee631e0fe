"""A managed policy with statements from snapshots/."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.core.findings import acknowledge, wildcards
from stacks.core.rights import Statement


def recorded_policy(
    stack: cdk.Stack,
    construct: str,
    statements: Sequence[Statement],
    *,
    description: str,
    name: str | None = None,
    roles: Sequence[iam.Role] = (),
) -> None:
    """Create the policy; `name` is its path and name.

    No `iam.ManagedPolicy`, which would change the statements that a person reviewed.
    """
    path, _, last = (name or "").rpartition("/")
    policy = iam.CfnManagedPolicy(
        stack,
        construct,
        managed_policy_name=last or None,
        path=f"/{path}/" if path else None,
        description=description,
        roles=[role.role_name for role in roles] or None,
        policy_document={"Version": "2012-10-17", "Statement": _deployed([*statements])},
    )
    findings = {
        finding
        for statement in statements
        for finding in wildcards(stack, statement["Action"], statement["Resource"])
    }
    if any(action.endswith(":*") for statement in statements for action in statement["Action"]):
        findings.add("NIST.800.53.R5::NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess")
    acknowledge(
        policy,
        "The names of an environment's resources are patterns, and some actions have no resource; "
        "a person reviews the statements in snapshots/",
        *sorted(findings),
    )


def _deployed(value: object) -> object:
    """The value, with the partition and the account of the deployment."""
    match value:
        case str() if "${AWS::" in value:
            return cdk.Fn.sub(value)
        case Mapping():
            return {key: _deployed(child) for key, child in value.items()}
        case list():
            return [_deployed(child) for child in value]
    return value
