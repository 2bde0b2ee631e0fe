"""The report of the guard in Markdown: the changes of each stack, and the destructive ones."""

from collections.abc import Iterator, Mapping, Sequence

from tools.guard import acknowledged
from tools.guard.changes import Changes
from tools.guard.destructive import DestructiveChange


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
            f"fail half-way. If they are intended, add these lines to `{acknowledged.FILE}`, each "
            "with a reason, in place of an older line of the same resource:\n\n```toml"
        )
        yield from (acknowledged.entry(resource) for resource in missing)
        yield "```"
