"""An environment's rights, from its templates: of CloudFormation, roles and drift detection."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from pathlib import Path

from stacks.core.rights import Rights, Statement
from stacks.core.templates import read_templates
from tools.cdk_cli.assembly import read_stacks
from tools.errors import UserError
from tools.execution_policy.aws import find_action
from tools.execution_policy.boundary import of_roles
from tools.execution_policy.scope import Scope
from tools.execution_policy.table import allowed, is_data

# IAM user guide, "IAM and AWS STS quotas". IAM does not count white space.
POLICY_SIZE = 6144
# A statement of this many actions fits into a policy.
ACTIONS = 60


def rights(assembly: Path) -> Rights | None:
    """The rights for a cloud assembly's stacks; None if a person deploys them all.

    Includes the rows in snapshots/execution-rights.toml. Raises `UserError` if the boundary does
    not fit into a policy.
    """
    stacks = {stack.id: stack.name for stack in read_stacks(assembly) if stack.execution_role}
    templates = [each for each in read_templates(assembly) if each.stack in stacks]
    if not templates:
        return None
    scope = Scope(templates, stacks)
    boundary = _merged([*of_roles(scope), *_rows(scope, boundary=True)])
    if size(boundary) > POLICY_SIZE:
        raise UserError(
            f"The boundary of the roles in {scope.environment.name} has {size(boundary)} "
            f"characters; IAM allows {POLICY_SIZE}. Let the roles' policies name resources of the "
            "project, because these need no statement of their own."
        )
    reads = [each for each in scope.needs("read") if _reads_configuration(each)]
    execution = [*scope.needs(), *_rows(scope, boundary=False)]
    return Rights(
        boundary=boundary,
        drift=list(_policies(_merged(reads))),
        execution=list(_policies(_merged(execution))),
    )


def text(rights: Rights) -> str:
    """The rights as they are recorded."""
    return f"{json.dumps(rights, indent=1, sort_keys=True)}\n"


def size(statements: Sequence[Statement]) -> int:
    """How many characters IAM counts in a policy at most: in the longest partition."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    return len(
        policy.replace("${AWS::Partition}", "aws-us-gov").replace("${AWS::AccountId}", "0" * 12)
    )


def _rows(scope: Scope, *, boundary: bool) -> Iterator[Statement]:
    """What the table's rows and your own allow, for roles or for CloudFormation."""
    for row in allowed():
        is_for_environment = row.environment in (None, scope.environment.name)
        if row.boundary == boundary and is_for_environment and any(map(row.concerns, scope.types)):
            for action in row.actions:
                yield from scope.allow(action, row.resource)


def _reads_configuration(statement: Statement) -> bool:
    (name,) = statement["Action"]
    action = find_action(name)
    return action is not None and action.reads and not is_data(name)


def _merged(statements: Iterable[Statement]) -> list[Statement]:
    """One statement for all actions on the same resources; the order follows from the content."""
    actions = defaultdict[str, set[str]](set)
    for statement in statements:
        others = json.dumps({**statement, "Action": []}, sort_keys=True)
        actions[others].update(statement["Action"])
    merged: list[Statement] = []
    for others, names in actions.items():
        statement = json.loads(others)
        statement["Action"] = sorted(names)
        merged.append(statement)
    return [
        {**statement, "Action": [*batch]}
        for statement in sorted(merged, key=_content)
        for batch in batched(statement["Action"], ACTIONS, strict=False)
    ]


def _content(statement: Statement) -> tuple[list[str], list[str], str]:
    condition = json.dumps(statement.get("Condition", {}), sort_keys=True)
    return statement["Action"], statement["Resource"], condition


def _policies(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """The statements in as many policies as IAM's limit needs."""
    policy: list[Statement] = []
    for statement in statements:
        if policy and size([*policy, statement]) > POLICY_SIZE:
            yield policy
            policy = []
        policy.append(statement)
    if policy:
        yield policy
