"""Find the permissions that a change adds and the denials that a change removes."""

import json
import re
from collections.abc import Iterator, Sequence

from tools.cdk_cli.assembly import at, construct_path
from tools.guard.changes import Changes, Permission, Resource
from tools.guard.locations import members

# An account, or its root user: whoever its IAM policies allow.
ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
# The name in an export such as `wealth-ops-identity-dev:LambdaExecutionRoleArn`.
EXPORT = re.compile(r'Fn::ImportValue[\\":]+(?:[^"\\]*:)?(\w+?)(?:Arn|Name)?[\\"]')
OWN_ROOT = re.compile(r"arn:[^:]+:iam::\$\{AWS::AccountId\}:root")


def opened(resource: Resource, changes: Changes) -> Iterator[str]:
    """A sentence for the permissions that a resource adds, and for the denials that it removes.

    Ignores the permissions of new roles, the access of AWS services and of this account to new
    resources, and the denials of deleted roles.
    """
    created = _references(changes, "WILL_CREATE")
    deleted = _references(changes, "WILL_DESTROY")
    allowed = []
    for permission in resource["permissions_after"]:
        principal = permission["principal"]
        is_new_role = principal.removeprefix("AWS:") in created
        is_on_new = permission["resource"].startswith(created)
        is_new = is_new_role or (is_on_new and _is_inside(principal, changes))
        if not is_new and _is_missing(permission, "Allow", changes["permissions_before"]):
            allowed.append(permission)
    undenied = [
        permission
        for permission in resource["permissions_before"]
        if permission["principal"].removeprefix("AWS:") not in deleted
        and _is_missing(permission, "Deny", changes["permissions_after"])
    ]
    yield from _sentences(allowed, "is allowed", changes)
    yield from _sentences(undenied, "is no longer denied", changes)


def _is_inside(principal: str, changes: Changes) -> bool:
    """Whether a principal is an AWS service, or certainly in this account."""
    kind, _, who = principal.partition(":")
    if kind != "AWS":
        return kind == "Service"
    environment = str(at(changes["new"], "Settings.environment")).removeprefix("aws://")
    account = environment.partition("/")[0]
    is_name = re.fullmatch(r"(?!\d{12}$)[\w+=,.@-]+", who) is not None
    reference = re.match(r"\$\{(\w+)[}.]", who)
    return (
        is_name
        or any(own in who for own in ("${AWS::AccountId}", f":{account}:", "Fn::ImportValue"))
        or (reference is not None and reference[1] in members(changes["new"], "Resources"))
    )


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


def _sentences(permissions: Sequence[Permission], verb: str, changes: Changes) -> Iterator[str]:
    """One sentence for the actions of each principal on each resource."""
    actions: dict[tuple[str, str, str], list[str]] = {}
    for permission in permissions:
        principal = _principal(permission["principal"], changes)
        resource = _readable(permission["resource"], changes)
        key = principal, resource, permission["condition"]
        actions.setdefault(key, []).append(_readable(permission["action"], changes))
    for (principal, resource, condition), names in actions.items():
        when = f" if {condition}" if condition else ""
        yield f"{principal} {verb} {', '.join(names)} on {resource}{when}"


def _principal(principal: str, changes: Changes) -> str:
    """A principal as a person would name it, such as `LambdaExecutionRole` or `account root`."""
    who = re.sub("^(AWS|Service|Federated):", "", principal)
    who = _readable(who, changes)
    if account := ACCOUNT.fullmatch(who):
        return f"account {account[1]}"
    if OWN_ROOT.fullmatch(who):
        return "account root"
    return "everyone" if who == "*" else who


def _readable(value: str, changes: Changes) -> str:
    """Text with names of constructs and exports in place of references to them."""
    value = value.replace("${AWS::Partition}", "aws")
    start = value.find('{"Fn::')
    if start < 0:
        return re.sub(r"\$\{(\w+)(\.Arn)?\}", lambda match: _construct(match, changes), value)
    _, end = json.JSONDecoder().raw_decode(value, start)
    exported = EXPORT.search(value, start, end)
    name = exported[1] if exported else value[start:end]
    return _readable(value[:start], changes) + name + _readable(value[end:], changes)


def _construct(reference: re.Match[str], changes: Changes) -> str:
    """The construct that `${Id}` or `${Id.Arn}` refers to, without its stack."""
    for template in (changes["new"], changes["old"]):
        if reference[1] in members(template, "Resources"):
            path = construct_path(template, reference[1])
            return path.partition("/")[2] or path
    return reference[0]
