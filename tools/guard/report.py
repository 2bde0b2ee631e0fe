"""The report of the guard in Markdown, and the acknowledgements of destructive changes."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from tools.console import UserError
from tools.guard.changes import Changes
from tools.guard.destructive import DestructiveChange

# Maps each resource with acknowledged destructive changes to the reason.
ACKNOWLEDGED = "snapshots/acknowledged.toml"


def new_acknowledgements(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> dict[str, str]:
    """The acknowledgements that `base` does not contain: the reason for each resource.

    An acknowledgement applies only to the change that adds it. `here` and `base` map paths to file
    contents. Raises `UserError` for an entry that is not valid.
    """
    old, found = _entries(base), _entries(here)
    entries = {}
    for resource, reason in found.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(
                f"{ACKNOWLEDGED}: the reason for {resource!r} must be a string with text.", 2
            )
        if old.get(resource) != reason:
            entries[resource] = reason.strip()
    return entries


def _entries(files: Mapping[str, bytes]) -> dict[str, object]:
    try:
        return tomllib.loads(files.get(ACKNOWLEDGED, b"").decode())
    except ValueError as error:
        raise UserError(
            f"{ACKNOWLEDGED} is not valid TOML: {error}. Replace an older entry of the same "
            "resource.",
            2,
        ) from error


def report(
    all_changes: Sequence[Changes],
    destructive: Sequence[DestructiveChange],
    reasons: Mapping[str, str],
) -> str:
    """The output of `cdk diff` for each stack, then the destructive changes of each resource.

    `reasons` holds the reason of each acknowledgement by resource.
    """
    lines = []
    for changes in all_changes:
        if changes["text"]:
            lines += [f"### {changes['name']}", "", "```", changes["text"], "```", ""]
    if same := [changes["name"] for changes in all_changes if not changes["text"]]:
        lines += [f"No change in {', '.join(same)}.", ""]
    return "\n".join([*lines, "### Destructive changes", "", *_verdict(destructive, reasons)])


def _verdict(destructive: Sequence[DestructiveChange], reasons: Mapping[str, str]) -> Iterator[str]:
    resources = list(dict.fromkeys(change.resource for change in destructive))
    for resource in resources:
        reason = reasons.get(resource)
        yield f"- **{resource}**" + (f" (acknowledged: {reason})" if reason else "")
        yield from (f"  - {each.description}" for each in destructive if each.resource == resource)
    if not resources:
        yield "None."
    if missing := [resource for resource in resources if resource not in reasons]:
        yield (
            "\nThese changes may delete data, make data unreadable, stop events, open access or "
            f"fail half-way. If they are intended, add these lines to `{ACKNOWLEDGED}`, each "
            "with a reason, in place of an older line of the same resource:\n\n```toml"
        )
        yield from (f'{json.dumps(resource)} = ""' for resource in missing)
        yield "```"
