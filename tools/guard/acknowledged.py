"""The acknowledged destructive changes: snapshots/acknowledged.toml."""

import json
import tomllib
from collections.abc import Mapping

from tools.console import UserError

FILE = "snapshots/acknowledged.toml"


def new(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> dict[str, str]:
    """The reason by resource, from the entries that the base does not have.

    An acknowledgement applies only to the change that adds it. Takes the files of both by path.
    Raises `UserError` for an entry that is not valid.
    """
    old, found = _entries(base.get(FILE, b"")), dict[str, str]()
    for entry in _entries(here.get(FILE, b"")):
        if entry in old:
            old.remove(entry)
            continue
        match entry:
            case {"resource": str(resource), "reason": str(reason), **rest} if not rest:
                if not reason.strip():
                    raise UserError(f"{FILE}: the reason for {resource!r} is empty. Write one.", 2)
                if resource in found:
                    raise UserError(f"{FILE} has two new entries for {resource!r}. Keep one.", 2)
                found[resource] = reason.strip()
            case _:
                raise UserError(f"{FILE}: {entry!r} must have a resource and a reason only.", 2)
    return found


def template(resource: str) -> str:
    """The entry that a user adds to the file to acknowledge the changes of a resource."""
    return f'[[acknowledged]]\nresource = {json.dumps(resource)}\nreason = ""\n'


def _entries(content: bytes) -> list[object]:
    try:
        file = tomllib.loads(content.decode())
    except ValueError as error:
        raise UserError(f"{FILE} is not valid TOML: {error}.", 2) from error
    entries = file.pop("acknowledged", [])
    if file or not isinstance(entries, list):
        raise UserError(f"{FILE} may hold [[acknowledged]] entries only.", 2)
    return entries
