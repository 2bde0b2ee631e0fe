"""The rows that correct the registry schemas: those in table.toml, and your own in snapshots/."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from tools.errors import UserError
from tools.execution_policy.aws import find_action
from tools.execution_policy.compare import matches
from tools.project import ROOT

OWN = ROOT / "snapshots" / "execution-rights.toml"
# With these services, an identity could become more than its policies, or own the account.
NEVER = ("account", "iam", "identitystore", "organizations", "sso", "sts")


class Row(NamedTuple):
    """Actions that some resource types need, or do not need.

    Without `resource`, an action concerns the environment's resources. `boundary` allows it to the
    environment's roles instead of CloudFormation.
    """

    actions: Sequence[str]
    reason: str
    types: str = "*"
    unless: str = ""
    resource: str | None = None
    environment: str | None = None
    boundary: bool = False

    def concerns(self, resource_type: str) -> bool:
        """Whether the row is for a resource type."""
        is_exception = fnmatchcase(resource_type, self.unless)
        return fnmatchcase(resource_type, self.types) and not is_exception


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
_ALLOWED = [Row(**row) for row in _TABLE["allow"]]
_EXCLUDED = [Row(**row) for row in _TABLE["exclude"]]
_DATA: list[str] = _TABLE["data"]


def allowed() -> list[Row]:
    """What the schemas lack. Raises `UserError` for a wrong row in snapshots/."""
    try:
        found = tomllib.loads(OWN.read_text() if OWN.exists() else "")
        own = [Row(**row) for row in found.get("allow", [])]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{OWN.relative_to(ROOT)}: {error}. Each [[allow]] needs actions and reason, and may "
            "have types, resource, environment and boundary."
        ) from error
    for row in own:
        check_row(row)
    return [*_ALLOWED, *own]


def is_excluded(resource_type: str, action: str) -> bool:
    """Whether no template needs an action that a type's schema lists."""
    rows = (row for row in _EXCLUDED if row.concerns(resource_type))
    return any(matches(action, row.actions) for row in rows)


def is_data(action: str) -> bool:
    """Whether an action that AWS calls a read returns data instead of configuration."""
    return matches(action, _DATA)


def check_row(row: Row) -> None:
    """Raise `UserError` for a row that IAM would not understand, or that gives everything."""
    if not row.reason.strip():
        raise UserError(f"{', '.join(row.actions)}: write a reason for the reviewer.")
    for name in row.actions:
        if find_action(name) is None:
            raise UserError(
                f"{name!r} is no IAM action. Write one action as CloudFormation's AccessDenied "
                "names it, for example sqs:CreateQueue, without wildcards."
            )
        if name.partition(":")[0].lower() in NEVER:
            raise UserError(
                f"{name} would let a deploy give itself every permission. Let a person deploy "
                "this resource in the account environment instead (docs/execution-policy.md)."
            )
