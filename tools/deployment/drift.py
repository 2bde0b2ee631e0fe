"""Show the changes that somebody made by hand since the last deploy."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.cdk_cli.assembly import StackArtifact
from tools.console import say, summarize, waiting
from tools.deployment import removed
from tools.deployment.deploy import BY_HAND
from tools.deployment.deployed import NEVER_CREATED
from tools.deployment.deployment import Deployment
from tools.deployment.drift_detection import EXISTENCE, Finding, detect, find_settled
from tools.deployment.left_out import leave_out
from tools.deployment.next_command import next_command
from tools.deployment.options import REVERT, Options
from tools.deployment.prepare import prepare
from tools.deployment.target import NAMES
from tools.errors import UsageError, UserError
from tools.project import ROOT

ACKNOWLEDGED = ROOT / "snapshots" / "drift.toml"


def drift(options: Options) -> int:
    """Show drift in the selected stacks; return 1 for drift, and for an unchecked resource.

    A stack that is not deployed counts as drift, and so does a deployed stack that is not in the
    code. Raises `UserError` if no stack is deployed.
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
        remaining = [finding for finding in findings if finding not in acknowledged]
        _show_next_step(op, remaining, deployed)
        has_removed = removed.show(op)
        return bool(remaining or changed or has_removed)


def read_acknowledged(file: Path) -> Mapping[Finding, str]:
    """The findings in snapshots/drift.toml, with the reason for each.

    Raises `UsageError` for an incomplete entry.
    """
    acknowledged = {}
    try:
        for entry in tomllib.loads(file.read_text()).get("acknowledged", []):
            reason = entry.pop("reason", "")
            finding = Finding(**entry)
            # Others know a false report too, and have a link for it.
            has_link = not finding.property or "https://" in reason
            if not reason or not has_link or finding.property == EXISTENCE:
                fix = "complete the entry, as the first lines describe"
                raise UsageError(f"{file}, {finding.resource}: {fix}.")
            acknowledged[finding] = reason
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise UsageError(f"{file}: {error}. Its first lines describe an entry.") from error
    return acknowledged


def _describe(findings: Sequence[Finding], acknowledged: Mapping[Finding, str]) -> Iterator[str]:
    """A line for each finding, and the number of resources that nobody acknowledged."""
    drifted: set[str] = set()
    unchecked: set[str] = set()
    for finding in findings:
        if finding in acknowledged:
            yield f"{finding} (acknowledged: {acknowledged[finding]})"
        else:
            yield str(finding)
            (drifted if finding.property else unchecked).add(finding.resource)
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
    if any(finding.property for finding in findings):
        say(f"Revert the drift. {next_command(op, 'deploy', REVERT, stacks=deployed)}")
    entries = [finding for finding in findings if finding.property != EXISTENCE]
    if entries:
        say(
            "If CloudFormation reports a difference falsely, or cannot check a resource, add these "
            "lines to snapshots/drift.toml, with a reason:"
        )
    for entry in entries:
        say("\n[[acknowledged]]")
        for key in ("resource", "property", "expected", "actual"):
            if value := getattr(entry, key):
                say(f"{key} = {json.dumps(value)}")  # a JSON string is a TOML string
        say('reason = ""')
