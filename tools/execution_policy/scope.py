"""What an environment's templates need: each action, on which resources, under which condition."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stacks.core.environment import Environment
from stacks.core.rights import Condition
from stacks.core.templates import Template, at, items
from tools.execution_policy import table
from tools.execution_policy.aws import Action, arns, find_action, handlers
from tools.execution_policy.names import Names, service_of

# Services without regions: their requests are in no environment's region.
GLOBAL = ("iam", "s3")


class Grant(NamedTuple):
    """An action on some resources."""

    action: str
    resources: Sequence[str]
    condition: Condition


class Scope:
    """An environment's templates by stack name, and its names."""

    def __init__(self, environment: Environment, stacks: Mapping[str, Sequence[Template]]) -> None:
        self.environment = environment
        self.names = Names(environment, stacks)
        self.templates = [template for group in stacks.values() for template in group]
        boundary = f"policy/{environment.boundary_name}"
        self.boundary = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{boundary}"

    @property
    def services(self) -> list[str]:
        """The services that may assume the templates' roles, for example `lambda.amazonaws.com`."""
        found: set[str] = set()
        for template in self.templates:
            for resource in template.resources.values():
                trust = resource.properties.get("AssumeRolePolicyDocument")
                for statement in items(at(trust, "Statement")):
                    service = at(statement, "Principal", "Service")
                    found |= {each for each in (service, *items(service)) if isinstance(each, str)}
        return sorted(found)

    def grants(self, *chosen: str) -> Iterator[Grant]:
        """What CloudFormation needs for each resource type, in the chosen handlers or in all."""
        types = {
            resource.type for template in self.templates for resource in template.resources.values()
        }
        for resource_type in sorted(types):
            listed = handlers(resource_type)
            own = _kinds(resource_type, listed.values())
            for action in _actions(
                resource_type, (listed.get(key, ()) for key in chosen or listed)
            ):
                yield from self._grant(action, own, service_of(resource_type))
            for extra in () if chosen else table.extras(resource_type):
                for name in extra.actions:
                    yield self.grant(name, extra.resource)

    def grant(self, name: str, resource: str | None) -> Grant:
        """An action on a resource, or on the project's resources."""
        action = find_action(name)
        assert action is not None, name
        if resource is None:
            (found,) = self._grant(action, own=set(), main=action.service)
            return found
        filled = resource.replace("{region}", self.environment.region)
        return Grant(action.name, [filled], self._condition(action, [filled]))

    def _grant(self, action: Action, own: set[str], main: str) -> Iterator[Grant]:
        """The action on the environment's resources; nothing if no service takes a role."""
        if action.name == "iam:PassRole" and not self.services:
            return
        related = [kind for kind in action.optional if kind in own]
        kinds = action.required or related or action.optional
        names = self.names.of(action.service)
        if action.name == "iam:CreateServiceLinkedRole":
            names = [f"aws-service-role/*{main}.amazonaws.com/*"]
        resources = arns(action.service, kinds, names, self.environment.region)
        yield Grant(action.name, resources, self._condition(action, resources))

    def _condition(self, action: Action, resources: Sequence[str]) -> Condition:
        if action.name == "iam:PassRole":
            # IfExists, because not every service sends the key
            # (aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#961)
            return {"StringEqualsIfExists": {"iam:PassedToService": self.services}}
        if "iam:PermissionsBoundary" in action.condition_keys and not action.reads:
            return {"StringEquals": {"iam:PermissionsBoundary": self.boundary}}
        if list(resources) == ["*"] and action.service not in GLOBAL:
            return {"StringEquals": {"aws:RequestedRegion": self.environment.region}}
        if action.service == "kms":  # ids name the keys, so only a tag tells whose they are
            return {"StringEquals": {"aws:ResourceTag/Project": self.environment.project}}
        return {}


def _actions(resource_type: str, lists: Iterable[Sequence[str]]) -> list[Action]:
    """A type's actions in some lists, without names that IAM does not know."""
    names = {name for names in lists for name in names}
    found = [action for name in sorted(names) if (action := find_action(name))]
    return [each for each in found if not table.is_excluded(resource_type, each.name)]


def _kinds(resource_type: str, lists: Iterable[Sequence[str]]) -> set[str]:
    """The kinds of resources that a type's actions concern; a tag's action concerns many others."""
    actions = [
        action
        for action in _actions(resource_type, lists)
        if action.service == service_of(resource_type)
    ]
    required = {kind for action in actions for kind in action.required}
    return required or {
        kind for action in actions if "tag" not in action.name.lower() for kind in action.optional
    }
