"""All destructive changes.

A change is destructive if it may delete data, make data unreadable, stop events, open access or
make a deploy fail after some changes.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from tools.cdk_cli.assembly import at
from tools.guard.access import opened
from tools.guard.changes import Change
from tools.guard.checks import destructive_property_changes, text
from tools.guard.exports import changed_exports, dangling_imports
from tools.guard.moves import describe_moves, taken_names
from tools.guard.replacement import REPLACED, impact
from tools.guard.resources import Resource

# Nothing retains these resources, and without them nobody is called.
EVENTS = re.compile(
    r"AWS::(Events::Rule|Scheduler::Schedule(Group)?|Pipes::Pipe|SNS::(Topic|Subscription)"
    r"|Lambda::EventInvokeConfig|Logs::SubscriptionFilter|CloudWatch::(Composite)?Alarm)"
    r"|Custom::S3BucketNotifications"
)


def destructive_changes(
    changes: Sequence[Change], moves: Mapping[Resource, Resource]
) -> dict[str, list[str]]:
    """All stacks' destructive changes, described in words, by resource.

    A resource is a path such as `dev/StorageStack/DataBucket`, an export name, or a stack's path
    for its settings and imports.
    """
    found = defaultdict[str, list[str]](list)
    for name, description in _descriptions(changes, moves):
        found[name].append(description)
    for old, description in describe_moves(moves, changes):
        if old.name in found or moves[old].name in found:
            found[old.name].append(description)
    return found


def _descriptions(
    changes: Sequence[Change], moved: Collection[Resource]
) -> Iterator[tuple[str, str]]:
    """Each destructive change: what changes, and a sentence."""
    for change in changes:
        for resource in change.removed:
            for description in _removal(resource, change, is_moved=resource in moved):
                yield resource.name, description
        for old, new in change.kept:
            for description in _update(old, new, change):
                yield old.name, description
        for logical_id, resource in {**change.after, **change.before}.items():
            for description in opened(logical_id, change):
                yield resource.name, description
        yield from changed_exports(change, changes)
        if change.new:
            settings = (at(template, "Settings") for template in (change.old, change.new))
            for description in destructive_property_changes(*settings):
                yield change.stack, description
    yield from taken_names(changes)
    yield from dangling_imports(changes)


def _removal(resource: Resource, change: Change, *, is_moved: bool) -> Iterator[str]:
    """What happens to a resource that holds data or sends events, and leaves its stack."""
    happens, _ = impact(change, resource.logical_id)
    if resource.holds_data:
        yield happens
    elif EVENTS.fullmatch(resource.type) and not is_moved:
        yield f"{happens}, so its events stop"


def _update(old: Resource, new: Resource, change: Change) -> Iterator[str]:
    """What happens to a resource that is in both templates."""
    happens, causes = impact(change, old.logical_id)
    if happens and old.holds_data:
        yield f"{happens}: {', '.join(causes)}" if causes else happens
    name = old.physical_name
    if happens == REPLACED and name and name == new.physical_name:
        yield (
            f"{REPLACED} under the same name, which CloudFormation refuses: {name[1]}. Give it "
            "another name: docs/changing.md#replace-a-resource"
        )
    for description in destructive_property_changes(old.body, new.body):
        if description not in causes:
            yield description
    matters = new.holds_data or EVENTS.fullmatch(new.type)
    if matters and new.condition not in (None, old.condition):
        yield f"is removed from the stack unless {text(new.condition)}"
