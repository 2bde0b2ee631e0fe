"""The names of an environment's resources in ARNs, mostly as patterns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from stacks.core.environment import Environment
from stacks.core.templates import Resource, Template
from tools.execution_policy.aws import handlers, name_properties

# CloudFormation generates `<stack name>-<logical id>-<12 characters>`. If that is too long for the
# service, it cuts both names, to 25 and 24 characters for a bucket, which has the lowest limit of
# 63 (KensioSoftware/yulin#1113; AWS does not document this).
LIMIT = 63
SUFFIX = len("--") + 12
STACK_NAME = 24
LOGICAL_ID = 20


def service_of(resource_type: str) -> str:
    """The prefix of most actions that CloudFormation calls for a type, for example `s3`."""
    actions = [action for each in handlers(resource_type).values() for action in each]
    prefixes = Counter(action.partition(":")[0] for action in actions)
    return max(prefixes, key=prefixes.__getitem__, default="")


class Names:
    """An environment's names, by service.

    Patterns cover the names from `Environment.resource_name` and those that CloudFormation
    generates, so that another resource of a type needs no other rights. A resource whose name they
    do not cover adds its own.
    """

    def __init__(self, environment: Environment, stacks: Mapping[str, Sequence[Template]]) -> None:
        """Take the templates by stack name."""
        self._environment = environment
        self._others: dict[str, dict[str, None]] = {}  # a set has another order in each process
        for stack, templates in stacks.items():
            for template in templates:
                for resource in template.resources.values():
                    self._add(stack, template, resource)

    def of(self, service: str) -> list[str]:
        """The names of a service's resources."""
        pattern = self._environment.resource_pattern
        patterns = [pattern, f"{pattern}-*"]
        if service == "logs":
            groups = self._environment.function_log_groups
            patterns += [groups, f"{groups}-*", self._environment.task_log_groups]
        return [*patterns, *self._others.get(service, {})]

    def covers(self, name: str, service: str) -> bool:
        """Whether a name, or a pattern as a name, is one of a service's resources."""
        return any(fnmatchcase(name, pattern) for pattern in self.of(service))

    def _add(self, stack: str, template: Template, resource: Resource) -> None:
        service = service_of(resource.type)
        properties = name_properties(resource.type)
        given = properties & resource.properties.keys()
        names = [template.text(resource.properties[name]) for name in sorted(given)]
        is_cut = len(stack) > STACK_NAME and len(stack + resource.id) + SUFFIX > LIMIT
        if properties and not given and is_cut:
            names = [f"{stack[:STACK_NAME]}*-{resource.id[:LOGICAL_ID]}*"]
        for name in names:
            name = name.removeprefix("/") if service == "ssm" else name
            if "<" not in name and not self.covers(name, service):
                found = self._others.setdefault(service, {})
                found[name.lower() if service == "s3" else name] = None
