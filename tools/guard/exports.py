"""Destructive changes to exports, and imports that no stack exports."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tools.cdk_cli.assembly import Json, at
from tools.guard.changes import Changes, Comparison, Template
from tools.guard.checks import change
from tools.guard.locations import condition, members

IMPORT = re.compile(r'"Fn::ImportValue": "([^"]+)"')
RECIPE = "docs/changing.md#remove-an-export"


def changed_exports(
    changes: Changes, comparison: Comparison, replaced: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Each changed export's name, and what happens to it.

    `replaced` describes the replacements of the stack's resources, by logical id.
    """
    before, after = _exports(changes["old"]), _exports(changes["new"])
    for name, output in before.items():
        old, new = at(output, "Value"), at(after.get(name), "Value")
        # A reference: {"Ref": "Id"}, {"Fn::GetAtt": ["Id", ...]}, "Id.Arn" or "${Id}".
        ids = [id_ for id_ in replaced if re.search(rf'["{{]{id_}["}}.]', json.dumps(old))]
        exists_if = condition(changes["new"], after.get(name))
        if name not in after:
            yield name, _removal(name, changes["name"], comparison)
        elif old != new:
            yield name, change(old, new)
        elif ids:
            yield name, f"changes, because {ids[0]} {replaced[ids[0]]}"
        elif exists_if not in (None, condition(changes["old"], output)):
            yield name, f"is exported only if {json.dumps(exists_if)}"


def _removal(name: str, stack: str, comparison: Comparison) -> str:
    """What CloudFormation refuses while a deployed stack imports the export."""
    for other in comparison["stacks"]:
        if name in _exports(other["new"]):
            return (
                f"moves from {stack} to {other['name']}, which fails while the first stack "
                f"exports it: {RECIPE}"
            )
    importers = [
        other["name"]
        for other in comparison["stacks"]
        if name in _imports(other["old"]) | _imports(other["new"])
    ]
    return (
        f"is no longer exported. Recorded importers: {', '.join(importers) or 'none'}. A stack "
        "outside this repository may import it too, and CloudFormation does not remove an export "
        f"that a stack imports: {RECIPE}"
    )


def dangling_imports(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Each stack with a new import that no stack of its environment exports, and a sentence."""
    exported = defaultdict[str, set[str]](set)
    for changes in comparison["stacks"]:
        exported[_environment(changes)].update(_exports(changes["new"]))
    for changes in comparison["stacks"]:
        imported = _imports(changes["new"]) - _imports(changes["old"])
        for name in sorted(imported - exported[_environment(changes)]):
            yield (
                changes["name"],
                (
                    f"imports {name}, which no stack of this environment exports: the deploy fails "
                    "unless a stack outside this repository exports it"
                ),
            )


def _environment(changes: Changes) -> str:
    return changes["name"].partition("/")[0]


def _imports(template: Template) -> set[str]:
    return set(IMPORT.findall(json.dumps(template)))


def _exports(template: Template) -> dict[str, Json]:
    """A template's outputs that are exported, by the export's name."""
    return {
        str(at(output, "Export.Name")): output
        for output in members(template, "Outputs").values()
        if at(output, "Export.Name") is not None
    }
