"""The destructive changes of a stack.

A change is destructive if it may delete data, make data unreadable, stop events, open access or
fail half-way.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tools.assembly import Json, construct_path
from tools.guard import access
from tools.guard.changes import Changes, Resource, Template
from tools.guard.rules import destructive
from tools.guard.values import at, change, text

# Descriptions of the impacts that delete, replace or remove a resource.
IMPACTS = {
    "WILL_DESTROY": "is deleted",
    "WILL_ORPHAN": "leaves the stack, but is retained",
    "WILL_REPLACE": "is replaced",
    "MAY_REPLACE": "may be replaced",
}
# AWS's specification does not mark these types as stateful.
STATEFUL = {"AWS::ECR::Repository"}


class DestructiveChange(NamedTuple):
    """`resource` is a path such as `dev/StorageStack/DataBucket`, or the name of an export."""

    resource: str
    description: str


def destructive_changes(changes: Changes) -> list[DestructiveChange]:
    """The destructive changes of a stack, sorted by resource."""
    paths = {
        resource["id"]: f"{changes['name']}/{_path_in_stack(changes, resource['id'])}"
        for resource in changes["resources"]
    }
    found = [
        *(
            DestructiveChange(paths[resource["id"]], description)
            for resource in changes["resources"]
            for description in _of_resource(resource)
        ),
        *(DestructiveChange(paths[id_], text) for id_, text in access.opened(changes)),
        *(DestructiveChange(*export) for export in _of_exports(changes)),
        *(DestructiveChange(changes["name"], text) for text in _of_settings(changes)),
    ]
    return sorted(found, key=lambda each: [*paths.values(), each.resource].index(each.resource))


def _path_in_stack(changes: Changes, logical_id: str) -> str:
    is_new = at(changes["old"], f"Resources.{logical_id}") is None
    path = construct_path(changes["new" if is_new else "old"], logical_id)
    return path.partition("/")[2] or path


def _of_resource(resource: Resource) -> Iterator[str]:
    old, new, impact = resource.get("old"), resource.get("new"), resource["impact"]
    is_retained = at(old, "DeletionPolicy") not in (None, "Delete")
    is_stateful = resource["stateful"] or resource["type"] in STATEFUL or is_retained
    if impact in IMPACTS and is_stateful:
        causes = [f"{name} {change(old, new)}" for name, old, new in resource["causes"]]
        yield f"{IMPACTS[impact]}: {', '.join(causes)}" if causes else IMPACTS[impact]
    if not old or not new:
        return
    if impact == "WILL_REPLACE" and (name := _retained_name(resource)):
        yield f"is replaced under the same name, which CloudFormation refuses: {name}"
    yield from destructive(old, new)


def _retained_name(resource: Resource) -> str:
    """The properties that name a resource both before and after; empty if they change."""
    for names in resource["identifiers"]:
        old, new = (
            {name: at(resource[side], f"Properties.{name}") for name in names}
            for side in ("old", "new")
        )
        if old == new and all(isinstance(value, str) for value in old.values()):
            return text(old)
    return ""


def _of_exports(changes: Changes) -> Iterator[tuple[str, str]]:
    before, after = _exports(changes["old"]), _exports(changes["new"])
    replaced = {
        resource["id"]: IMPACTS[resource["impact"]]
        for resource in changes["resources"]
        if resource["impact"].endswith("REPLACE")
    }
    for name, value in before.items():
        if name not in after:
            yield name, "is no longer exported"
        elif after[name] != value:
            yield name, change(value, after[name])
        # A reference: {"Ref": "Id"}, {"Fn::GetAtt": ["Id", ...]}, "Id.Arn" or "${Id}".
        elif ids := [id_ for id_ in replaced if re.search(rf'["{{]{id_}["}}.]', json.dumps(value))]:
            yield name, f"changes, because {ids[0]} {replaced[ids[0]]}"


def _of_settings(changes: Changes) -> Iterator[str]:
    old, new = (at(changes[side], "Settings") for side in ("old", "new"))
    if old and new:
        yield from destructive(old, new)


def _exports(template: Template) -> dict[str, Json]:
    """The values of the exports of a template, by name."""
    outputs = template.get("Outputs")
    return {
        str(at(output, "Export.Name")): at(output, "Value")
        for output in (outputs.values() if isinstance(outputs, Mapping) else [])
        if at(output, "Export.Name") is not None
    }
