"""An environment's rights, from its templates: of CloudFormation, roles and drift detection."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import batched
from pathlib import Path

from stacks.core.rights import Rights, Statement
from stacks.core.templates import Template, read_templates
from tools.cdk_cli.assembly import read_stacks
from tools.errors import UserError
from tools.execution_policy import table
from tools.execution_policy.aws import find_action
from tools.execution_policy.boundary import of_roles
from tools.execution_policy.scope import Grant, Scope

# IAM user guide, "IAM and AWS STS quotas". IAM does not count white space.
POLICY_SIZE = 6144
# A statement of this many actions fits into a policy.
ACTIONS = 60


def rights(assembly: Path) -> Rights | None:
    """The rights for a cloud assembly's stacks; None if a person deploys them all.

    Includes the rows in snapshots/execution-rights.toml. Raises `UserError` if the boundary does
    not fit into a policy.
    """
    names = {stack.id: stack.name for stack in read_stacks(assembly) if stack.execution_role}
    stacks = defaultdict[str, list[Template]](list)
    for template in read_templates(assembly):
        if template.stack in names:
            stacks[names[template.stack]].append(template)
    if not stacks:
        return None
    scope = Scope(next(iter(stacks.values()))[0].environment, stacks)
    own = [row for row in table.own_rows() if row.environment in (None, scope.environment.name)]
    rows = {
        limit: [scope.grant(row.action, row.resource) for row in own if row.boundary == limit]
        for limit in (True, False)
    }
    boundary = _statements([*of_roles(scope), *rows[True]])
    if size(boundary) > POLICY_SIZE:
        raise UserError(
            f"The boundary of the roles in {scope.environment.name} has {size(boundary)} "
            f"characters; IAM allows {POLICY_SIZE}. Let the roles' policies name resources of the "
            "project, because these need no statement of their own."
        )
    reads = [grant for grant in scope.grants("read") if _reads_configuration(grant.action)]
    return Rights(
        boundary=boundary,
        drift=list(_policies(_statements(reads))),
        execution=list(_policies(_statements([*scope.grants(), *rows[False]]))),
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


def _statements(grants: Iterable[Grant]) -> list[Statement]:
    """Statements with the grants, in one order for the same grants."""
    actions = defaultdict[tuple[tuple[str, ...], str], set[str]](set)
    for grant in grants:
        key = (tuple(grant.resources), json.dumps(grant.condition, sort_keys=True))
        actions[key].add(grant.action)
    statements: list[Statement] = []
    for names, (resources, condition) in sorted(
        (sorted(each), key) for key, each in actions.items()
    ):
        for batch in batched(names, ACTIONS, strict=False):
            statement = Statement(Effect="Allow", Action=[*batch], Resource=[*resources])
            if condition != "{}":
                statement["Condition"] = json.loads(condition)
            statements.append(statement)
    return statements


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


def _reads_configuration(name: str) -> bool:
    action = find_action(name)
    return bool(action and action.reads) and not any(
        fnmatchcase(name, pattern) for pattern in table.DATA
    )
