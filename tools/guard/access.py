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
        principal = permission["principal"]
        is_new_role = principal.removeprefix("AWS:") in created
        is_service = principal.startswith("Service:")
        is_new = is_new_role or (is_service and permission["resource"].startswith(created))
        if not is_new and _is_missing(permission, "Allow", changes["permissions_before"]):
            yield _sentence(permission, "is allowed")
    for permission in resource["permissions_before"]:
        is_gone = permission["principal"].removeprefix("AWS:") in deleted
        if not is_gone and _is_missing(permission, "Deny", changes["permissions_after"]):
            yield _sentence(permission, "is no longer denied")


def _references(changes: Changes, impact: str) -> tuple[str, ...]:
    """The references in the template to the resources with an impact: `${Id}` and `${Id.Arn}`."""
    ids = [resource["id"] for resource in changes["resources"] if resource["impact"] == impact]
    return tuple("${" + logical_id + end for logical_id in ids for end in ("}", ".Arn}"))


def _is_missing(permission: Permission, effect: str, others: Sequence[Permission]) -> bool:
    """Whether a statement may have an effect that no statement in `others` may have."""
    effects = (effect, "Unknown")
    if permission["effect"] not in effects:
        return False
    return not any(other["effect"] in effects and _covers(other, permission) for other in others)


def _covers(wide: Permission, narrow: Permission) -> bool:
    """Whether one permission includes another."""
    return (
        wide["principal"] == narrow["principal"]
        and _matches(wide["action"].lower(), narrow["action"].lower())
        and _matches(wide["resource"], narrow["resource"])
        and wide["condition"] in ("", narrow["condition"])
    )


def _matches(pattern: str, value: str) -> bool:
    # A negated set, or an intrinsic function, equals only itself.
    if pattern.startswith(("all but ", "{")):
        return pattern == value
    # Only * is a wildcard here. A ? is compared as text: the value may contain a *, or a reference
    # such as ${Bucket.Arn}, and both stand for more than one character.
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value) is not None


def _sentence(permission: Permission, verb: str) -> str:
    condition = f" if {permission['condition']}" if permission["condition"] else ""
    action = f"{permission['action']} on {permission['resource']}"
    return f"{permission['principal']} {verb} {action}{condition}"
