"""The changes that someone let through, with a reason: snapshots/acknowledged.toml."""

import tomllib
from collections.abc import Mapping

from tools.console import UserError

FILE = "snapshots/acknowledged.toml"


def parse(content: bytes) -> dict[str, str]:
    """The reason of each acknowledged change.

    Raises `UserError` naming the entry that is not one.
    """
    try:
        file = tomllib.loads(content.decode())
    except ValueError as error:
        raise UserError(f"{FILE} is no TOML: {error}.", 2) from error
    entries = file.pop("acknowledged", [])
    if file or not isinstance(entries, list):
        raise UserError(f"{FILE}: only [[acknowledged]] entries belong there.", 2)
    found: dict[str, str] = {}
    for entry in entries:
        match entry:
            case {"change": str(change), "reason": str(reason)} if len(entry) == 2:
                if not reason.strip():
                    raise UserError(f"{FILE}: say the reason for {change!r}.", 2)
                if change in found:
                    raise UserError(f"{FILE} has {change!r} twice.", 2)
                found[change] = reason.strip()
            case _:
                raise UserError(f"{FILE}: {entry!r} must be a change and a reason, in text.", 2)
    return found


def new(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> dict[str, str]:
    """What a change itself acknowledges: what is in the file here, but was not at its base.

    What was let through once is so no longer: done again, it is another change. Both are files by
    path. Raises `UserError` for a file here that is wrong.
    """
    old = base.get(FILE, b"")
    return {
        change: reason
        for change, reason in parse(here.get(FILE, b"")).items()
        if change.encode() not in old
    }


def entry(change: str) -> str:
    """What to add to the file for a change."""
    return f"[[acknowledged]]\nchange = '''{change}'''\nreason = \"\"\n"
