"""Permissions that a change adds: IAM statements, compared permission by permission."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from tools.guard.changes import Changes, Statement, Targets
from tools.guard.values import readable, text


class Permission(NamedTuple):
    """One action of one principal on one resource, under a condition ("" for none)."""

    principal: str
    action: str
    resource: str
    condition: str

    def covers(self, other: "Permission") -> bool:
        """Whether this permission includes `other`, according to the wildcards of both."""
        return (
            self.condition in ("", other.condition)
            and self.principal == other.principal
            and _matches(self.action.lower(), other.action.lower())
            and _matches(self.resource, other.resource)
        )

    def sentence(self, verb: str) -> str:
        """For example `AWS:${Role} is allowed s3:GetObject on arn:aws:s3:::data/*`."""
        condition = f" if {self.condition}" if self.condition else ""
        return readable(f"{self.principal} {verb} {self.action} on {self.resource}{condition}")


def opened(changes: Changes) -> Iterator[tuple[str, str]]:
    """A logical id and a sentence for each permission that is added, and denial that is removed.

    Ignores the permissions of new roles, and the trust of new resources in AWS services.
    """
    resources = changes["resources"]
    created = tuple(
        f"${{{resource['id']}{end}"
        for resource in resources
        if resource["impact"] == "WILL_CREATE"
        for end in ("}", ".Arn}")
    )

    def is_new(permission: Permission) -> bool:
        by_service = permission.principal.startswith("Service:")
        return permission.principal.removeprefix("AWS:") in created or (
            by_service and permission.resource.startswith(created)
        )

    removed = [each for resource in resources for each in resource["removed"]]
    added = [each for resource in resources for each in resource["added"]]
    before, after = _permissions(removed, "Allow"), _permissions(added, "Deny")
    for resource in resources:
        for permission in _permissions(resource["added"], "Allow"):
            if not is_new(permission) and not any(old.covers(permission) for old in before):
                yield resource["id"], permission.sentence("is allowed")
        for denial in _permissions(resource["removed"], "Deny"):
            if not any(new.covers(denial) for new in after):
                yield resource["id"], denial.sentence("is no longer denied")
        for each in resource["attached"]:
            if each["identityArn"] not in created:
                policy = f"gets the managed policy {each['managedPolicyArn']}"
                yield resource["id"], readable(f"{each['identityArn']} {policy}")


def _permissions(statements: Iterable[Statement], effect: str) -> list[Permission]:
    return [
        Permission(*each, text(statement["condition"]) if statement.get("condition") else "")
        for statement in statements
        if statement["effect"] in (effect, "Unknown")
        for each in product(
            _values(statement["principals"]),
            _values(statement["actions"]),
            _values(statement["resources"]),
        )
    ]


def _values(targets: Targets) -> Iterable[str]:
    # A negated set equals only itself.
    return [f"all but {', '.join(targets['values'])}"] if targets["not"] else targets["values"]


def _matches(pattern: str, value: str) -> bool:
    # The wildcards of IAM. A wildcard in `value` is matched by * only.
    parts = {"*": ".*", "?": "[^*]"}
    regex = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(regex, value, re.DOTALL) is not None
