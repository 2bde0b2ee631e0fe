"""Find the permissions that a change adds and the denials that a change removes.

A permission refers to a resource as `${Bucket}` or `${Bucket.Arn}`, and to an imported export as
`${wealth-ops-identity-dev:LambdaExecutionRoleArn}`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from tools.cdk_cli.assembly import at
from tools.guard.changes import Change
from tools.guard.resources import Permission, Resource

# An account, or its root user: whoever its IAM policies allow.
ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
OWN_ACCOUNT = "arn:aws:iam::${AWS::AccountId}:root"
# The name of a user or role, and no account.
NAME = re.compile(r"(?!\d{12}$)[\w+=,.@-]+")
REFERENCE = re.compile(r"\$\{([^}.]+)[^}]*\}")
EXPORT = re.compile(r"[\w-]+:(\w+?)(Arn|Name)?")


def opened(logical_id: str, change: Change) -> Iterator[str]:
    """A sentence for the permissions that a resource adds, and for the denials that it removes.

    Ignores the permissions of new roles, the access of AWS services and of this account to new
    resources, and the denials of deleted roles.
    """
    allowed = [
        permission
        for permission in _permissions(change.after, logical_id)
        if _is_missing(permission, "Allow", change.before) and not _is_of_new(permission, change)
    ]
    undenied = [
        permission
        for permission in _permissions(change.before, logical_id)
        if _is_missing(permission, "Deny", change.after)
        and not _is_one_of(permission["principal"], change.removed)
    ]
    yield from _sentences(allowed, "is allowed", change)
    yield from _sentences(undenied, "is no longer denied", change)


def _permissions(resources: Mapping[str, Resource], logical_id: str) -> Sequence[Permission]:
    return resources[logical_id].permissions if logical_id in resources else ()


def _is_of_new(permission: Permission, change: Change) -> bool:
    """Whether a new role has the permission, or this account or AWS has it on a new resource."""
    principal = permission["principal"]
    is_on_new = _is_one_of(permission["resource"], change.added)
    return _is_one_of(principal, change.added) or (is_on_new and _is_inside(principal, change))


def _is_one_of(value: str, resources: Sequence[Resource]) -> bool:
    """Whether a principal or an ARN begins with a reference to one of these resources."""
    return _referenced(value) in [resource.logical_id for resource in resources]


def _referenced(value: str) -> str:
    """The logical id or export with which a principal or an ARN begins; otherwise ""."""
    reference = REFERENCE.match(value.removeprefix("AWS:"))
    return reference[1] if reference else ""


def _is_inside(principal: str, change: Change) -> bool:
    """Whether a principal is an AWS service, or certainly in this account."""
    kind, _, who = principal.partition(":")
    if kind != "AWS":
        return kind == "Service"
    environment = str(at(change.new, "Settings.environment")).removeprefix("aws://")
    account = environment.partition("/")[0]
    referenced = _referenced(who)
    is_named = NAME.fullmatch(who) or EXPORT.fullmatch(referenced) or referenced in change.after
    return bool(is_named) or "${AWS::AccountId}" in who or f":{account}:" in who


def _is_missing(permission: Permission, effect: str, others: Mapping[str, Resource]) -> bool:
    """Whether a statement may have an effect that no statement of other resources may have."""
    effects = (effect, "Unknown")
    return permission["effect"] in effects and not any(
        other["effect"] in effects and _covers(other, permission)
        for resource in others.values()
        for other in resource.permissions
    )


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


def _sentences(permissions: Sequence[Permission], verb: str, change: Change) -> Iterator[str]:
    """One sentence for the actions of each principal on each resource."""
    actions: dict[tuple[str, str, str], list[str]] = {}
    for permission in permissions:
        principal = _principal(permission["principal"], change)
        resource = _readable(permission["resource"], change)
        key = principal, resource, permission["condition"]
        actions.setdefault(key, []).append(_readable(permission["action"], change))
    for (principal, resource, condition), names in actions.items():
        when = f" if {condition}" if condition else ""
        yield f"{principal} {verb} {', '.join(names)} on {resource}{when}"


def _principal(principal: str, change: Change) -> str:
    """A principal as a person would name it, such as `LambdaExecutionRole` or `account root`."""
    who = _readable(re.sub("^(AWS|Service|Federated):", "", principal), change)
    if account := ACCOUNT.fullmatch(who):
        return f"account {account[1]}"
    return {"*": "everyone", OWN_ACCOUNT: "account root"}.get(who, who)


def _readable(value: str, change: Change) -> str:
    """Text with names of constructs and exports in place of references to them."""
    value = value.replace("${AWS::Partition}", "aws")
    return REFERENCE.sub(lambda match: _name(match[1], change) or match[0], value)


def _name(reference: str, change: Change) -> str | None:
    """The construct, without its stack, or the export that `reference` names."""
    if export := EXPORT.fullmatch(reference):
        return export[1]
    resource = change.after.get(reference) or change.before.get(reference)
    return resource.name.removeprefix(f"{resource.stack}/") if resource else None
