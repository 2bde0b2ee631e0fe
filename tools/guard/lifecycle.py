"""Find lifecycle rules that delete or archive sooner than before."""

import re
from collections.abc import Iterator

from tools.assembly import Json, at

# Properties for the time at which a rule of a bucket deletes objects or noncurrent versions.
EXPIRING = (
    "ExpirationDate",
    "ExpirationInDays",
    "NoncurrentVersionExpiration.NoncurrentDays",
    "NoncurrentVersionExpirationInDays",
)
# Classes from which an object must be restored, for hours, before it can be read. Transitions of
# noncurrent versions are not checked: an application does not read noncurrent versions.
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
# Properties that select the objects of a rule and the noncurrent versions to retain.
SCOPE = (
    *("ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix", "TagFilters"),
    "NoncurrentVersionExpiration.NewerNoncurrentVersions",
)


def sooner(old: Json, new: Json) -> Iterator[Json]:
    """The new rules of a bucket that delete or archive objects sooner than every old rule."""
    before = _rules(old)
    for rule in _rules(new):
        if _times(rule) and not any(_includes(other, rule) for other in before):
            yield rule


def images_expire_sooner(old: Json, new: Json) -> bool:
    """Whether the rules of a repository differ in more than a higher count of days or images."""
    count = re.compile(r'(?<="countNumber":)\d+')
    before, after = (
        re.sub(r"\s", "", str(at(value, "LifecyclePolicyText") or "")) for value in (old, new)
    )
    if not after or count.sub("", before) != count.sub("", after):
        return bool(after)
    numbers = zip(count.findall(before), count.findall(after), strict=True)
    return any(int(new_count) < int(old_count) for old_count, new_count in numbers)


def _rules(configuration: Json) -> list[Json]:
    rules = at(configuration, "Rules")
    return rules if isinstance(rules, list) else []


def _times(rule: Json) -> dict[str, Json]:
    """The days or dates at which a rule deletes or archives, by property or storage class."""
    if at(rule, "Status") == "Disabled":
        return {}
    times = {key: at(rule, key) for key in EXPIRING}
    transitions = at(rule, "Transitions")
    for each in transitions if isinstance(transitions, list) else [at(rule, "Transition")]:
        if (storage_class := str(at(each, "StorageClass"))) in ARCHIVES:
            days = at(each, "TransitionInDays")
            times[storage_class] = at(each, "TransitionDate") if days is None else days
    return {key: time for key, time in times.items() if time is not None}


def _includes(rule: Json, other: Json) -> bool:
    """Whether a rule deletes and archives the objects of `other`, and no later than `other`."""
    own = _times(rule)
    return all(at(rule, key) == at(other, key) for key in SCOPE) and all(
        key in own and _is_no_later(own[key], time) for key, time in _times(other).items()
    )


def _is_no_later(one: Json, other: Json) -> bool:
    # Two dates are compared for equality only.
    return one <= other if isinstance(one, int) and isinstance(other, int) else one == other
