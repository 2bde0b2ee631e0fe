"""Which changes of a stack may lose data, break who imports from it, or open it further.

Each is one sentence that names the stack and the thing, and stays the same as long as the change
does, so that a person can let exactly that change through.
"""

from collections.abc import Iterator, Mapping

from tools.assembly import Json
from tools.guard import access
from tools.guard.changes import Changes, Resource
from tools.guard.words import IMPACTS, at, change, label, text

GRAVE = ("WILL_DESTROY", "WILL_ORPHAN", "WILL_REPLACE", "MAY_REPLACE")

# To lose these loses something, too, though AWS's specification does not call them stateful.
STATEFUL = {"AWS::ECR::Repository", "AWS::SecretsManager::Secret", "AWS::SQS::Queue"}

# What protects a resource of a type: once it is on, no change of it passes unseen.
PROTECTIONS = {
    "AWS::DynamoDB::Table": [
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        "SSESpecification",
    ],
    "AWS::ECR::Repository": ["EncryptionConfiguration", "ImageTagMutability", "LifecyclePolicy"],
    "AWS::IAM::Role": ["PermissionsBoundary"],
    "AWS::KMS::Key": ["EnableKeyRotation"],
    "AWS::S3::Bucket": [
        "BucketEncryption",
        "ObjectLockConfiguration",
        "ObjectLockEnabled",
        "OwnershipControls",
        "PublicAccessBlockConfiguration.BlockPublicAcls",
        "PublicAccessBlockConfiguration.BlockPublicPolicy",
        "PublicAccessBlockConfiguration.IgnorePublicAcls",
        "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        "VersioningConfiguration.Status",
    ],
}
OFF = (None, False, "MUTABLE", "Suspended")

# When a lifecycle rule of a bucket deletes objects, or versions of them; which it is about; and how
# many versions it leaves.
EXPIRING = (
    "ExpirationDate",
    "ExpirationInDays",
    "NoncurrentVersionExpiration.NoncurrentDays",
    "NoncurrentVersionExpirationInDays",
)
SCOPE = ("ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix", "Status", "TagFilters")
SPARED = "NoncurrentVersionExpiration.NewerNoncurrentVersions"


def hazards(changes: Changes) -> list[str]:
    """A sentence for each dangerous change of a stack."""
    found = [
        *(sentence for resource in changes["resources"] for sentence in _of_resource(resource)),
        *_of_exports(changes),
        *access.opened(changes),
    ]
    return [f"{changes['name']}: {sentence}" for sentence in found]


def _of_resource(resource: Resource) -> Iterator[str]:
    name, impact = label(resource), resource["impact"]
    old, new = resource.get("old"), resource.get("new")
    if impact in GRAVE and (resource["stateful"] or resource["type"] in STATEFUL):
        causes = ", ".join(
            f"{each['name']} {change(each)}"
            for each in resource["properties"]
            if new and each["impact"] in GRAVE
        )
        yield f"{name} {IMPACTS[impact]}" + (f": {causes}" if causes else "")
    if not old or not new:
        return
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        before, after = at(old, policy), at(new, policy)
        if before not in (None, "Delete", after) and after != "Retain":
            yield f"{name}: {policy} {change({'old': before, 'new': after})}"
    for path in PROTECTIONS.get(resource["type"], []):
        before, after = at(old, f"Properties.{path}"), at(new, f"Properties.{path}")
        if before not in (*OFF, after):
            yield f"{name}: {path} {change({'old': before, 'new': after})}"
    before = _lifecycle_rules(old)
    for rule in _lifecycle_rules(new):
        expires = any(at(rule, key) is not None for key in EXPIRING)
        if expires and not any(_deletes_as_much(other, rule) for other in before):
            yield f"{name}: a lifecycle rule deletes: {text(rule)}"


def _deletes_as_much(rule: Json, other: Json) -> bool:
    """Whether a rule deletes whatever `other` deletes, and no later."""
    same = all(at(rule, key) == at(other, key) for key in (*SCOPE, SPARED))
    return same and all(_is_no_later(at(rule, key), at(other, key)) for key in EXPIRING)


def _is_no_later(one: Json, other: Json) -> bool:
    """Of two times, both days or both dates; None is never."""
    match one, other:
        case _, None:
            return True
        case int(), int():
            return one <= other
    return one == other


def _lifecycle_rules(bucket: Mapping[str, Json]) -> list[Json]:
    rules = at(bucket, "Properties.LifecycleConfiguration.Rules")
    return rules if isinstance(rules, list) else []


def _of_exports(changes: Changes) -> Iterator[str]:
    before, after = (
        {
            str(at(output, f"{side}.Export.Name")): at(output, f"{side}.Value")
            for output in changes["outputs"]
            if at(output, f"{side}.Export.Name") is not None
        }
        for side in ("old", "new")
    )
    for name, value in before.items():
        if name not in after:
            yield f"the export {name} is removed"
        elif after[name] != value:
            yield f"the export {name} {change({'old': value, 'new': after[name]})}"
