"""Show the changes that somebody made by hand since the last deploy."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say, summarize, waiting
from tools.deployment.deploy import BY_HAND
from tools.deployment.deployed import NEVER_CREATED, is_changing
from tools.deployment.drift_detection import (
    Entries,
    Finding,
    detect,
    find_settled,
    read_acknowledged,
)
from tools.deployment.left_out import leave_out
from tools.deployment.next_command import next_command
from tools.deployment.options import REVERT, Options
from tools.deployment.prepare import Deployment, prepare
from tools.deployment.target import NAMES
from tools.errors import UserError
from tools.project import ROOT

ACKNOWLEDGED = ROOT / "snapshots" / "drift.toml"


def drift(options: Options) -> int:
    """Show drift in the selected stacks; return 1 for drift, and for an unchecked resource.

    A stack that is not deployed counts as drift. Raises `UserError` if no stack is deployed.
    """
    acknowledged = read_acknowledged(ACKNOWLEDGED)
    with prepare(options) as op:
        op = leave_out(op)
        deployed, changed = _examine(op)
        if not deployed:
            raise UserError(f"No stack is deployed. {next_command(op, 'deploy')}")
        findings: list[Finding] = []
        unsupported: list[str] = []
        for stack in deployed:
            with waiting(f"Detecting drift in {stack.id}"):
                found, others = detect(op, stack)
            findings += found
            unsupported += others
        lines = [*_describe(findings, acknowledged), *changed.values()]
        if unsupported:
            service = NAMES[op.target.kind]
            lines.append(f"No drift detection in {service} for: {', '.join(unsupported)}")
        if op.target.kind == "aws":
            lines += _unused(acknowledged, findings, deployed)
        for line in lines:
            say(line)
        if changed:
            say(f"A deploy reverts these changes. {next_command(op, 'deploy', stacks=[*changed])}")
        remaining = [finding for finding in findings if not finding.reason(acknowledged)]
        _show_next_step(op, remaining, deployed)
        title = f"### Drift ({op.target}, environment {options.environment})"
        summarize(title, "\n".join(["```", *lines, "```"]))
        return bool(remaining or changed)


def _examine(op: Deployment) -> tuple[list[StackArtifact], dict[StackArtifact, str]]:
    """The deployed stacks, and a line for each stack that is not deployed or has other protection.

    Raises `UserError` for a stack whose status allows no drift detection.
    """
    deployed, changed = [], {}
    for stack in op.stacks:
        found = find_settled(op, stack)
        if found is None or found["StackStatus"] in NEVER_CREATED:
            changed[stack] = f"{stack.id} ({stack.name}) is not deployed."
            continue
        if is_changing(found["StackStatus"]):
            raise UserError(
                f"{stack.id} ({stack.name}) is {found['StackStatus']}: another operation is "
                "changing the stack. Run the same command again when that operation has ended."
            )
        deployed.append(stack)
        actual = found.get("EnableTerminationProtection", False)
        if actual != stack.is_protected:
            line = f"{stack.id} termination protection: {stack.is_protected} -> {actual}"
            changed[stack] = line
    return deployed, changed


def _describe(findings: Sequence[Finding], acknowledged: Entries) -> Iterator[str]:
    """A line for each finding, below its resource, and the finding counts."""
    for resource, group in groupby(findings, key=lambda finding: finding.resource):
        yield resource
        for finding in group:
            reason = finding.reason(acknowledged)
            yield f"  {finding.text}" + (f" (acknowledged: {reason})" if reason else "")
    remaining = [finding for finding in findings if not finding.reason(acknowledged)]
    drifted = {finding.resource for finding in remaining if finding.is_checked}
    unchecked = {finding.resource for finding in remaining if not finding.is_checked}
    yield f"Number of resources with drift: {len(drifted)}; not checked: {len(unchecked)}"


def _unused(
    acknowledged: Entries, findings: Sequence[Finding], stacks: Sequence[StackArtifact]
) -> Iterator[str]:
    """A line for each entry that acknowledges no finding in `stacks`."""
    for entry in acknowledged:
        is_compared = any(entry["resource"].startswith(f"{stack.id}/") for stack in stacks)
        if is_compared and not any(finding.reason([entry]) for finding in findings):
            path = entry.get("property", "not checked")
            resource = entry["resource"]
            yield f"No longer found, remove from snapshots/drift.toml: {resource} {path}"


def _show_next_step(
    op: Deployment, findings: Sequence[Finding], deployed: Sequence[StackArtifact]
) -> None:
    if op.target.kind == "local":
        if findings:
            say(f"Undo the drift by hand: {BY_HAND}")
        # Source: MiniStack's services/cloudformation/drift.py.
        say("The local cloud compares less than AWS: for a bucket, for example, only versioning.")
        return
    if any(finding.is_checked for finding in findings):
        say(f"Revert the drift. {next_command(op, 'deploy', REVERT, stacks=deployed)}")
    if entries := [finding.entry for finding in findings if finding.entry]:
        say(
            "If CloudFormation reports a difference falsely, or cannot check a resource, add these "
            "lines to snapshots/drift.toml, with a reason:"
        )
        for entry in entries:
            say("\n[[acknowledged]]")
            for key, value in {**entry, "reason": ""}.items():
                say(f"{key} = {json.dumps(value)}")  # a JSON string is a TOML string
