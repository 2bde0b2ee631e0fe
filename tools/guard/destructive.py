"""A stack's destructive changes.

A change is destructive if it may delete data, make data unreadable, stop events, open access or
make a deploy fail after some changes.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tools.cdk_cli.assembly import Json, at, construct_path
from tools.guard import access
from tools.guard.changes import Changes, Resource, Template
from tools.guard.rules import change, destructive_property_changes, text

# Descriptions of the impacts that delete, replace or remove a resource.
IMPACTS = {
    "WILL_DESTROY": "is deleted",
    "WILL_ORPHAN": "leaves the stack, but is retained",
    "WILL_REPLACE": "is replaced",
    "MAY_REPLACE": "may be replaced",
}
# AWS's specification does not mark these types as stateful.
STATEFUL = {"AWS::ECR::Repository"}


def destructive_changes(changes: Changes) -> Mapping[str, list[str]]:
    """A stack's destructive changes, described in words, by resource.

    A resource is a path such as `dev/StorageStack/DataBucket`, an export name, or the stack's path
    for its settings.
    """
    stack, found = changes["name"], defaultdict[str, list[str]](list)
    for resource in changes["resources"]:
        template = {"Resources": {resource["id"]: resource.get("old") or resource["new"]}}
        path = construct_path(template, resource["id"])
        name = f"{stack}/{path.partition('/')[2] or path}"
        for description in (*_of_resource(resource), *access.opened(resource, changes)):
            found[name].append(description)
    for export, description in _of_exports(changes):
        found[export].append(description)
    if changes["new"]:
        old, new = at(changes["old"], "Settings"), at(changes["new"], "Settings")
        for description in destructive_property_changes(old, new):
            found[stack].append(description)
    return found


def _of_resource(resource: Resource) -> Iterator[str]:
    old, new, impact = resource.get("old"), resource.get("new"), resource["impact"]
    is_retained = at(old, "DeletionPolicy") not in (None, "Delete")
    is_stateful = resource["stateful"] or resource["type"] in STATEFUL or is_retained
    if impact in IMPACTS and is_stateful:
        causes = [f"{name} {change(old, new)}" for name, old, new in resource["causes"]]
        yield f"{IMPACTS[impact]}: {', '.join(causes)}" if causes else IMPACTS[impact]
    if not old or not new:
        return
    if impact == "WILL_REPLACE" and (name := _unchanged_name(resource)):
        yield f"is replaced under the same name, which CloudFormation refuses: {name}"
    yield from destructive_property_changes(old, new)


def _unchanged_name(resource: Resource) -> str:
    """The properties that name a resource, if they do not change; otherwise an empty string."""
    for properties in resource["identifiers"]:
        old, new = (
            {name: at(resource[side], f"Properties.{name}") for name in properties}
            for side in ("old", "new")
        )
        # A custom resource has no identifier.
        if old and old == new and all(isinstance(value, str) for value in old.values()):
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


def _exports(template: Template) -> dict[str, Json]:
    """A template's export values, by name."""
    outputs = template.get("Outputs")
    return {
        str(at(output, "Export.Name")): at(output, "Value")
        for output in (outputs.values() if isinstance(outputs, Mapping) else [])
        if at(output, "Export.Name") is not None
    }
