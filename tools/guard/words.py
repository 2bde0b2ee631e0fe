"""Changes of templates in words, for a person to read and to acknowledge."""

import json
import re
from collections.abc import Mapping

from tools.assembly import Json, construct_path
from tools.guard.changes import Difference, Resource

# What an impact means for the resource that is deployed.
IMPACTS = {
    "WILL_DESTROY": "is deleted",
    "WILL_ORPHAN": "leaves the stack, but is kept",
    "WILL_REPLACE": "is replaced",
    "MAY_REPLACE": "may be replaced",
    "WILL_CREATE": "is created",
    "WILL_UPDATE": "is updated",
}


def label(resource: Resource) -> str:
    """The path of a resource's construct within its stack, and its type."""
    template = {"Resources": {resource["id"]: resource.get("old") or resource.get("new")}}
    path = construct_path(template, resource["id"])
    return f"{path.partition('/')[2] or path} ({resource['type']})"


def change(difference: Difference) -> str:
    """From what to what something changes."""
    return f"changes from {text(difference.get('old'))} to {text(difference.get('new'))}"


def text(value: Json) -> str:
    """A part of a template, short and always in the same order."""
    return "nothing" if value is None else readable(json.dumps(value, sort_keys=True))


def readable(words: str) -> str:
    """Show what is imported from other stacks in the same form as what is the stack's own."""
    return re.sub(r'\{"Fn::ImportValue": ?"([^"]*)"\}', r"${\1}", words)


def at(value: object, path: str) -> Json:
    """What is at a path of keys, joined by dots; None where there is nothing."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    found: Json = value  # type: ignore[assignment] # what is in a template is JSON
    return found
