"""Find the permissions that a change adds and the denials that a change removes."""

import re
from collections.abc import Iterator, Sequence

from tools.guard.changes import Changes, Permission, Resource


def opened(resource: Resource, changes: Changes) -> Iterator[str]:
    """A sentence for each permission that a resource adds, and for each denial that it removes.

    Ignores the permissions of new roles, the trust of new resources in AWS services, and the
    denials of deleted roles.
    """
    created = _references(changes, "WILL_CREATE")
    deleted = _references(changes, "WILL_DESTROY")
    for permission in resource["permissions_after"]:
        _, principal, _, on, _ = permission
        is_new = principal.removeprefix("AWS:") in created or (
            principal.startswith("Service:") and on.startswith(created)
        )
        if not is_new and _is_missing(permission, "Allow", changes["permissions_before"]):
            yield _sentence(permission, "is allowed")
    for permission in resource["permissions_before"]:
        is_gone = permission[1].removeprefix("AWS:") in deleted
        if not is_gone and _is_missing(permission, "Deny", changes["permissions_after"]):
            yield _sentence(permission, "is no longer denied")


def _references(changes: Changes, impact: str) -> tuple[str, ...]:
    """The references in the template to the resources with an impact."""
    ids = [each["id"] for each in changes["resources"] if each["impact"] == impact]
    return tuple("${" + id_ + end for id_ in ids for end in ("}", ".Arn}"))


def _is_missing(permission: Permission, effect: str, others: Sequence[Permission]) -> bool:
    """Whether a statement may have an effect that no statement of `others` may have."""
    effects = (effect, "Unknown")
    return permission[0] in effects and not any(
        other[0] in effects and _covers(other, permission) for other in others
    )


def _covers(one: Permission, other: Permission) -> bool:
    """Whether one permission includes another."""
    _, principal, action, resource, condition = one
    return (
        principal == other[1]
        and _matches(action.lower(), other[2].lower())
        and _matches(resource, other[3])
        and condition in ("", other[4])
    )


def _matches(pattern: str, value: str) -> bool:
    # A negated set, or an intrinsic function, equals only itself.
    if pattern.startswith(("all but ", "{")):
        return pattern == value
    # Only * is a wildcard here. A ? is compared as text: the value may contain a *, or a reference
    # such as ${Bucket.Arn}, and both stand for more than one character.
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value) is not None


def _sentence(permission: Permission, verb: str) -> str:
    _, principal, action, resource, condition = permission
    if_ = f" if {condition}" if condition else ""
    return f"{principal} {verb} {action} on {resource}{if_}"
