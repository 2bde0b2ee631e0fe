"""Read a cloud assembly's templates. Does not import the CDK."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stacks.core.environment import Environment

# The property that holds the name which `Ref` returns.
_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::IAM::Role": "RoleName",
}


def at(value: object, *keys: str) -> object:
    """The value at a key path, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def items(value: object) -> list[object]:
    """A list's items. Another value, for example an intrinsic function, has none."""
    return value if isinstance(value, list) else []


def imports(value: object) -> Iterator[str]:
    """The export names that part of a template imports."""
    match value:
        case {"Fn::ImportValue": str(name)}:
            yield name
        case dict():
            for child in value.values():
                yield from imports(child)
        case list():
            for child in value:
                yield from imports(child)


@dataclass(frozen=True)
class Resource:
    """A resource in a template."""

    id: str
    type: str
    properties: Mapping[str, object]


@dataclass(frozen=True)
class Template:
    """The template for a stack or one of its nested stacks, and the stack's environment."""

    file: Path
    stack: str
    environment: Environment

    @cached_property
    def content(self) -> Mapping[str, object]:
        """The parsed template."""
        found: dict[str, object] = json.loads(self.file.read_text())
        return found

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The resources by logical id."""
        found: dict[str, Resource] = {}
        for key, resource in _mapping(self.content.get("Resources")).items():
            properties = _mapping(at(resource, "Properties"))
            found[key] = Resource(key, str(at(resource, "Type")), properties)
        return found

    @property
    def exports(self) -> list[str]:
        """The export names."""
        outputs = _mapping(self.content.get("Outputs")).values()
        names = [at(output, "Export", "Name") for output in outputs]
        return [self.text(name) for name in names if name is not None]

    def name(self, resource: Resource) -> str | None:
        """A resource's physical name, or None if CloudFormation generates it."""
        value = resource.properties.get(_NAMES[resource.type])
        return None if value is None else self.text(value)

    def text(self, value: object) -> str:
        """A value's text; `<…>` stands for a part that is known only at deployment."""
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._referenced(name)
            case {"Fn::Join": [str(delimiter), [*parts]]}:
                return delimiter.join(self.text(part) for part in parts)
            case {"Fn::GetAtt": [str(name), "Arn"]} if self._type(name) == "AWS::Logs::LogGroup":
                return f"arn:*:logs:*:*:log-group:{self._referenced(name)}:*"
            case {"Fn::Select": [index, {"Fn::Split": [str(delimiter), source]}]}:
                parts = self.text(source).split(delimiter)
                return parts[int(str(index))] if int(str(index)) < len(parts) else "<unknown>"
            case {"Fn::ImportValue": str(name)}:
                return f"<{name}>"
        return "<unknown>"

    def _referenced(self, name: str) -> str:
        pseudo = {
            "AWS::Region": self.environment.region,
            "AWS::AccountId": self.environment.account,
        }
        if value := pseudo.get(name):
            return value
        return (self._type(name) in _NAMES and self.name(self.resources[name])) or f"<{name}>"

    def _type(self, name: str) -> str | None:
        return self.resources[name].type if name in self.resources else None


def read_templates(assembly: Path) -> list[Template]:
    """A cloud assembly's templates, without stacks that are no `DomainStack`.

    Their tags name no environment. aws-cdk-lib.cloud_assembly_schema defines `manifest.json`.
    """
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    found: list[Template] = []
    for key, artifact in sorted(artifacts.items()):
        properties = artifact.get("properties", {})
        tags = properties.get("tags", {})
        if artifact["type"] == "aws:cloudformation:stack" and {"Project", "Environment"} <= {*tags}:
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            environment = Environment(
                project=tags["Project"],
                name=tags["Environment"],
                region=region,
                account=None if account == "unknown-account" else account,
            )
            found += _with_nested(Template(assembly / properties["templateFile"], key, environment))
    return found


def _with_nested(template: Template) -> Iterator[Template]:
    yield template
    for resource in _mapping(template.content.get("Resources")).values():
        nested = at(resource, "Metadata", "aws:asset:path")
        if at(resource, "Type") == "AWS::CloudFormation::Stack" and isinstance(nested, str):
            file = template.file.with_name(nested)
            yield from _with_nested(Template(file, template.stack, template.environment))


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
