"""The names of an environment's resources in ARNs, mostly as patterns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stacks.core.templates import Resource, Template
from tools.execution_policy.aws import name_properties, service_of
from tools.execution_policy.compare import matches

# CloudFormation generates `<stack name>-<logical id>-<12 characters>`. If that is too long for the
# service, it cuts both names, to 25 and 24 characters for a bucket, which has the lowest limit of
# 63 (KensioSoftware/yulin#1113; AWS does not document this).
LIMIT = 63
SUFFIX = len("--") + 12
STACK_NAME = 24
LOGICAL_ID = 20


class Names:
    """An environment's names, by service.

    Patterns cover the names from `Environment.resource_name` and those that CloudFormation
    generates, so that another resource of a type needs no other rights. A resource whose name they
    do not cover adds its own.
    """

    def __init__(self, templates: Sequence[Template], stacks: Mapping[str, str]) -> None:
        """Take the stacks' CloudFormation names by id."""
        self._environment = templates[0].environment
        self._others = defaultdict[str, list[str]](list)
        for template in templates:
            for resource in template.resources.values():
                service = service_of(resource.type)
                for name in _names(template, resource, stacks[template.stack]):
                    name = _in_arn(name, service)
                    if not matches(name, self.of(service)):
                        self._others[service].append(name)

    def of(self, service: str) -> list[str]:
        """The names of a service's resources."""
        pattern = self._environment.resource_pattern
        patterns = [pattern, f"{pattern}-*"]
        if service == "logs":
            groups = self._environment.function_log_groups
            patterns += [groups, f"{groups}-*", self._environment.task_log_groups]
        return patterns + self._others[service]


def _names(template: Template, resource: Resource, stack: str) -> list[str]:
    """The names that a template gives a resource, or a pattern if a generated name is cut."""
    properties = name_properties(resource.type)
    given = sorted(properties & resource.properties.keys())
    if given:
        names = [template.text(resource.properties[name]) for name in given]
        return [name for name in names if "<" not in name]  # known only at deployment
    is_cut = len(stack) > STACK_NAME and len(stack + resource.id) + SUFFIX > LIMIT
    return [f"{stack[:STACK_NAME]}*-{resource.id[:LOGICAL_ID]}*"] if properties and is_cut else []


def _in_arn(name: str, service: str) -> str:
    """A bucket's name has no capitals, and a parameter's ARN has no second slash."""
    if service == "s3":
        return name.lower()
    return name.removeprefix("/") if service == "ssm" else name
