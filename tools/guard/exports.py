"""Destructive changes to exports."""

import json
import re
from collections.abc import Iterator, Mapping

from tools.cdk_cli.assembly import Json, at
from tools.guard.changes import Changes, Template
from tools.guard.checks import change
from tools.guard.locations import condition, members


def changed_exports(changes: Changes, replaced: Mapping[str, str]) -> Iterator[tuple[str, str]]:
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
            yield name, "is no longer exported"
        elif old != new:
            yield name, change(old, new)
        elif ids:
            yield name, f"changes, because {ids[0]} {replaced[ids[0]]}"
        elif exists_if not in (None, condition(changes["old"], output)):
            yield name, f"is exported only if {json.dumps(exists_if)}"


def _exports(template: Template) -> dict[str, Json]:
    """A template's outputs that are exported, by the export's name."""
    return {
        str(at(output, "Export.Name")): output
        for output in members(template, "Outputs").values()
        if at(output, "Export.Name") is not None
    }
