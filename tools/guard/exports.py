"""Destructive changes to exports, and imports that no stack exports."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from stacks.core import templates
from tools.cdk_cli.assembly import Json, at, members
from tools.guard.changes import Change
from tools.guard.checks import describe
from tools.guard.replacement import impact
from tools.guard.resources import LOGICAL_ID, Template, condition

RECIPE = "docs/changing.md#remove-an-export"
DANGLING = (
    "imports {}, which no stack of this environment exports: the deploy fails unless a stack "
    "outside this repository exports it"
)


def changed_exports(change: Change, changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Each changed export's name, and what happens to it."""
    before, after = _exports(change.old), _exports(change.new)
    for name in sorted(before.keys() - after.keys()):
        yield name, _removal(name, change.stack, changes)
    for name in sorted(before.keys() & after.keys()):
        for description in _update(before[name], after[name], change):
            yield name, description


def _removal(name: str, stack: str, changes: Sequence[Change]) -> str:
    """What CloudFormation refuses while a deployed stack imports the export."""
    for other in changes:
        if name in _exports(other.new):
            return (
                f"moves from {stack} to {other.stack}, which fails while the first stack exports "
                f"it: {RECIPE}"
            )
    importers = [
        other.stack for other in changes if name in _imports(other.old) | _imports(other.new)
    ]
    return (
        f"is no longer exported. Recorded importers: {', '.join(importers) or 'none'}. A stack "
        "outside this repository may import it too, and CloudFormation does not remove an export "
        f"that a stack imports: {RECIPE}"
    )


def _update(old: Json, new: Json, change: Change) -> Iterator[str]:
    """What happens to an export that remains."""
    value = at(old, "Value")
    if value != at(new, "Value"):
        yield describe(value, at(new, "Value"))
        return
    for logical_id in sorted({*LOGICAL_ID.findall(json.dumps(value))}):
        if happens := impact(change, logical_id)[0]:
            yield f"changes, because {logical_id} {happens}"
    exists_if = condition(change.new, new)
    if exists_if not in (None, condition(change.old, old)):
        yield f"is exported only if {json.dumps(exists_if)}"


def dangling_imports(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Each stack with a new import that no stack of its environment exports, and a sentence."""
    exported = defaultdict[str, set[str]](set)
    for change in changes:
        exported[change.environment].update(_exports(change.new))
    for change in changes:
        imported = _imports(change.new) - _imports(change.old)
        for name in sorted(imported - exported[change.environment]):
            yield change.stack, DANGLING.format(name)


def _imports(template: Template) -> set[str]:
    return set(templates.imports(template))


def _exports(template: Template) -> dict[str, Json]:
    """A template's outputs that are exported, by the export's name."""
    found = {}
    for output in members(template, "Outputs").values():
        if name := at(output, "Export.Name"):
            found[str(name)] = output
    return found
