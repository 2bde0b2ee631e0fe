"""The resources in a stack's template, and their physical names."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypedDict

from tools.cdk_cli.assembly import Json, at, construct_path, members

# A stack's template, with its settings from `stacks.json`; {} if the stack does not exist.
type Template = Mapping[str, Json]
# One `action` of one `principal` on one `resource`, with its `effect` and its `condition` as JSON.
type Permission = Mapping[str, str]

# A table and a global table cannot have the same name.
SAME_NAMES = {"AWS::DynamoDB::GlobalTable": "AWS::DynamoDB::Table"}
# Names of these types are unique in all regions.
GLOBAL = ("AWS::IAM::", "AWS::S3::Bucket")
# A reference to another resource of the template: in another stack, it means something else.
REFERENCE = re.compile(r'"(Ref|Fn::GetAtt)": \[?"(?!AWS::)')
# What may be a logical id in JSON: "Id", ${Id}, ${Id.Arn} or "Id.Arn".
LOGICAL_ID = re.compile(r'(?<=["{])\w+(?=["}.])')
# AWS's specification does not mark these types as stateful. They hold images, events, executions
# with their history, or the position in a stream.
STATEFUL = {
    "AWS::ECR::Repository",
    "AWS::Events::Archive",
    "AWS::Lambda::EventSourceMapping",
    "AWS::StepFunctions::StateMachine",
}


class ResourceType(TypedDict):
    """What AWS's specification says about a resource type.

    `replacing` maps property paths, e.g. `GlobalSecondaryIndexes[].KeySchema`, to whether a change
    replaces the resource: "yes" or "maybe". `name` are the properties that name a resource, and
    `scope` those within whose values the name is unique.
    """

    stateful: bool
    replacing: Mapping[str, str]
    name: Sequence[str]
    scope: Sequence[str]


@dataclass(frozen=True)
class Resource:
    """A resource in a stack's template, before or after a change.

    CloudFormation knows it by the stack, for example `dev/StorageStack`, and the logical id.
    Resources are equal if these two are.
    """

    stack: str
    logical_id: str
    template: Template = field(compare=False, repr=False)
    model: ResourceType = field(compare=False, repr=False)
    permissions: Sequence[Permission] = field(compare=False, repr=False)

    @property
    def body(self) -> Json:
        """The resource in the template."""
        return at(self.template, f"Resources.{self.logical_id}")

    @property
    def type(self) -> str:
        """The resource type, for example `AWS::S3::Bucket`."""
        return str(at(self.body, "Type"))

    @property
    def name(self) -> str:
        """The name in the report, for example `dev/StorageStack/DataBucket`."""
        path = construct_path(self.template, self.logical_id)
        return f"{self.stack}/{path.partition('/')[2] or path}"

    @property
    def condition(self) -> Json:
        """The condition on which the resource exists, or None."""
        return condition(self.template, self.body)

    @property
    def holds_data(self) -> bool:
        """Whether the resource holds data, or is retained as if it did."""
        is_retained = at(self.body, "DeletionPolicy") not in (None, "Delete")
        return self.model["stateful"] or self.type in STATEFUL or is_retained

    @cached_property
    def physical_name(self) -> tuple[str, str, str] | None:
        """What only one resource can have: a type, a name, and the place where it is unique.

        The name is JSON: the properties that name the resource. None if AWS chooses the name.
        """
        properties = members(self.body, "Properties")
        values = {name: properties.get(name) for name in self.model["name"]}
        if not values or None in values.values():
            return None
        values |= {name: properties.get(name) for name in self.model["scope"]}
        name = json.dumps(values, sort_keys=True)
        where = str(at(self.template, "Settings.environment"))
        if self.type.startswith(GLOBAL):
            where = where.rpartition("/")[0]
        if REFERENCE.search(name):
            where = self.stack
        return SAME_NAMES.get(self.type, self.type), name, where

    @cached_property
    def identity(self) -> tuple[object, ...]:
        """What remains when the resource is renamed or moved within its environment.

        That is its name, or if it has none, its properties without tags and logical ids.
        """
        return self.stack.partition("/")[0], self.type, self.physical_name or self._content()

    def _content(self) -> str:
        properties = {**members(self.body, "Properties"), "Tags": None}
        ids = members(self.template, "Resources")
        return LOGICAL_ID.sub(
            lambda match: "" if match[0] in ids else match[0],
            json.dumps(properties, sort_keys=True),
        )


def condition(template: Template, member: Json) -> Json:
    """The condition on which a resource or an output exists, or None."""
    name = at(member, "Condition")
    return None if name is None else _expand(at(template, f"Conditions.{name}"), template)


def _expand(value: Json, template: Template) -> Json:
    """A condition with the conditions that it names in place of their names."""
    if isinstance(value, Mapping):
        if value.keys() == {"Condition"}:
            return condition(template, value)
        return {key: _expand(inner, template) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner, template) for inner in value]
    return value
