"""Values of templates: find them by path, and show them as text."""

import json
import re
from collections.abc import Mapping

from tools.assembly import Json


def at(value: Json, path: str) -> Json:
    """The value at a path, which is a list of keys joined by dots, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def change(old: Json, new: Json) -> str:
    """A description such as `changes from "Enabled" to nothing`."""
    return f"changes from {text(old)} to {text(new)}"


def text(value: Json) -> str:
    """JSON on one line, with sorted keys."""
    return "nothing" if value is None else readable(json.dumps(value, sort_keys=True))


def readable(words: str) -> str:
    """Write `Fn::ImportValue` as the CDK writes other references: `${name}`."""
    return re.sub(r'\{"Fn::ImportValue": ?"([^"]*)"\}', r"${\1}", words)
