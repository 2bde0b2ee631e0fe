"""Checks that find destructive property changes, for all resource types.

CloudFormation gives properties with the same meaning the same name in most types, so a check names
only the property. For example, the check

    r"ImageTagMutability|PermissionsBoundary": changed_or_removed

matches each resource's `ImageTagMutability` property. If the value changes from "IMMUTABLE" to
"MUTABLE", `changed_or_removed` returns True, and the guard prints

    ImageTagMutability changes from "IMMUTABLE" to "MUTABLE"

To add a check, add a line to CHECKS and a change to DESTRUCTIVE in
tests/tools/guard/test_checks.py. Properties whose changes replace a resource need no check: AWS's
specification names them.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import inf

from tools.cdk_cli.assembly import Json, at

# Whether the change from an old to a new value is destructive. None means not set.
type Check = Callable[[Json, Json], bool]
# Whether the change at a path matters. List elements have the same path, for example `Replicas[]`.
type Judge = Callable[[str, Json, Json], bool]

# Properties that name a list element, e.g. a table replica.
NAMES = ("Region", "IndexName", "AttributeName", "Id", "Name")
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


def disabled(old: Json, new: Json) -> bool:
    """A setting that is on by default is switched off."""
    return new is not None and not _is_on(new) and (old is None or _is_on(old))


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


def filters_more(old: Json, new: Json) -> bool:
    """An event filter is added, or may match fewer events."""
    return new is not None and not _selects_all(new, {} if old is None else old)


def matches_less(old: Json, new: Json) -> bool:
    """An event pattern is removed, or may match fewer events."""
    return new is None or (old is not None and filters_more(old, new))


def set_to_zero(old: Json, new: Json) -> bool:
    """A number was not zero or not set, and is zero."""
    return str(new) == "0" != str(old)


def several_added_or_removed(old: Json, new: Json) -> bool:
    """More than one list element is added or removed; one update allows only one."""
    return bool(old and new) and len(_children(old).keys() ^ _children(new).keys()) > 1


# Maps the end of a property path to the check for its values. A path is, for example,
# `Properties.VersioningConfiguration.Status` or `Properties.Replicas[].KmsKeyId`. Only the first
# pattern that matches is used, so a specific pattern comes before a general one. A pattern that
# ends with `.*` also matches the properties within.
CHECKS: Mapping[str, Check] = {
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
    r"ObjectLock\w+|GenerateSecretString": changed_or_removed,
    r"(Replicas|GlobalSecondaryIndexes)\[\]": removed,
    # The deploy may fail after some changes (template reference, AWS::DynamoDB::Table and
    # AWS::DynamoDB::GlobalTable).
    r"Replicas|GlobalSecondaryIndexes": several_added_or_removed,
    r"stackName|environment": changed_or_removed,
    # Data cannot be read, at once or without permissions on another key.
    r"Tierings\[\]": added_or_changed,
    r"\w*K(ms|MS)(Master)?Key\w*": differs,
    # Consumers get no events. By default, rules, schedules, event source mappings, KMS keys and
    # alarm actions are enabled (template reference); bucket versioning is not.
    r"Properties\.(Enabled|State|ActionsEnabled)": disabled,
    r"Enabled|State|Status|EventBridgeEnabled": switched_off,
    r"EventPattern": matches_less,
    r"FilterPolicy|FilterCriteria|FilterPattern": filters_more,
    r"(Targets|\w+Actions|Subscription|NotificationConfiguration\.\w+)\[\]": removed,
    r"KinesisStreamSpecification|RedrivePolicy|DeadLetterConfig|OnFailure": removed,
    r"ScheduleExpression": removed,
    r"StreamViewType|EventBusName|TopicArn": changed_or_removed,
    # Zero is the documented way to stop all invocations of a function, or all tasks of a service.
    r"ReservedConcurrentExecutions|DesiredCount": set_to_zero,
    # Data is less protected from access and from being overwritten.
    r"\w*Encrypt\w*|SSE\w*|OwnershipControls": changed_or_removed,
    r"ImageTagMutability|PermissionsBoundary": changed_or_removed,
    r"(Block|Ignore|Restrict)Public\w+|EnableKeyRotation": switched_off,
}


def destructive_property_changes(old: Json, new: Json) -> Iterator[str]:
    """A sentence for each destructive change to a resource, or to settings, or within."""
    for sentence in find(_is_destructive, old, new):
        yield sentence.removeprefix("Properties.")


def _is_destructive(path: str, old: Json, new: Json) -> bool:
    for end, check in CHECKS.items():
        if re.search(rf"(^|\.)({end})$", path):
            return check(old, new)
    return False


def find(judge: Judge, old: Json, new: Json, path: str = "", shown: str = "") -> Iterator[str]:
    """A sentence for each difference between two values that matters, the outermost ones.

    Does not search within a list element that is added or removed. `shown` is the path with the
    names of list elements, for example `Replicas[us-east-1].KmsKeyId`.
    """
    if old == new:
        return
    if judge(path, old, new):
        yield f"{shown} {describe(old, new)}"
    elif not (path.endswith("[]") and None in (old, new)):
        before, after = _children(old), _children(new)
        for name in sorted({*before, *after}):
            if name.startswith("["):
                inner = f"{path}[]", f"{shown}{name}"
            else:
                inner = f"{path}.{name}".lstrip("."), f"{shown}.{name}".lstrip(".")
            yield from find(judge, before.get(name), after.get(name), *inner)


def describe(old: Json, new: Json) -> str:
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
    """Whether lifecycle settings differ at most in more days or images."""
    if LIMIT.sub("", text(old)) != LIMIT.sub("", text(new)):
        return False
    limits = zip(LIMIT.findall(text(old)), LIMIT.findall(text(new)), strict=True)
    return all(int(before) <= int(after) for before, after in limits)


def _selects_all(wide: Json, narrow: Json) -> bool:
    """Whether an event pattern matches each event that another matches."""
    if isinstance(wide, Mapping) and isinstance(narrow, Mapping):
        return all(key in narrow and _selects_all(wide[key], narrow[key]) for key in wide)
    if isinstance(wide, list) and isinstance(narrow, list):
        return all(value in wide for value in narrow)
    return wide == narrow


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
