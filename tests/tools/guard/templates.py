"""Small templates, compared by the library that `cdk diff` uses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tools.cdk_cli.assembly import Json
from tools.guard.changes import Change, compare
from tools.guard.destructive import destructive_changes
from tools.guard.moves import find_moves
from tools.guard.resources import Template

type Resource = Mapping[str, Json]
# Each stack's templates before and after a change, by path, for example `dev/A`.
type Stacks = Mapping[str, tuple[Template, Template]]
type Found = Mapping[str, Sequence[str]]


def resource(service_type: str, policy: str = "Delete", /, **properties: Json) -> Resource:
    return {"Type": f"AWS::{service_type}", "Properties": properties, "DeletionPolicy": policy}


def template(**resources: Resource | None) -> Template:
    given = {key: value for key, value in resources.items() if value}
    return {"Resources": given, "Description": "not empty"}


def destructive(cases: Mapping[str, Stacks]) -> Mapping[str, Found]:
    """Each case's destructive changes. Node starts only once."""
    found: dict[str, list[Change]] = {case: [] for case in cases}
    pairs = {(case, path): pair for case, stacks in cases.items() for path, pair in stacks.items()}
    changes = compare({f"{case}:{path}": pair for (case, path), pair in pairs.items()})
    for (case, path), change in zip(pairs, changes, strict=True):
        found[case].append(_renamed(change, path))
    return {
        case: destructive_changes(changes, find_moves(changes)) for case, changes in found.items()
    }


def _renamed(change: Change, path: str) -> Change:
    """A case's change with the path that the stack has in the case."""
    before, after = (
        {key: replace(resource, stack=path) for key, resource in resources.items()}
        for resources in (change.before, change.after)
    )
    return replace(change, stack=path, before=before, after=after)
