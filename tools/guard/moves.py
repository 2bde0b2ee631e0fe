"""Resources that a change renames or moves, and physical names that it gives to others."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tools.guard.changes import Change
from tools.guard.resources import Resource

TAKEN = (
    "takes the name of {}, so the deploy fails: CloudFormation creates a resource before it "
    "deletes another"
)


def find_moves(changes: Sequence[Change]) -> dict[Resource, Resource]:
    """Each removed resource that an added one replaces under another logical id or stack."""
    added = [resource for change in changes for resource in change.added]
    moves = {}
    for old in (resource for change in changes for resource in change.removed):
        same = [new for new in added if new.identity == old.identity]
        if same:
            moves[old] = max(same, key=lambda new: _similarity(old, new))
            added.remove(moves[old])
    return moves


def _similarity(old: Resource, new: Resource) -> tuple[bool, bool]:
    """Prefer the same construct, and then the same stack."""
    is_same_construct = old.name.rpartition("/")[2] == new.name.rpartition("/")[2]
    return is_same_construct, old.stack == new.stack


def describe_moves(
    moves: Mapping[Resource, Resource], changes: Sequence[Change]
) -> Iterator[tuple[Resource, str]]:
    """Each move with its recipe. For a removed stack, the report gives one recipe."""
    removed = {change.stack for change in changes if not change.new}
    for old, new in moves.items():
        if old.stack == new.stack:
            yield old, f"is renamed to {new.name}: docs/changing.md#rename-a-construct"
        elif old.stack in removed:
            yield old, f"moves to {new.name}"
        else:
            recipe = "docs/changing.md#move-a-retained-resource-between-stacks"
            yield old, f"moves to {new.name}: {recipe}"


def taken_names(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Each resource that gets the physical name of another one, and a sentence about it."""
    before = [resource for change in changes for resource in change.before.values()]
    after = [resource for change in changes for resource in change.after.values()]
    owners = defaultdict[object, list[Resource]](list)
    for resource in before + after:
        owners[resource.physical_name].append(resource)
    kept = {(resource, resource.physical_name) for resource in before}
    for resource in after:
        name = resource.physical_name
        others = [other for other in owners[name] if other != resource]
        if name and others and (resource, name) not in kept:
            yield resource.name, TAKEN.format(others[0].name)
