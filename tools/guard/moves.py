"""Resources that a change renames or moves, and physical names that it gives to others."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from tools.cdk_cli.assembly import ANY_ACCOUNT, at
from tools.guard.changes import Comparison
from tools.guard.locations import Location, locations

GUIDE = "docs/changing.md"
TAKEN = (
    "takes the name of {}, so the deploy fails: CloudFormation creates a resource before it "
    "deletes another"
)


@dataclass(frozen=True)
class Move:
    """A removed resource, and the added resource that is the same.

    With `is_of_domain`, the old stack is removed and the new stack added.
    """

    old: Location
    new: Location
    is_of_domain: bool

    def __str__(self) -> str:
        if self.old.stack == self.new.stack:
            return f"is renamed to {self.new.name}: {GUIDE}#rename-a-construct"
        recipe = (
            "rename-a-domain" if self.is_of_domain else "move-a-retained-resource-between-stacks"
        )
        return f"moves to {self.new.name}: {GUIDE}#{recipe}"


def taken_names(comparison: Comparison) -> Iterator[tuple[Location, str]]:
    """Each resource that gets the physical name of another one, and a sentence about it."""
    before = defaultdict[object, list[Location]](list)
    after = defaultdict[object, list[Location]](list)
    for location in locations(comparison, "old"):
        before[location.name_in_use].append(location)
    for location in locations(comparison, "new"):
        after[location.name_in_use].append(location)
    after.pop(None, None)
    for name, takers in after.items():
        for location in takers:
            others = [other for other in before[name] + takers if other != location]
            if others and location not in before[name]:
                yield location, TAKEN.format(others[0].name)


def find_moves(comparison: Comparison) -> list[Move]:
    """An environment's removed and added resources with the same name, or the same properties."""
    old = dict.fromkeys(locations(comparison, "old"))
    new = dict.fromkeys(locations(comparison, "new"))
    removed = [location for location in old if location not in new]
    added = [location for location in new if location not in old]
    stacks = comparison["stacks"]
    is_new = {changes["name"]: not changes["old"] for changes in stacks}
    is_gone = {changes["name"]: not changes["new"] for changes in stacks}
    found = []
    for identity in (attrgetter("environment", "type", "name_in_use"), attrgetter("content")):
        candidates = defaultdict[object, list[Location]](list)
        for location in added:
            candidates[identity(location)].append(location)
        for location in removed:
            same = candidates[identity(location)]
            if same and None not in identity(location):
                best = max(same, key=lambda other: _similarity(location, other))
                same.remove(best)
                is_of_domain = is_gone[location.stack] and is_new[best.stack]
                found.append(Move(location, best, is_of_domain))
        removed = [location for location in removed if location not in {move.old for move in found}]
        added = [location for location in added if location not in {move.new for move in found}]
    return found


def _similarity(old: Location, new: Location) -> int:
    same_construct = old.name.rpartition("/")[2] == new.name.rpartition("/")[2]
    return 2 * same_construct + (old.stack == new.stack)


def override_file(moves: Sequence[Move]) -> str:
    """The file for `cdk refactor --override-file`, as JSON.

    aws-cdk reads `{"environments": [{"account": …, "region": …, "resources": {old: new}}]}`.
    """
    environments = defaultdict[str, dict[str, str]](dict)
    for move in moves:
        environment = str(at(move.old.template, "Settings.environment") or f"aws://{ANY_ACCOUNT}/")
        environments[environment][_mapped(move.old)] = _mapped(move.new)
    groups = []
    for environment, resources in environments.items():
        account, _, region = environment.removeprefix("aws://").partition("/")
        groups.append({"account": account, "region": region, "resources": resources})
    return json.dumps({"environments": groups}, indent=1)


def _mapped(location: Location) -> str:
    stack = at(location.template, "Settings.stackName") or location.stack.rpartition("/")[2]
    return f"{stack}.{location.logical_id}"
