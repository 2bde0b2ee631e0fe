"""Rules that find destructive changes of properties, for all resource types.

CloudFormation gives properties of the same meaning the same name in most types, so a rule
names only the property.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

from tools.assembly import Json, at
from tools.guard import lifecycle

type Check = Callable[[Json, Json], bool]

# Properties that name an element of a list, e.g. a replica of a table.
NAMES = ("Region", "IndexName", "Id", "Name")


def changed(old: Json, new: Json) -> bool:
    """A value was set, and is different or removed."""
    return old is not None and old != new


def removed(old: Json, new: Json) -> bool:
    """A value was set, and is removed."""
    return old is not None and new is None


def added(old: Json, new: Json) -> bool:
    """A value was not set, and is set."""
    return old is None and new is not None


def differs(old: Json, new: Json) -> bool:
    """A value was set, removed or changed."""
    return old != new


def switched_off(old: Json, new: Json) -> bool:
    """A setting was on, and is off or removed."""
    return _is_on(old) and not _is_on(new)


def switched_on(old: Json, new: Json) -> bool:
    """A setting is on, and was off or had other values."""
    return _is_on(new) and old != new


def retained_less(old: Json, new: Json) -> bool:
    """A DeletionPolicy or UpdateReplacePolicy protects data less than before."""
    return old not in (None, "Delete", new) and new != "Retain"


def shortened(default: float) -> Check:
    """A check for a shorter time; `default` applies if the time is not set."""
    return lambda old, new: _number(new, default) < _number(old, default)


def two_at_a_time(old: Json, new: Json) -> bool:
    """More than one element of a list is added or removed; one update allows only one."""
    return bool(old and new) and len(_children(old).keys() ^ _children(new).keys()) > 1


# The first pattern that matches the path of a property decides. Patterns match whole names.
RULES: Mapping[str, Check] = {
    # Data is deleted, with the resource or sooner. The defaults are from the template reference
    # (AWS::SQS::Queue, AWS::Kinesis::Stream, AWS::KMS::Key, AWS::RDS::DBInstance and
    # AWS::DynamoDB::Table); other data is retained without limit by default.
    r"DeletionPolicy|UpdateReplacePolicy": retained_less,
    r"\w*[pP]rotection(Enabled)?": switched_off,
    r"EmptyOnDelete|TimeToLiveSpecification": switched_on,
    r"LifecyclePolicy": lifecycle.images_expire_sooner,
    r"MessageRetentionPeriod": shortened(345600),
    r"RetentionPeriodHours": shortened(24),
    r"PendingWindowInDays": shortened(30),
    r"BackupRetentionPeriod": shortened(1),
    r"RecoveryPeriodInDays": shortened(35),
    r"\w*Retention\w*": shortened(inf),
    r"PointInTimeRecoveryEnabled": switched_off,
    r"ObjectLock\w*|GenerateSecretString": changed,
    r"(Replicas|\w*SecondaryIndexes)\[.*\]": removed,
    # The deploy fails half-way (template reference of AWS::DynamoDB::Table and GlobalTable).
    r"Replicas|GlobalSecondaryIndexes": two_at_a_time,
    r"stackName|environment": changed,
    # Data cannot be read, at once or without permissions on another key.
    r"Tierings\[.*\]": added,
    r"\w*K(ms|MS)(Master)?Key(I[dD]|Arn|Identifier)?": differs,
    # Consumers get no events. Rules, schedules, event source mappings and KMS keys have `State` or
    # `Enabled`; bucket versioning has `Status`.
    r"(?<!TimeToLiveSpecification\.)Enabled|State|Status|EventBridgeEnabled": switched_off,
    r"NotificationConfiguration\.\w+\[.*\]|KinesisStreamSpecification": removed,
    r"RedrivePolicy|DeadLetterConfig|OnFailure": removed,
    r"StreamViewType": changed,
    # Data is less protected from access and from being overwritten.
    r"\w*Encrypt\w*|SSE\w*|OwnershipControls|ImageTagMutability|PermissionsBoundary": changed,
    r"(Block|Ignore|Restrict)Public\w+|EnableKeyRotation": switched_off,
}


def destructive(old: Json, new: Json, path: str = "") -> Iterator[str]:
    """A sentence for each destructive change of the property at a path or of a property within."""
    if path.endswith("LifecycleConfiguration"):
        for rule in lifecycle.sooner(old, new):
            yield f"a lifecycle rule deletes or archives: {text(rule)}"
        return
    rule = next((rule for rule in RULES if re.search(rf"(^|\.)({rule})$", path)), "")
    if rule and RULES[rule](old, new):
        yield f"{path.removeprefix('Properties.')} {change(old, new)}"
        return
    before, after = _children(old), _children(new)
    for name in sorted({*before, *after}):
        inner = path + name if name.startswith("[") else f"{path}.{name}".removeprefix(".")
        yield from destructive(before.get(name), after.get(name), inner)


def change(old: Json, new: Json) -> str:
    """A description such as `changes from "Enabled" to nothing`."""
    return f"changes from {text(old)} to {text(new)}"


def text(value: Json) -> str:
    """JSON on one line with sorted keys, or `nothing` for None."""
    return "nothing" if value is None else json.dumps(value, sort_keys=True)


def _children(value: Json) -> Mapping[str, Json]:
    """The values within a mapping or list, by name; an element without a name has its text."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) or not isinstance(value, Sequence):
        return {}
    names = [[at(element, name) for name in NAMES] for element in value]
    return {
        f"[{next(filter(None, own), None) or text(element)}]": element
        for own, element in zip(names, value, strict=True)
    }


def _is_on(value: Json) -> bool:
    if isinstance(value, Mapping):
        value = value.get("Enabled")
    return str(value).lower() in ("true", "enabled", "active", "on")


def _number(value: Json, default: float) -> float:
    if value is None:
        return default
    try:
        return float(str(value))
    except ValueError:  # not a time
        return inf
