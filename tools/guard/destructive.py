"""All destructive changes of a comparison.

A change is destructive if it may delete data, make data unreadable, stop events, open access or
make a deploy fail after some changes.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from tools.cdk_cli.assembly import Json, at
from tools.guard import access
from tools.guard.changes import Changes, Comparison
from tools.guard.checks import Path, change, destructive_property_changes, find, show, text
from tools.guard.exports import changed_exports, dangling_imports
from tools.guard.locations import Location, condition, locations
from tools.guard.moves import Move, taken_names

# Descriptions of the impacts that delete, replace or remove a resource.
IMPACTS = {
    "WILL_DESTROY": "is deleted",
    "WILL_ORPHAN": "leaves the stack, but is retained",
    "WILL_REPLACE": "is replaced",
    "MAY_REPLACE": "may be replaced",
}
# AWS's specification does not mark these types as stateful. They hold images, events, executions
# with their history, or the position in a stream.
STATEFUL = {
    "AWS::ECR::Repository",
    "AWS::Events::Archive",
    "AWS::Lambda::EventSourceMapping",
    "AWS::StepFunctions::StateMachine",
}
# Their data lives for days only, and the CDK or a function's construct deletes them by default.
SHORT_LIVED = ("AWS::Logs::LogGroup", "AWS::SQS::Queue")
# Nothing retains these resources, and without them nobody is called.
EVENTS = re.compile(
    r"AWS::(Events::Rule|Scheduler::Schedule(Group)?|Pipes::Pipe|SNS::(Topic|Subscription)"
    r"|Lambda::EventInvokeConfig|Logs::SubscriptionFilter|CloudWatch::(Composite)?Alarm)"
    r"|Custom::S3BucketNotifications"
)
# Replacements that AWS's specification describes only in the text of its documentation, or for
# global tables only (template reference, AWS::DynamoDB::Table).
ALSO_REPLACING = {
    "AWS::DynamoDB::GlobalTable": {"AttributeDefinitions[].AttributeType": "maybe"},
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions[].AttributeType": "maybe",
        "GlobalSecondaryIndexes[].KeySchema": "maybe",
        "GlobalSecondaryIndexes[].Projection": "maybe",
        "LocalSecondaryIndexes": "yes",
    },
}


def destructive_changes(comparison: Comparison, moves: Sequence[Move]) -> Mapping[str, list[str]]:
    """All stacks' destructive changes, described in words, by resource.

    A resource is a path such as `dev/StorageStack/DataBucket`, an export name, or a stack's path
    for its settings and imports.
    """
    found = defaultdict[str, list[str]](list)
    moved = {move.old for move in moves}
    for changes in comparison["stacks"]:
        for name, description in _of_stack(changes, comparison, moved):
            found[name].append(description)
    for location, description in _conditional(comparison):
        found[location.name].append(description)
    for location, description in taken_names(comparison):
        found[location.name].append(description)
    for stack, description in dangling_imports(comparison):
        found[stack].append(description)
    for move in moves:
        if move.old.name in found or move.new.name in found:
            found[move.old.name].append(str(move))
    return found


def _of_stack(
    changes: Changes, comparison: Comparison, moved: Collection[Location]
) -> Iterator[tuple[str, str]]:
    """A stack's destructive changes: what changes, and a sentence."""
    replaced = {}
    for resource in changes["resources"]:
        model = comparison["types"][resource["type"]]
        old = Location(changes["name"], resource["id"], changes["old"], model)
        new = replace(old, template=changes["new"])
        name = (old if old.resource else new).name
        impact, causes = find_impact(resource["impact"], old, new)
        if old.resource and new.resource and impact in IMPACTS:
            replaced[old.logical_id] = IMPACTS[impact]
        for description in _of_resource(impact, causes, old, is_moved=old in moved):
            yield name, description
        if old.resource and new.resource:
            for description in _of_update(impact, causes, old, new):
                yield name, description
        for description in access.opened(resource, changes):
            yield name, description
    yield from changed_exports(changes, comparison, replaced)
    if changes["new"]:
        settings = (at(changes[side], "Settings") for side in ("old", "new"))
        for description in destructive_property_changes(*settings):
            yield changes["name"], description


def find_impact(impact: str, old: Location, new: Location) -> tuple[str, list[str]]:
    """The impact with nested properties, and the property changes that replace the resource."""
    certain, possible = _replacing(old, new, "yes"), _replacing(old, new, "maybe")
    if certain:
        return "WILL_REPLACE", certain
    return ("MAY_REPLACE", possible) if possible else (impact, [])


def _replacing(old: Location, new: Location, certainty: str) -> list[str]:
    """The property changes that replace a resource, if it keeps its type."""
    if old.type != new.type:
        return []
    replacing = {**old.model["replacing"], **ALSO_REPLACING.get(old.type, {})}

    def judge(path: Path, before: Json, after: Json) -> str | None:
        known = show(tuple("[]" if part.startswith("[") else part for part in path))
        return (
            f"{show(path)} {change(before, after)}" if replacing.get(known) == certainty else None
        )

    return list(find(judge, at(old.resource, "Properties"), at(new.resource, "Properties")))


def _of_resource(
    impact: str, causes: Sequence[str], old: Location, *, is_moved: bool
) -> Iterator[str]:
    """What happens to a resource that holds data, or that sends events."""
    if impact in IMPACTS and _holds_data(old):
        yield f"{IMPACTS[impact]}: {', '.join(causes)}" if causes else IMPACTS[impact]
    elif impact == "WILL_DESTROY" and EVENTS.fullmatch(old.type) and not is_moved:
        yield "is deleted, so its events stop"


def _of_update(impact: str, causes: Sequence[str], old: Location, new: Location) -> Iterator[str]:
    """What happens to a resource that is in both templates."""
    name = old.physical_name
    if impact == "WILL_REPLACE" and name and name == new.physical_name:
        yield f"is replaced under the same name, which CloudFormation refuses: {text(name)}"
    for description in destructive_property_changes(old.resource, new.resource):
        if description not in causes:
            yield description


def _holds_data(location: Location) -> bool:
    is_retained = at(location.resource, "DeletionPolicy") not in (None, "Delete")
    return location.model["stateful"] or location.type in STATEFUL or is_retained


def _conditional(comparison: Comparison) -> Iterator[tuple[Location, str]]:
    """Each resource that holds data or sends events, and that gets another condition."""
    before = {
        location: condition(location.template, location.resource)
        for location in locations(comparison, "old")
    }
    for location in locations(comparison, "new"):
        matters = _holds_data(location) or EVENTS.fullmatch(location.type)
        needed = condition(location.template, location.resource)
        if matters and location in before and needed not in (None, before[location]):
            yield location, f"is removed from the stack unless {text(needed)}"


def deleted_with_data(comparison: Comparison) -> list[str]:
    """The new resources that CloudFormation will delete with their data, if the stack goes."""
    before = set(locations(comparison, "old"))
    return [
        location.name
        for location in locations(comparison, "new")
        if location not in before
        and location.model["stateful"]
        and location.type not in SHORT_LIVED
        and at(location.resource, "DeletionPolicy") == "Delete"
    ]
