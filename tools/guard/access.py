"""Find the permissions that a change adds and the denials that a change removes."""

import re
from collections.abc import Iterator

from tools.guard.changes import Changes, Permission
from tools.guard.values import readable


def opened(changes: Changes) -> Iterator[tuple[str, str]]:
    """A logical id and a sentence for each added permission and each removed denial.

    Ignores the permissions of new roles, and the trust of new resources in AWS services.
    """
    resources = changes["resources"]
    created = tuple(
        f"${{{resource['id']}{end}"
        for resource in resources
        if resource["impact"] == "WILL_CREATE"
        for end in ("}", ".Arn}")
    )
    added = [each for resource in resources for each in resource["added"]]
    removed = [each for resource in resources for each in resource["removed"]]
    for resource in resources:
        for permission in resource["added"]:
            _, principal, _, on, _ = permission
            is_new = principal.removeprefix("AWS:") in created or (
                principal.startswith("Service:") and on.startswith(created)
            )
            if not is_new and _is_left(permission, "Allow", removed):
                yield resource["id"], _sentence(permission, "is allowed")
        for permission in resource["removed"]:
            if _is_left(permission, "Deny", added):
                yield resource["id"], _sentence(permission, "is no longer denied")
        for identity, policy in resource["attached"]:
            if identity not in created:
                yield resource["id"], readable(f"{identity} gets the managed policy {policy}")


def _is_left(permission: Permission, effect: str, others: list[Permission]) -> bool:
    """Whether a statement may have an effect that no statement of `others` may have."""
    effects = (effect, "Unknown")
    return permission[0] in effects and not any(
        other[0] in effects and _covers(other, permission) for other in others
    )


def _covers(one: Permission, other: Permission) -> bool:
    """Whether one permission includes another, according to the wildcards of both."""
    _, principal, action, resource, condition = one
    return (
        principal == other[1]
        and _matches(action.lower(), other[2].lower())
        and _matches(resource, other[3])
        and condition in ("", other[4])
    )


def _sentence(permission: Permission, verb: str) -> str:
    _, principal, action, resource, condition = permission
    if_ = f" if {condition}" if condition else ""
    return readable(f"{principal} {verb} {action} on {resource}{if_}")


def _matches(pattern: str, value: str) -> bool:
    # The wildcards of IAM. Only * matches a wildcard in `value`.
    parts = {"*": ".*", "?": "[^*]"}
    regex = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(regex, value, re.DOTALL) is not None
