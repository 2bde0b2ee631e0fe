"""Rules that find destructive property changes, for all resource types.

CloudFormation gives properties with the same meaning the same name in most types, so a rule names
only the property. For example, the rule

    r"ImageTagMutability|PermissionsBoundary": changed_or_removed

matches each resource's `ImageTagMutability` property. If the value changes from "IMMUTABLE" to
"MUTABLE", `changed_or_removed` returns True, and the guard prints

    ImageTagMutability changes from "IMMUTABLE" to "MUTABLE"

To add a rule, add a line to RULES and a change to DESTRUCTIVE in tests/tools/guard/test_rules.py.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import inf

from tools.cdk_cli.assembly import Json, at

# Whether the change from an old to a new value is destructive. None means not set.
type Check = Callable[[Json, Json], bool]

# Properties that name a list element, e.g. a table replica.
NAMES = ("Region", "IndexName", "Id", "Name")
# Objects in these storage classes must be restored, for hours, before an application can read them.
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
# The numbers of days and images in the JSON of lifecycle rules.
LIMIT = re.compile(r"(?:Days|countNumber)\W+(\d+)")


def removed(old: Json, new: Json) -> bool:
    """A value was set, and is removed."""
    return old is not None and new is None


def changed_or_removed(old: Json, new: Json) -> bool:
    """A value was set, and is different or removed."""
    return old is not None and old != new


def added_or_changed(old: Json, new: Json) -> bool:
    """A value is set, and was different or not set."""
    return new is not None and old != new


def differs(old: Json, new: Json) -> bool:
    """A value is added, changed or removed."""
    return old != new


def switched_off(old: Json, new: Json) -> bool:
    """A setting was on, and is off or removed."""
    return _is_on(old) and not _is_on(new)


def switched_on(old: Json, new: Json) -> bool:
    """A setting is on, and was off or had other values."""
    return _is_on(new) and old != new


def shortened(default: float) -> Check:
    """A check for a shorter time; `default` applies if the time is not set."""
    return lambda old, new: _number(new, default) < _number(old, default)


def retained_less(old: Json, new: Json) -> bool:
    """A DeletionPolicy or UpdateReplacePolicy protects data less than before."""
    return old not in (None, "Delete", new) and new != "Retain"


def expires_or_archives(old: Json, new: Json) -> bool:
    """A bucket lifecycle rule is added or changed, and deletes or archives objects.

    Ignores changes to more days. Ignores noncurrent version transitions, because applications do
    not read those versions.
    """
    if not isinstance(new, Mapping) or new.get("Status") == "Disabled" or _is_later(old, new):
        return False
    transitions = [*_children(new.get("Transitions")).values(), new.get("Transition")]
    return any("Expiration" in name for name in new) or any(
        at(transition, "StorageClass") in ARCHIVES for transition in transitions
    )


def expires_images(old: Json, new: Json) -> bool:
    """A repository lifecycle policy is added or changed, except to more days or images."""
    return new is not None and not _is_later(old, new)


def several_added_or_removed(old: Json, new: Json) -> bool:
    """More than one list element is added or removed; one update allows only one."""
    return bool(old and new) and len(_children(old).keys() ^ _children(new).keys()) > 1


# Maps the end of a property path to the check for its values. A path is, for example,
# `Properties.VersioningConfiguration.Status` or `Properties.Replicas[us-east-1].KmsKeyId`. Only the
# first pattern that matches is used, so a specific pattern comes before a general one. A pattern
# that ends with `.*` also matches the properties within.
RULES: Mapping[str, Check] = {
    # Data is deleted, with the resource or sooner. The defaults are from the template reference
    # (AWS::SQS::Queue, AWS::Kinesis::Stream, AWS::KMS::Key, AWS::RDS::DBInstance and
    # AWS::DynamoDB::Table); other data is retained without limit by default.
    r"DeletionPolicy|UpdateReplacePolicy": retained_less,
    r"\w*Protection(Enabled)?": switched_off,
    r"EmptyOnDelete|TimeToLiveSpecification.*": switched_on,
    r"LifecycleConfiguration\..*": expires_or_archives,
    r"LifecyclePolicyText": expires_images,
    r"MessageRetentionPeriod": shortened(345600),
    r"RetentionPeriodHours": shortened(24),
    r"PendingWindowInDays": shortened(30),
    r"BackupRetentionPeriod": shortened(1),
    r"RecoveryPeriodInDays": shortened(35),
    r"\w*Retention\w*": shortened(inf),
    r"PointInTimeRecoveryEnabled": switched_off,
    r"ObjectLock\w*|GenerateSecretString": changed_or_removed,
    r"(Replicas|\w*SecondaryIndexes)\[.*\]": removed,
    # The deploy may fail after some changes (template reference, AWS::DynamoDB::Table and
    # AWS::DynamoDB::GlobalTable).
    r"Replicas|GlobalSecondaryIndexes": several_added_or_removed,
    r"stackName|environment": changed_or_removed,
    # Data cannot be read, at once or without permissions on another key.
    r"Tierings\[.*\]": added_or_changed,
    r"\w*K(ms|MS)(Master)?Key\w*": differs,
    # Consumers get no events. Rules, schedules, event source mappings and KMS keys have `State` or
    # `Enabled`; bucket versioning has `Status`.
    r"Enabled|State|Status|EventBridgeEnabled": switched_off,
    r"NotificationConfiguration\.\w+\[.*\]|KinesisStreamSpecification": removed,
    r"RedrivePolicy|DeadLetterConfig|OnFailure": removed,
    r"StreamViewType": changed_or_removed,
    # Data is less protected from access and from being overwritten.
    r"\w*Encrypt\w*|SSE\w*|OwnershipControls": changed_or_removed,
    r"ImageTagMutability|PermissionsBoundary": changed_or_removed,
    r"(Block|Ignore|Restrict)Public\w+|EnableKeyRotation": switched_off,
}


def destructive_property_changes(old: Json, new: Json, path: str = "") -> Iterator[str]:
    """A sentence for each destructive change to the property at a path or a property within."""
    checks = (check for end, check in RULES.items() if re.search(rf"(^|\.)({end})$", path))
    check = next(checks, None)
    if check and check(old, new):
        yield f"{path.removeprefix('Properties.')} {change(old, new)}"
        return
    before, after = _children(old), _children(new)
    for name in sorted({*before, *after}):
        inner = path + name if name.startswith("[") else f"{path}.{name}".removeprefix(".")
        yield from destructive_property_changes(before.get(name), after.get(name), inner)


def change(old: Json, new: Json) -> str:
    """A description such as `changes from "Enabled" to nothing`."""
    return f"changes from {text(old)} to {text(new)}"


def text(value: Json) -> str:
    """JSON on one line with sorted keys, or `nothing` for None."""
    return "nothing" if value is None else json.dumps(value, sort_keys=True)


def _children(value: Json) -> Mapping[str, Json]:
    """The values within a mapping or list, by name; an element without a name has its text."""
    if isinstance(value, list):
        return {f"[{_name(element)}]": element for element in value}
    return value if isinstance(value, Mapping) else {}


def _name(element: Json) -> Json:
    names = (at(element, name) for name in NAMES)
    return next((name for name in names if name), text(element))


def _is_later(old: Json, new: Json) -> bool:
    """Whether lifecycle rules differ at most in more days or images."""
    if LIMIT.sub("", text(old)) != LIMIT.sub("", text(new)):
        return False
    earlier = [int(number) for number in LIMIT.findall(text(old))]
    later = [int(number) for number in LIMIT.findall(text(new))]
    return all(before <= after for before, after in zip(earlier, later, strict=True))


def _is_on(value: Json) -> bool:
    if isinstance(value, Mapping):  # TimeToLiveSpecification
        value = value.get("Enabled")
    return str(value).lower() in ("true", "enabled", "active", "on")


def _number(value: Json, default: float) -> float:
    if value is None:
        return default
    try:
        return float(str(value))
    except ValueError:  # not a time
        return inf
