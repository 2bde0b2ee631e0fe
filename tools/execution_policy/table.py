"""The rows in table.toml, and yours in snapshots/execution-rights.toml."""

import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from tools.errors import UserError
from tools.execution_policy.aws import find_action
from tools.project import ROOT

OWN = ROOT / "snapshots" / "execution-rights.toml"


class Row(NamedTuple):
    """Actions for resource types, which are a pattern; `why` is the reason with its source."""

    types: str
    actions: Sequence[str]
    why: str
    resource: str | None = None


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
EXTRA = [Row(**row) for row in _TABLE["extra"]]
EXCLUDED = [Row(**row) for row in _TABLE["excluded"]]
DATA: Sequence[str] = _TABLE["data"]
REFUSED: Sequence[str] = _TABLE["refused"]


class Own(NamedTuple):
    """A row of yours; for a role's boundary instead of CloudFormation if `boundary` is set."""

    action: str
    reason: str
    resource: str | None = None
    environment: str | None = None
    boundary: bool = False


def own_rows() -> list[Own]:
    """The rows in snapshots/execution-rights.toml. Raises `UserError` for an incomplete row."""
    name = OWN.relative_to(ROOT)
    try:
        rows = tomllib.loads(OWN.read_text() if OWN.exists() else "").get("allow", [])
        found = [Own(**row) for row in rows]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{name}: {error}. Each [[allow]] needs action and reason, and may have resource, "
            "environment and boundary."
        ) from error
    for row in found:
        check_row(row)
    return found


def check_row(row: Own) -> None:
    """Raise `UserError` for a row that IAM would not understand, or that gives everything."""
    if not row.reason.strip():
        raise UserError(f"{row.action}: write a reason for the reviewer.")
    if "*" in row.action or "?" in row.action or find_action(row.action) is None:
        raise UserError(
            f"{row.action!r} is no IAM action. Write one action as CloudFormation's AccessDenied "
            "names it, for example sqs:CreateQueue, without wildcards."
        )
    if any(fnmatchcase(row.action, pattern) for pattern in REFUSED):
        raise UserError(
            f"{row.action} would let a deploy give itself every permission. Let a person deploy "
            "this resource in the account environment instead (docs/execution-policy.md)."
        )


def is_excluded(resource_type: str, action: str) -> bool:
    """Whether a row excludes an action of a type."""
    if action.startswith("kms:") and resource_type.startswith("AWS::KMS::"):
        return False
    return any(
        fnmatchcase(resource_type, row.types)
        and any(fnmatchcase(action, pattern) for pattern in row.actions)
        for row in EXCLUDED
    )


def extras(resource_type: str) -> Iterator[Row]:
    """The rows with more actions for a type."""
    return (row for row in EXTRA if fnmatchcase(resource_type, row.types))
