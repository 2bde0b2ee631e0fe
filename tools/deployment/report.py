"""The table of resources after a deploy."""

import re

from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from tools.cdk_cli.assembly import StackArtifact
from tools.console import console, summarize
from tools.deployment.operation import Operation
from tools.errors import UserError

# The lines of `cdk deploy` for each stack.
_UNCHANGED = re.compile(r"✅  (?P<id>\S+).* \(no changes\)")
_CHANGED = re.compile(r"✅  (?P<id>\S+).*\n\s*\n✨  Deployment time: (?P<seconds>[\d.]+)s")


def show(op: Operation, output: str) -> None:
    """Print stack, status, resource, physical name or ARN, and seconds.

    `output` is the output of `cdk deploy`; everything else is read from the target.
    """
    unchanged = {match["id"] for match in _UNCHANGED.finditer(output)}
    seconds = {match["id"]: match["seconds"] for match in _CHANGED.finditer(output)}
    title = f"Environment {op.options.environment} ({op.target})"
    table = Table(title=title)
    # Three columns leave room for whole names and ARNs on a terminal of 80 characters.
    for column in ("Stack, resource", "Status, name or ARN", "Seconds"):
        table.add_column(column, overflow="fold")
    outputs = Table("Export", "Value")
    for stack in op.stacks:
        status, resources, exports = _read(op, stack)
        if stack.id in unchanged:
            status += ", no changes"
        table.add_row(f"{stack.id} ({stack.name})", status, seconds.get(stack.id, ""), style="bold")
        for kind, name in resources:
            table.add_row(f"  {kind}", name)
        table.add_section()
        for export in exports:
            outputs.add_row(*export)
    for stack, reason in op.left_out.items():
        table.add_row(f"{stack.id} ({stack.name})", f"left out: {reason}", style="bold")
    console.print(table)
    # `cdk deploy` has already printed the exports on the terminal.
    summarize(f"### {title}", table, "### Exports", outputs)


type _Pairs = list[tuple[str, str]]


def _read(op: Operation, stack: StackArtifact) -> tuple[str, _Pairs, _Pairs]:
    # The credentials may have expired during the deploy, or not allow the calls.
    try:
        found = op.find(stack)
        if found is None:
            return "does not exist", [], []
        rows = [
            (resource["ResourceType"], resource.get("PhysicalResourceId", ""))
            for resource in op.resources(stack)
        ]
    except (UserError, BotoCoreError, ClientError):
        return "not known", [], []
    exports = [
        (output["ExportName"], output["OutputValue"])
        for output in found.get("Outputs", [])
        if "ExportName" in output
    ]
    return found["StackStatus"], rows, exports
