"""An environment's Mermaid diagram, drawn from its recorded templates.

Solid arrows are imports, with the export's key. Dotted arrows are the actions that a role's
policies allow: on a resource in the diagram, or on all resources whose ARN matches a pattern.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tools.cdk_cli.assembly import Json, at, construct_path

# The resource types in the diagram, each with its Mermaid shape. Other types are left out.
_STORE, _ROLE, _OTHER = '[("{}")]', '(["{}"])', '["{}"]'
SHAPES = {
    "AWS::DynamoDB::GlobalTable": _STORE,
    "AWS::DynamoDB::Table": _STORE,
    "AWS::ECR::Repository": _STORE,
    "AWS::ECS::Service": _OTHER,
    "AWS::ECS::TaskDefinition": _OTHER,
    "AWS::IAM::OIDCProvider": _OTHER,
    "AWS::IAM::Role": _ROLE,
    "AWS::Kinesis::Stream": _STORE,
    "AWS::Lambda::Function": _OTHER,
    "AWS::RDS::DBCluster": _STORE,
    "AWS::RDS::DBInstance": _STORE,
    "AWS::S3::Bucket": _STORE,
    "AWS::SNS::Topic": _OTHER,
    "AWS::SQS::Queue": _STORE,
    "AWS::StepFunctions::StateMachine": _OTHER,
}


def draw(folder: Path) -> str:
    """The diagram for the templates in `folder`, as a fenced Markdown block."""
    drawing = _Drawing(
        {
            path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.template.json"))
        }
    )
    lines = [*drawing.stacks(), *drawing.imports(), *drawing.grants()]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


class _Drawing:
    def __init__(self, templates: Mapping[str, Json]) -> None:
        self.templates = templates
        # Each resource's node in the diagram, by stack and logical id.
        self.nodes = {
            (stack, key): _id(f"{stack}/{self.path(stack, key)}")
            for stack, key, resource in self.items("Resources")
            if at(resource, "Type") in SHAPES
        }
        # The exported resource's node, or the stack if it exports another value; and the key.
        self.exports: dict[str, tuple[str, str]] = {}
        for stack, key, output in self.items("Outputs"):
            node = self.node(stack, at(output, "Value")) or _id(stack)
            self.exports[str(at(output, "Export.Name"))] = (node, key)

    def items(self, section: str) -> Iterator[tuple[str, str, Json]]:
        """Stack, logical id and value for each item in a template section."""
        for stack, template in self.templates.items():
            items = at(template, section)
            for key, value in items.items() if isinstance(items, Mapping) else ():
                yield stack, key, value

    def path(self, stack: str, key: str) -> str:
        """A resource's construct path within its stack."""
        return construct_path(self.templates[stack], key).removeprefix(f"{stack}/")

    def node(self, stack: str, value: Json) -> str | None:
        """The node to which a value in a stack refers, also through an import."""
        for name in _references(value):
            if name in self.exports:
                return self.exports[name][0]
            if (stack, name) in self.nodes:
                return self.nodes[stack, name]
        return None

    def stacks(self) -> Iterator[str]:
        """A line for each stack: its subgraph."""
        shown: dict[str, list[str]] = {stack: [] for stack in self.templates}
        for stack, key, resource in self.items("Resources"):
            if (stack, key) in self.nodes:
                type_ = str(at(resource, "Type"))
                name = at(resource, f"Properties.{type_.rpartition(':')[2]}Name")
                if not isinstance(name, str):  # CloudFormation generates the name
                    name = self.path(stack, key)
                label = f"{' '.join(type_.split('::')[1:])}<br>{_text(name)}"
                shown[stack].append(self.nodes[stack, key] + SHAPES[type_].format(label))
        for stack, nodes in shown.items():
            yield "; ".join([f'subgraph {_id(stack)}["{stack}"]', *nodes, "end"])

    def imports(self) -> Iterator[str]:
        """A line for the stacks that import the same exports from a resource."""
        keys: dict[tuple[str, str], list[str]] = {}
        for stack, template in self.templates.items():
            for name in sorted({*_references(template)} & self.exports.keys()):
                node, key = self.exports[name]
                keys.setdefault((node, _id(stack)), []).append(key)
        importers: dict[tuple[str, str], list[str]] = {}
        for (node, stack), imported in keys.items():
            importers.setdefault((node, ", ".join(imported)), []).append(stack)
        for (node, label), stacks in importers.items():
            yield f'{node} -- "{label}" --> {" & ".join(stacks)}'

    def grants(self) -> Iterator[str]:
        """A line for the roles that may do the same on the same resource or pattern."""
        actions: dict[tuple[str, str], list[str]] = {}
        for role, target, allowed in self.permissions():
            actions.setdefault((role, target), []).extend(allowed)
        roles: dict[tuple[str, str], list[str]] = {}
        for (role, target), allowed in actions.items():
            distinct = [*dict.fromkeys(allowed)]
            label = ", ".join(distinct[:2]) + (", …" if len(distinct) > 2 else "")
            roles.setdefault((target, _text(label)), []).append(role)
        for (target, label), who in roles.items():
            service, _, pattern = target.partition(":")
            node = f'{_id(target)}{{{{"{service}<br>{_text(pattern)}"}}}}' if pattern else target
            yield f'{" & ".join(who)} -. "{label}" .-> {node}'

    def permissions(self) -> Iterator[tuple[str, str, list[str]]]:
        """Each role, node or pattern, and the actions on it that a policy statement allows."""
        for stack, key, resource in self.items("Resources"):
            roles, policies = _list(at(resource, "Properties.Roles")), [at(resource, "Properties")]
            if at(resource, "Type") == "AWS::IAM::Role":
                roles, policies = [{"Ref": key}], _list(at(resource, "Properties.Policies"))
            for role in filter(None, [self.node(stack, role) for role in roles]):
                for actions, arn in _allowed(policies):
                    if target := self.node(stack, arn) or _pattern(arn):
                        yield role, target, actions


def _allowed(policies: list[Json]) -> Iterator[tuple[list[str], Json]]:
    """The actions of each statement that allows something, with each of its resources."""
    for policy in policies:
        for statement in _list(at(policy, "PolicyDocument.Statement")):
            actions = [str(action) for action in _list(at(statement, "Action"))]
            if actions and at(statement, "Effect") == "Allow":
                for arn in _list(at(statement, "Resource")):
                    yield actions, arn


def _references(value: Json) -> Iterator[str]:
    """The logical ids and export names to which a value refers, in their order."""
    match value:
        case {"Ref": str(name)} | {"Fn::ImportValue": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield name
        case Mapping():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)


def _pattern(arn: Json) -> str | None:
    """An ARN's `<service>:<resource>`; None for `*` and for a value that is no ARN."""
    parts = _flat(arn).split(":", 5)
    # Without the sub-resource pattern: `table/a-*/*` are the indexes on `table/a-*`.
    return re.sub(r"(\*.*)[/:]\*$", r"\1", f"{parts[2]}:{parts[5]}") if len(parts) == 6 else None


def _flat(value: Json) -> str:
    """An ARN's text, with a wildcard for each value that only a deploy knows."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str(delimiter), [*parts]]}:
            return delimiter.join(_flat(part) for part in parts)
        case _:
            return "*"


def _list(value: Json) -> list[Json]:
    """A value as a list: policies allow a list, or its only element."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*value]
    return [] if value is None else [value]


def _id(text: str) -> str:
    return re.sub(r"\W+", "_", text)


def _text(label: str) -> str:
    return re.sub(r'["<>#;`|]', "'", label)  # they would end the label
