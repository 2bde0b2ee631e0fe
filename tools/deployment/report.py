"""The table of what exists after a deploy."""

import re

from rich.table import Table

from tools.assembly import StackArtifact
from tools.console import UserError, console, summarize
from tools.deployment.operation import Operation

# What `cdk deploy` says of each stack.
_UNCHANGED = re.compile(r"✅  (?P<id>\S+).* \(no changes\)")
_CHANGED = re.compile(r"✅  (?P<id>\S+).*\n\s*\n✨  Deployment time: (?P<seconds>[\d.]+)s")


def show(op: Operation, said: str) -> None:
    """Print stack, status, resource, physical name or ARN, and seconds.

    `said` is the output of `cdk deploy`; everything else is read from the target.
    """
    unchanged = {match["id"] for match in _UNCHANGED.finditer(said)}
    seconds = {match["id"]: match["seconds"] for match in _CHANGED.finditer(said)}
    title = f"What exists now ({op.target})"
    table = Table(title=title)
    # Not five columns: names and ARNs are for copying, and a terminal may be 80 characters wide.
    for column in ("Stack, resource", "Status, name or ARN", "Seconds"):
        table.add_column(column, overflow="fold")
    outputs = Table("Export", "Value")
    for stack in op.stacks:
        status, resources, exports = _read(op, stack)
        if stack.id in unchanged:
            status += ", no changes"
        table.add_row(stack.id, status, seconds.get(stack.id, ""), style="bold")
        for kind, name in resources:
            table.add_row(f"  {kind}", name)
        table.add_section()
        for export in exports:
            outputs.add_row(*export)
    console.print(table)
    # A person has seen the exports in what cdk said.
    summarize(f"### {title}", table, "### Exports", outputs)


type _Pairs = list[tuple[str, str]]


def _read(op: Operation, stack: StackArtifact) -> tuple[str, _Pairs, _Pairs]:
    try:
        found = op.describe(stack.name, stack.region)
    except UserError:  # credentials may have expired during the deploy, whose end is to be told
        return "not known", [], []
    if found is None:
        return "does not exist", [], []
    cloudformation = op.target.session.client("cloudformation", region_name=stack.region)
    resources = cloudformation.describe_stack_resources(StackName=stack.name)["StackResources"]
    rows = [
        (resource["ResourceType"], resource.get("PhysicalResourceId", "")) for resource in resources
    ]
    exports = [
        (output["ExportName"], output["OutputValue"])
        for output in found.get("Outputs", [])
        if "ExportName" in output
    ]
    return found["StackStatus"], rows, exports
