"""Show the changes that somebody made by hand since the last deploy."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say, summarize, waiting
from tools.deployment.deploy import BY_HAND
from tools.deployment.deployed import NEVER_CREATED
from tools.deployment.drift_detection import Finding, detect, find_settled
from tools.deployment.left_out import leave_out
from tools.deployment.next_command import next_command
from tools.deployment.options import REVERT, Options
from tools.deployment.prepare import Deployment, prepare
from tools.deployment.target import NAMES
from tools.errors import UsageError, UserError
from tools.project import ROOT

ACKNOWLEDGED = ROOT / "snapshots" / "drift.toml"


def drift(options: Options) -> int:
    """Show drift in the selected stacks; return 1 for drift, and for an unchecked resource.

    A stack that is not deployed counts as drift. Raises `UserError` if no stack is deployed.
    """
    acknowledged = read_acknowledged(ACKNOWLEDGED)
    with prepare(options) as op:
        op = leave_out(op)
        deployed: list[StackArtifact] = []
        changed: dict[StackArtifact, str] = {}
        findings: list[Finding] = []
        unsupported: list[str] = []
        for stack in op.stacks:
            with waiting(f"Detecting drift in {stack.id}"):
                found = find_settled(op, stack)
                if found is None or found["StackStatus"] in NEVER_CREATED:
                    changed[stack] = f"{stack.id} ({stack.name}) is not deployed."
                    continue
                deployed.append(stack)
                actual = found.get("EnableTerminationProtection", False)
                if actual != stack.is_protected:
                    protection = f"termination protection: {stack.is_protected} -> {actual}"
                    changed[stack] = f"{stack.id} {protection}"
                differences, others = detect(op, stack)
                findings += differences
                unsupported += others
        if not deployed:
            raise UserError(f"No stack is deployed. {next_command(op, 'deploy')}")
        lines = [*_describe(findings, acknowledged), *changed.values()]
        if unsupported:
            service = NAMES[op.target.kind]
            lines.append(f"No drift detection in {service} for: {', '.join(unsupported)}")
        text = "\n".join(lines)
        say(text)
        summarize(
            f"### Drift ({op.target}, environment {options.environment})", f"```\n{text}\n```"
        )
        if changed:
            say(f"A deploy reverts these changes. {next_command(op, 'deploy', stacks=[*changed])}")
        remaining = [finding for finding in findings if not finding.reason(acknowledged)]
        _show_next_step(op, remaining, deployed)
        return bool(remaining or changed)


def read_acknowledged(file: Path) -> Sequence[Mapping[str, str]]:
    """The entries in snapshots/drift.toml. Raises `UsageError` for an incomplete entry."""
    try:
        entries: Sequence[Mapping[str, str]] = tomllib.loads(file.read_text())["acknowledged"]
    except KeyError:
        return []
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from error
    for entry in entries:
        reason = entry.get("reason")
        # Others know a false report too, and have a link for it.
        has_link = "property" not in entry or "https://" in str(reason)
        if "resource" not in entry or not reason or not has_link:
            raise UsageError(f"{file}: complete the entry {entry}, as the first lines describe.")
    return entries


def _describe(
    findings: Sequence[Finding], acknowledged: Sequence[Mapping[str, str]]
) -> Iterator[str]:
    """A line for each finding, and the number of resources that nobody acknowledged."""
    drifted: set[str] = set()
    unchecked: set[str] = set()
    for finding in findings:
        line = f"{finding.resource} {finding.text}"
        if reason := finding.reason(acknowledged):
            line += f" (acknowledged: {reason})"
        else:
            (drifted if finding.is_checked else unchecked).add(finding.resource)
        yield line
    yield f"Number of resources with drift: {len(drifted)}; not checked: {len(unchecked)}"


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
