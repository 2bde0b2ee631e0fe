"""The most that an environment's roles may do, whatever a template gives them."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from stacks.core.templates import Resource, Template, at, items
from tools.execution_policy.aws import BY_ID, arns
from tools.execution_policy.scope import Grant, Scope

# With these services, a role could become more than its boundary. A role passes roles to services,
# as a state machine does that runs tasks, but only the environment's own.
NOT_FOR_ROLES = ("account", "iam", "organizations", "sts")
# The ARN of their resources names no kind.
UNNAMED_KINDS = ("sns", "sqs")


def of_roles(scope: Scope) -> Iterator[Grant]:
    """What any role in the environment may do.

    Every action of the services that the roles' policies name, on the project's resources in the
    environment. And on a resource with another name, or on none, exactly the policies' actions.
    """
    # IAM refuses a policy without a statement, and nobody can be denied this action (STS API
    # reference, GetCallerIdentity).
    yield Grant("sts:GetCallerIdentity", ["*"], {})
    services: set[str] = set()
    for action, resource in _allowed(scope):
        service = action.partition(":")[0]
        if action == "iam:PassRole":
            yield scope.grant(action, None)
        if service in NOT_FOR_ROLES or "*" in service:
            continue
        if service not in BY_ID:
            services.add(service)
        elif resource.startswith("<"):
            resource = f"arn:${{AWS::Partition}}:{service}:{scope.environment.region}:"
            resource += "${AWS::AccountId}:*"
        if not resource.startswith("<") and not _is_own(scope, service, resource):
            # Another stack's or resource's attribute, known only at deployment.
            yield Grant(action, [re.sub("<[^>]*>", "*", resource)], {})
    for service in sorted(services):
        yield Grant(f"{service}:*", _own_arns(scope, service), {})


def _allowed(scope: Scope) -> Iterator[tuple[str, str]]:
    """Each action and resource that a role's policy allows."""
    for template in scope.templates:
        for resource in template.resources.values():
            for document in _documents(resource):
                for statement in items(at(document, "Statement")):
                    if at(statement, "Effect") == "Allow":
                        for action in _list(at(statement, "Action")):
                            for arn in _list(at(statement, "Resource")):
                                yield str(action), _text(template, arn)


def _documents(resource: Resource) -> list[object]:
    """A resource's identity policies."""
    if resource.type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        return [resource.properties.get("PolicyDocument")]
    if resource.type == "AWS::IAM::Role":
        inline = items(resource.properties.get("Policies"))
        return [at(policy, "PolicyDocument") for policy in inline]
    return []


def _list(value: object) -> list[object]:
    return items(value) if value is None or isinstance(value, list) else [value]


def _text(template: Template, arn: object) -> str:
    text = re.sub("^arn:aws[a-z-]*:", "arn:${AWS::Partition}:", template.text(arn))
    for name in ("AWS::Partition", "AWS::AccountId"):
        text = text.replace(f"<{name}>", f"${{{name}}}")
    return text.replace(f":{template.environment.account}:", ":${AWS::AccountId}:")


def _own_arns(scope: Scope, service: str) -> list[str]:
    """ARNs with the environment's names: every kind of resource, and all that belongs to it."""
    name = scope.environment.resource_pattern
    start = f"arn:${{AWS::Partition}}:{service}:{scope.environment.region}:${{AWS::AccountId}}:"
    if service == "s3":
        return [f"arn:${{AWS::Partition}}:s3:::{name}{end}" for end in ("", "/*", "-*")]
    if service == "logs":
        return arns(service, ["log-group"], scope.names.of(service), scope.environment.region)
    # A name follows its kind, as in table/NAME, or stands alone, as a queue's does.
    kinds = ["*/", "*:"] if service not in UNNAMED_KINDS else [""]
    return [f"{start}{kind}{name}{end}" for kind in kinds for end in ("", "/*", ":*", "-*")]


def _is_own(scope: Scope, service: str, arn: str) -> bool:
    return any(fnmatchcase(arn, pattern) for pattern in _own_arns(scope, service))
