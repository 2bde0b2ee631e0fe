"""Who may do more after a change than before it: IAM statements, compared grant by grant."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from tools.guard.changes import Changes, Statement, Targets
from tools.guard.words import readable, text


class Grant(NamedTuple):
    """One action of one principal on one resource, under a condition ("" for none)."""

    principal: str
    action: str
    resource: str
    condition: str

    def covers(self, other: "Grant") -> bool:
        """Whether `other` is a part of this, as far as wildcards tell."""
        return (
            self.condition in ("", other.condition)
            and self.principal == other.principal
            and _matches(self.action.lower(), other.action.lower())
            and _matches(self.resource, other.resource)
        )


def opened(changes: Changes) -> Iterator[str]:
    """A sentence for each grant that is new, and for each denial that is gone.

    What a new role may do is no widening, nor is it that a service of AWS may assume it; whoever
    else may use something new, is one.
    """
    created = tuple(
        f"${{{resource['id']}{end}"
        for resource in changes["resources"]
        if resource["impact"] == "WILL_CREATE"
        for end in ("}", ".Arn}")
    )

    def is_new(grant: Grant) -> bool:
        by_service = grant.principal.startswith("Service:") and grant.resource.startswith(created)
        return by_service or grant.principal.removeprefix("AWS:") in created

    before = _grants(changes["removed"], other_than="Deny")
    for grant in _grants(changes["added"], other_than="Deny"):
        if not is_new(grant) and not any(old.covers(grant) for old in before):
            yield _sentence(grant, "may")
    after = _grants(changes["added"], other_than="Allow")
    for denial in _grants(changes["removed"], other_than="Allow"):
        if not any(new.covers(denial) for new in after):
            yield _sentence(denial, "is no longer denied")
    for attachment in changes["attached"]:
        if attachment["identityArn"] not in created:
            policy = attachment["managedPolicyArn"]
            yield readable(f"{attachment['identityArn']} gets the managed policy {policy}")


def targets(found: Targets) -> str:
    """Which principals, actions or resources a statement names."""
    return ("all but " if found["not"] else "") + readable(", ".join(sorted(found["values"])))


def condition(statement: Statement) -> str:
    """Under which condition a statement holds; "" if always."""
    found = statement.get("condition")
    return text(found) if found else ""


def _grants(statements: Iterable[Statement], other_than: str) -> list[Grant]:
    return [
        Grant(*each, condition(statement))
        for statement in statements
        if statement["effect"] != other_than
        for each in product(
            _each(statement["principals"]),
            _each(statement["actions"]),
            _each(statement["resources"]),
        )
    ]


def _each(found: Targets) -> list[str]:
    # All but some is like nothing but itself.
    return [targets(found)] if found["not"] else [*found["values"]]


def _sentence(grant: Grant, verb: str) -> str:
    always = f"{grant.principal} {verb} {grant.action} on {grant.resource}"
    return readable(always + (f" if {grant.condition}" if grant.condition else ""))


def _matches(pattern: str, value: str) -> bool:
    # The wildcards of IAM; what is a wildcard in `value` only a * covers.
    parts = {"*": ".*", "?": "[^*]"}
    regex = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(regex, value, re.DOTALL) is not None
