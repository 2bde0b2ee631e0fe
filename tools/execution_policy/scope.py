"""What an environment's templates need: each action, on which resources, under which condition."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from stacks.core.rights import Condition, Statement
from stacks.core.templates import Template, at, items
from tools.execution_policy.aws import Action, arns, find_action, handlers, service_of
from tools.execution_policy.names import Names
from tools.execution_policy.table import is_excluded

# Services without regions: their requests are in no environment's region.
GLOBAL = ("iam", "s3")


class Scope:
    """An environment's templates, and the names of its resources."""

    def __init__(self, templates: Sequence[Template], stacks: Mapping[str, str]) -> None:
        """Take the stacks' CloudFormation names by id."""
        self.templates = templates
        self.environment = templates[0].environment
        self.names = Names(templates, stacks)
        self.resources = [each for template in templates for each in template.resources.values()]
        self.types = {resource.type for resource in self.resources}

    @property
    def services(self) -> list[str]:
        """The services that may assume the templates' roles, for example `lambda.amazonaws.com`."""
        found: set[object] = set()
        for resource in self.resources:
            trust = resource.properties.get("AssumeRolePolicyDocument")
            for statement in items(at(trust, "Statement")):
                service = at(statement, "Principal", "Service")
                found |= {*items(service)} if isinstance(service, list) else {service}
        return sorted(each for each in found if isinstance(each, str))

    def needs(self, *chosen: str) -> Iterator[Statement]:
        """What the schemas of the templates' resource types list, in some handlers or in all."""
        for resource_type in sorted(self.types):
            kinds = _kinds(resource_type)
            for action in _actions(resource_type, *chosen):
                yield from self._on_own(action, kinds, service_of(resource_type))

    def allow(self, name: str, resource: str | None = None) -> Iterator[Statement]:
        """An action on a resource, or on the environment's resources."""
        action = find_action(name)
        assert action is not None, name
        if resource is None:
            yield from self._on_own(action, kinds=(), main=action.service)
        else:
            yield self._on(action, [resource.replace("{region}", self.environment.region)])

    def _on_own(self, action: Action, kinds: Collection[str], main: str) -> Iterator[Statement]:
        """The action on the environment's resources; nothing if no service takes a role.

        `kinds` are those of the resource type, and `main` its service.
        """
        if action.name == "iam:PassRole" and not self.services:
            return
        related = [kind for kind in action.optional if kind in kinds]
        concerned = action.required or related or action.optional
        names = self.names.of(action.service)
        if action.name == "iam:CreateServiceLinkedRole":
            names = [f"aws-service-role/*{main}.amazonaws.com/*"]
        yield self._on(action, arns(action.service, concerned, names, self.environment.region))

    def _on(self, action: Action, resources: list[str]) -> Statement:
        statement = Statement(Effect="Allow", Action=[action.name], Resource=resources)
        if condition := self._condition(action, resources):
            statement["Condition"] = condition
        return statement

    def _condition(self, action: Action, resources: list[str]) -> Condition | None:
        if action.name == "iam:PassRole":
            # IfExists, because not every service sends the key
            # (aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#961)
            return {"StringEqualsIfExists": {"iam:PassedToService": self.services}}
        if "iam:PermissionsBoundary" in action.condition_keys and not action.reads:
            boundary = f"policy/{self.environment.boundary_name}"
            arn = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{boundary}"
            return {"StringEquals": {"iam:PermissionsBoundary": arn}}
        if resources == ["*"] and action.service not in GLOBAL:
            return {"StringEquals": {"aws:RequestedRegion": self.environment.region}}
        if action.service == "kms":  # ids name the keys, so only a tag tells whose they are
            return {"StringEquals": {"aws:ResourceTag/Project": self.environment.project}}
        return None


def _actions(resource_type: str, *chosen: str) -> list[Action]:
    """A type's actions in some handlers or in all, without names that IAM does not know."""
    listed = handlers(resource_type)
    names = {name for handler in chosen or listed for name in listed[handler]}
    found = [action for name in sorted(names) if (action := find_action(name))]
    return [action for action in found if not is_excluded(resource_type, action.name)]


def _kinds(resource_type: str) -> set[str]:
    """The kinds of resources that a type's actions concern; a tag's action concerns many others."""
    service = service_of(resource_type)
    actions = [action for action in _actions(resource_type) if action.service == service]
    required = {kind for action in actions for kind in action.required}
    return required or {
        kind for action in actions if "tag" not in action.name.lower() for kind in action.optional
    }
