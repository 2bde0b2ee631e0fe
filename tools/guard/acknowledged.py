"""The acknowledged destructive changes: snapshots/acknowledged.toml, a reason by resource."""

import json
import tomllib
from collections.abc import Mapping

from tools.console import UserError

FILE = "snapshots/acknowledged.toml"


def new(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> dict[str, str]:
    """The entries that the base does not have: an entry applies only to the change that adds it.

    Takes the files of both by path. Raises `UserError` for an entry that is not valid.
    """
    old, found = _entries(base), _entries(here)
    entries = {}
    for resource, reason in found.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(f"{FILE}: the reason for {resource!r} must be a string with text.", 2)
        if old.get(resource) != reason:
            entries[resource] = reason.strip()
    return entries


def entry(resource: str) -> str:
    """The line that a user adds to the file to acknowledge the changes of a resource."""
    return f'{json.dumps(resource)} = ""'


def _entries(files: Mapping[str, bytes]) -> dict[str, object]:
    try:
        return tomllib.loads(files.get(FILE, b"").decode())
    except ValueError as error:
        raise UserError(
            f"{FILE} is not valid TOML: {error}. Replace an older entry of the same resource.", 2
        ) from error
