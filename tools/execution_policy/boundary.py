"""The most that an environment's roles may do, whatever a template gives them."""

import re
from collections.abc import Iterator
from itertools import product

from stacks.core.rights import Statement
from stacks.core.templates import Resource, Template, at, items
from tools.execution_policy.aws import BY_ID, arns
from tools.execution_policy.compare import matches
from tools.execution_policy.scope import Scope
from tools.execution_policy.table import NEVER

# The ARN of their resources names no kind.
UNNAMED_KINDS = ("sns", "sqs")


def of_roles(scope: Scope) -> Iterator[Statement]:
    """What any role in the environment may do.

    Every action of the services that the roles' policies name, on the project's resources in the
    environment. And on a resource with another name, or on none, exactly the policies' actions.
    """
    # IAM refuses a policy without a statement, and nobody can be denied this action (STS API
    # reference, GetCallerIdentity).
    yield _allow("sts:GetCallerIdentity", ["*"])
    services: set[str] = set()
    for action, arn in _granted(scope):
        service = action.partition(":")[0].lower()
        if action.lower() == "iam:passrole":
            # As a state machine does that runs tasks, but only the environment's own roles.
            yield from scope.allow(action)
        if service in NEVER or not re.fullmatch("[a-z0-9-]+", service):
            continue
        if service in BY_ID and arn.startswith("<"):
            arn = f"{_start(scope, service)}*"
        if service not in BY_ID:
            services.add(service)
        # Another stack's or resource's attribute is known only at deployment.
        if not arn.startswith("<") and not matches(arn, _own_arns(scope, service)):
            yield _allow(action, [re.sub("<[^>]*>", "*", arn)])
    for service in sorted(services):
        yield _allow(f"{service}:*", _own_arns(scope, service))


def _granted(scope: Scope) -> Iterator[tuple[str, str]]:
    """Each action and ARN that a role's policy allows."""
    for template in scope.templates:
        for resource in template.resources.values():
            for statement in _statements(resource):
                if at(statement, "Effect") == "Allow":
                    actions = _list(at(statement, "Action"))
                    resources = _list(at(statement, "Resource"))
                    for action, arn in product(actions, resources):
                        yield str(action), _text(template, arn)


def _statements(resource: Resource) -> list[object]:
    """The statements in a resource's identity policies."""
    documents = []
    if resource.type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        documents = [resource.properties.get("PolicyDocument")]
    if resource.type == "AWS::IAM::Role":
        inline = items(resource.properties.get("Policies"))
        documents = [at(policy, "PolicyDocument") for policy in inline]
    return [statement for document in documents for statement in items(at(document, "Statement"))]


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
    if service == "s3":
        return [f"arn:${{AWS::Partition}}:s3:::{name}{end}" for end in ("", "/*", "-*")]
    if service == "logs":
        return arns(service, ["log-group"], scope.names.of(service), scope.environment.region)
    # A name follows its kind, as in table/NAME, or stands alone, as a queue's does.
    kinds = [""] if service in UNNAMED_KINDS else ["*/", "*:"]
    starts = [f"{_start(scope, service)}{kind}{name}" for kind in kinds]
    return [f"{start}{end}" for start in starts for end in ("", "/*", ":*", "-*")]


def _start(scope: Scope, service: str) -> str:
    return f"arn:${{AWS::Partition}}:{service}:{scope.environment.region}:${{AWS::AccountId}}:"


def _allow(action: str, resources: list[str]) -> Statement:
    return Statement(Effect="Allow", Action=[action], Resource=resources)
