"""The changes of all stacks as Markdown, the grave ones first."""

from collections.abc import Iterator, Mapping, Sequence

from tools.guard import access, acknowledged
from tools.guard.changes import Changes, Difference, Statement
from tools.guard.words import IMPACTS, at, label


def report(
    all_changes: Sequence[Changes], hazards: Sequence[str], reasons: Mapping[str, str]
) -> str:
    """What changes in each stack, and the verdict; `reasons` are those of acknowledged hazards."""
    lines: list[str] = []
    same = [changes["name"] for changes in all_changes if not _is_change(changes)]
    for changes in all_changes:
        if _is_change(changes):
            lines += [f"### {changes['name']}", "", *_of_stack(changes), ""]
    if same:
        lines += [f"No change in {', '.join(same)}.", ""]
    return "\n".join([*lines, "### Guard", "", *_verdict(hazards, reasons)])


def _is_change(changes: Changes) -> bool:
    return any(value for key, value in changes.items() if key != "name")


def _of_stack(changes: Changes) -> Iterator[str]:
    order = list(IMPACTS)
    for resource in sorted(changes["resources"], key=lambda each: order.index(each["impact"])):
        names = ", ".join(each["name"] for each in resource["properties"])
        what = f": {names}" if names and "old" in resource and "new" in resource else ""
        grave = "**" * (order.index(resource["impact"]) < order.index("WILL_CREATE"))
        yield f"- {label(resource)} {grave}{IMPACTS[resource['impact']]}{grave}{what}"
    for output in changes["outputs"]:
        yield f"- {_output(output)}"
    for other in changes["others"]:
        yield f"- {other} changes"
    statements = [("+", each) for each in changes["added"]]
    statements += [("-", each) for each in changes["removed"]]
    if statements:
        yield "\n| | Effect | Who | May do | On | If |\n|---|---|---|---|---|---|"
        yield from (_row(sign, statement) for sign, statement in statements)
    if changes["attached"]:
        yield "\n| | Who | Managed policy |\n|---|---|---|"
    for each in changes["attached"]:
        yield f"| + | {_cell(each['identityArn'])} | {_cell(each['managedPolicyArn'])} |"


def _output(output: Difference) -> str:
    names = [at(output, f"{side}.Export.Name") for side in ("old", "new")]
    name = next((f"export {name}" for name in names if name), f"output {output['name']}")
    verb = "is added" if "old" not in output else "is removed" if "new" not in output else "changes"
    return f"{name} {verb}"


def _row(sign: str, statement: Statement) -> str:
    who, what, on = (
        access.targets(statement[part]) for part in ("principals", "actions", "resources")
    )
    cells = (sign, statement["effect"], who, what, on, access.condition(statement))
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(content: str) -> str:
    # As code, so that a * stays one; a | would end the cell even there.
    return f"`{content.replace('|', chr(92) + '|')}`" if len(content) > 1 else content


def _verdict(hazards: Sequence[str], reasons: Mapping[str, str]) -> Iterator[str]:
    if not hazards:
        yield "Nothing here may lose data, break an import or open access further."
    for hazard in hazards:
        if hazard in reasons:
            yield f"- {hazard}  \n  Acknowledged: {reasons[hazard]}"
    if unseen := [hazard for hazard in hazards if hazard not in reasons]:
        yield from (f"- **{hazard}**" for hazard in unseen)
        yield (
            "\nThis may lose data, break an import or open access further. If it is meant, add it "
            f"to `{acknowledged.FILE}` with a reason, for a reviewer to see:\n\n```toml"
        )
        yield from (acknowledged.entry(hazard) for hazard in unseen)
        yield "```"
