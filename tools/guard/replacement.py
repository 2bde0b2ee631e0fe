"""What happens to a changed resource: whether CloudFormation deletes, removes or replaces it."""

from collections.abc import Sequence

from tools.cdk_cli.assembly import Json, at
from tools.guard.changes import Change
from tools.guard.checks import find
from tools.guard.resources import Resource

REPLACED = "is replaced"
# Descriptions of the impacts that delete, remove or replace a resource.
IMPACTS = {
    "WILL_DESTROY": "is deleted",
    "WILL_ORPHAN": "leaves the stack, but is retained",
    "WILL_REPLACE": REPLACED,
    "MAY_REPLACE": "may be replaced",
}
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


def impact(change: Change, logical_id: str) -> tuple[str, Sequence[str]]:
    """What happens to a resource, and the property changes that replace it.

    Returns one of the IMPACTS, or "" for a resource that is created, updated or unchanged.
    """
    found = IMPACTS.get(change.impacts.get(logical_id, ""), "")
    if logical_id in change.before and logical_id in change.after:
        old, new = change.before[logical_id], change.after[logical_id]
        for certainty, sentence in (("yes", REPLACED), ("maybe", "may be replaced")):
            if causes := _replacing_changes(old, new, certainty):
                return sentence, causes
    return found, []


def _replacing_changes(old: Resource, new: Resource, certainty: str) -> list[str]:
    """The property changes that replace a resource, if it keeps its type."""
    if old.type != new.type:
        return []
    replacing = {**old.model["replacing"], **ALSO_REPLACING.get(old.type, {})}

    def replaces(path: str, _old: Json, _new: Json) -> bool:
        return replacing.get(path) == certainty

    return list(find(replaces, at(old.body, "Properties"), at(new.body, "Properties")))
