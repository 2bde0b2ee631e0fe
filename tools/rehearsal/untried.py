"""What a rehearsal on the local cloud does not show: docs/rehearsal.md explains the rows.

The tests in tests/tools/rehearsal measure each row of NOT_APPLIED. If MiniStack learns to apply a
property, a test fails; then delete the row here and in the document.
"""

from collections.abc import Iterator, Mapping, Sequence

from tools.cdk_cli.assembly import at
from tools.guard.changes import compare
from tools.guard.replacement import impact
from tools.guard.resources import Template
from tools.rehearsal.data import STORES
from tools.rehearsal.stacks import Stack
from tools.rehearsal.steps import Deployed

# Types whose code or template the snapshots do not hold, or for which CloudFormation waits.
NEEDS_CODE = "the snapshots hold no code for its custom resources"
NOT_CREATED = {
    "AWS::CloudFormation::CustomResource": NEEDS_CODE,
    "AWS::CloudFormation::Stack": "the snapshots name its nested stack only by a hash",
    "AWS::CloudFormation::WaitCondition": "nobody sends the signal that its wait condition needs",
}
# Properties that the local cloud accepts and does not act upon.
IGNORED = "the local cloud ignores the property"
TAKES_DAYS = "it acts after days, and a rehearsal takes seconds"
KEYS = "the local cloud reads data also without the key"
NOT_APPLIED: Mapping[tuple[str, str], str] = {
    ("AWS::S3::Bucket", "LifecycleConfiguration"): IGNORED,
    ("AWS::S3::Bucket", "IntelligentTieringConfigurations"): IGNORED,
    ("AWS::S3::Bucket", "BucketEncryption"): IGNORED,
    ("AWS::S3::Bucket", "OwnershipControls"): IGNORED,
    ("AWS::S3::Bucket", "ObjectLockConfiguration"): IGNORED,
    ("AWS::S3::Bucket", "ReplicationConfiguration"): IGNORED,
    ("AWS::S3::Bucket", "VersioningConfiguration"): "the local cloud never suspends versioning",
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification"): IGNORED,
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): IGNORED,
    ("AWS::DynamoDB::Table", "SSESpecification"): KEYS,
    ("AWS::DynamoDB::GlobalTable", "Replicas"): IGNORED,
    ("AWS::ECR::Repository", "LifecyclePolicy"): TAKES_DAYS,
    ("AWS::Logs::LogGroup", "RetentionInDays"): TAKES_DAYS,
    ("AWS::Logs::LogGroup", "KmsKeyId"): KEYS,
}


def why_left_out(stack: Stack, left_out: Sequence[Stack]) -> str:
    """Why the local cloud cannot create a stack; empty if it may."""
    for kind in sorted(stack.types()):
        if kind in NOT_CREATED or kind.startswith("Custom::"):
            return NOT_CREATED.get(kind, NEEDS_CODE)
    for other in left_out:
        if stack.imports() & other.exports():
            return f"it imports from {other.path}, which is left out"
    return ""


def parts(
    pairs: Mapping[Stack, tuple[Template, Template]], before: Deployed, now: Deployed
) -> Iterator[tuple[str, str]]:
    """Each changed resource whose change the local cloud did not try, with the reason."""
    stacks = {stack.path: stack for stack in pairs}
    for change in compare({stack.path: pair for stack, pair in pairs.items()}):
        stack = stacks[change.stack]
        for logical_id, old in change.before.items():
            if logical_id not in change.impacts:
                continue
            new = change.after.get(logical_id)
            deployed = before.resources.get((stack, logical_id))
            if deployed == now.resources.get((stack, logical_id)):
                for cause in impact(change, logical_id)[1]:
                    path = cause.split()[0]
                    yield old.name, f"AWS may replace it for its {path}; the local cloud does not"
            if old.type not in STORES and old.model["stateful"]:
                yield old.name, f"the rehearsal puts no data into {old.type}"
            for (kind, name), reason in NOT_APPLIED.items():
                path = f"Properties.{name}"
                if kind == old.type and at(old.body, path) != at(new.body if new else None, path):
                    yield old.name, f"{name} changes: {reason}"
