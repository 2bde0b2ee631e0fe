"""Where each resource is: in which stack, under which logical id and physical name."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tools.cdk_cli.assembly import Json, at, construct_path
from tools.guard.changes import Comparison, ResourceType, Template

# A table and a global table cannot have the same name.
SAME_NAMES = {"AWS::DynamoDB::GlobalTable": "AWS::DynamoDB::Table"}
# Names of these types are unique in all regions.
GLOBAL = ("AWS::IAM::", "AWS::S3::Bucket")
# A reference to another resource of the template: in another stack, it means something else.
REFERENCE = re.compile(r'"(Ref|Fn::GetAtt)": \[?"(?!AWS::)')
# What may be a logical id in the JSON of properties: "Id", ${Id} or "Id.Arn".
LOGICAL_ID = re.compile(r'(?<=["{])\w+(?=["}.])')


@dataclass(frozen=True)
class Location:
    """A resource's stack, for example `dev/StorageStack`, and its logical id.

    CloudFormation knows a resource by these two. Locations are equal if these two are.
    """

    stack: str
    logical_id: str
    template: Template = field(compare=False, repr=False)
    model: ResourceType = field(compare=False, repr=False)

    @property
    def environment(self) -> str:
        """The environment's name, for example `dev`."""
        return self.stack.partition("/")[0]

    @property
    def resource(self) -> Json:
        """The resource in the template."""
        return at(self.template, f"Resources.{self.logical_id}")

    @property
    def type(self) -> str:
        """The resource type, for example `AWS::S3::Bucket`."""
        return str(at(self.resource, "Type"))

    @property
    def name(self) -> str:
        """The name in the report, for example `dev/StorageStack/DataBucket`."""
        path = construct_path(self.template, self.logical_id)
        return f"{self.stack}/{path.partition('/')[2] or path}"

    @property
    def physical_name(self) -> Mapping[str, Json] | None:
        """The properties that name the resource, or None if AWS chooses the name."""
        values = {name: self.property(name) for name in self.model["name"]}
        if not values or None in values.values():
            return None
        return values | {name: self.property(name) for name in self.model["scope"]}

    @property
    def name_in_use(self) -> tuple[str, str, str] | None:
        """What only one resource can have: a type, a physical name, and where it is unique."""
        if self.physical_name is None:
            return None
        name = json.dumps(self.physical_name, sort_keys=True)
        where = str(at(self.template, "Settings.environment"))
        if self.type.startswith(GLOBAL):
            where = where.rpartition("/")[0]
        if REFERENCE.search(name):
            where = self.stack
        return SAME_NAMES.get(self.type, self.type), name, where

    @property
    def content(self) -> tuple[str, str, str]:
        """The environment, type and properties, without tags and without logical ids."""
        types = {
            logical_id: str(at(resource, "Type"))
            for logical_id, resource in members(self.template, "Resources").items()
        }
        content = json.dumps(at(self.resource, "Properties"), sort_keys=True)
        content = LOGICAL_ID.sub(lambda match: types.get(match[0], match[0]), content)
        without_tags = json.loads(content, object_hook=_without_tags)
        return self.environment, self.type, json.dumps(without_tags)

    def property(self, name: str) -> Json:
        """A property's value, or None."""
        return at(self.resource, f"Properties.{name}")


def locations(comparison: Comparison, side: Literal["old", "new"]) -> Iterator[Location]:
    """All resources before or after a change."""
    for changes in comparison["stacks"]:
        template = changes[side]
        for logical_id, resource in members(template, "Resources").items():
            model = comparison["types"][str(at(resource, "Type"))]
            yield Location(changes["name"], logical_id, template, model)


def members(template: Template, section: str) -> Mapping[str, Json]:
    """A template's resources, outputs or conditions, by logical id."""
    found = template.get(section)
    return found if isinstance(found, Mapping) else {}


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


def _without_tags(value: dict[str, Json]) -> dict[str, Json]:
    return {key: inner for key, inner in value.items() if key != "Tags"}
