"""Small templates, compared by the library that `cdk diff` uses."""

from collections.abc import Mapping, Sequence

from tools.cdk_cli.assembly import Json
from tools.guard.changes import Comparison, Template, compare
from tools.guard.destructive import destructive_changes
from tools.guard.moves import find_moves

type Resource = Mapping[str, Json]
# Each stack's templates before and after a change, by path, for example `dev/A`.
type Stacks = Mapping[str, tuple[Template, Template]]
type Found = Mapping[str, Sequence[str]]


def resource(service_type: str, policy: str = "Delete", /, **properties: Json) -> Resource:
    return {"Type": f"AWS::{service_type}", "Properties": properties, "DeletionPolicy": policy}


def template(**resources: Resource | None) -> Template:
    given = {key: value for key, value in resources.items() if value}
    return {"Resources": given, "Description": "not empty"}


def compare_all(cases: Mapping[str, Stacks]) -> Mapping[str, Comparison]:
    """Each case's comparison. Node starts only once."""
    done = compare(
        {
            f"{case}:{stack}": templates
            for case, stacks in cases.items()
            for stack, templates in stacks.items()
        }
    )
    found: dict[str, Comparison] = {case: {"stacks": [], "types": done["types"]} for case in cases}
    for changes in done["stacks"]:
        case, _, stack = changes["name"].rpartition(":")
        found[case] = {
            "stacks": [*found[case]["stacks"], {**changes, "name": stack}],
            "types": done["types"],
        }
    return found


def destructive(comparison: Comparison) -> Found:
    return destructive_changes(comparison, find_moves(comparison))
