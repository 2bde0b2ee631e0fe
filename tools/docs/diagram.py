"""An environment's Mermaid diagram, drawn from its recorded templates.

Solid arrows are imports, with the export's key. Dotted arrows are the actions that a role's
policies allow: on a resource in the diagram, or on all resources whose ARN matches a pattern.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, product
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

_REFERENCE = re.compile(r'"(?:Ref|Fn::ImportValue|Fn::GetAtt)": \[?"(.+?)"')


def draw(folder: Path) -> str:
    """The diagram for the templates in `folder`, as a fenced Markdown block."""
    drawing = _Drawing(
        {
            path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.template.json"))
        }
    )
    imports = _arrows('-- "{}" -->', drawing.imports())
    grants = _arrows('-. "{}" .->', drawing.grants())
    return "\n".join(["```mermaid", "flowchart LR", *drawing.stacks(), *imports, *grants, "```"])


def _arrows(arrow: str, found: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """A line for the sources with the same labels to the same target, which names two labels."""
    labels: dict[tuple[str, str], list[str]] = {}
    for source, target, label in found:
        labels.setdefault((source, target), []).append(label)
    sources: dict[tuple[str, str], list[str]] = {}
    for (source, target), all_labels in labels.items():
        first, more = [*dict.fromkeys(all_labels)][:2], len({*all_labels}) > 2
        text = ", ".join([*first, "…"] if more else first)
        sources.setdefault((text, target), []).append(source)
    for (text, target), who in sources.items():
        yield f"{' & '.join(who)} {arrow.format(text)} {target}"


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
        for (stack, key), node in self.nodes.items():
            resource = at(self.templates[stack], f"Resources.{key}")
            type_ = str(at(resource, "Type"))
            name = at(resource, f"Properties.{type_.rpartition(':')[2]}Name")
            if not isinstance(name, str):  # CloudFormation generates the name
                name = self.path(stack, key)
            label = f"{' '.join(type_.split('::')[1:])}<br>{name}"
            shown[stack].append(node + SHAPES[type_].format(label))
        for stack, nodes in shown.items():
            yield "; ".join([f'subgraph {_id(stack)}["{stack}"]', *nodes, "end"])

    def imports(self) -> Iterator[tuple[str, str, str]]:
        """Each import: the exported node, the importing stack and the export's key."""
        for stack, template in self.templates.items():
            for name in sorted({*_references(template)} & self.exports.keys()):
                node, key = self.exports[name]
                yield node, _id(stack), key

    def grants(self) -> Iterator[tuple[str, str, str]]:
        """Each action that a policy statement allows: the role, the node or pattern, the action."""
        for stack, key, resource in self.items("Resources"):
            roles = _list(at(resource, "Properties.Roles"))
            policies = [at(resource, "Properties")]
            if at(resource, "Type") == "AWS::IAM::Role":
                roles = [{"Ref": key}]
                policies = _list(at(resource, "Properties.Policies"))
            nodes = filter(None, [self.node(stack, role) for role in roles])
            statements = [_list(at(policy, "PolicyDocument.Statement")) for policy in policies]
            for node, statement in product(nodes, chain(*statements)):
                if at(statement, "Effect") != "Allow":
                    continue
                for arn in _list(at(statement, "Resource")):
                    if target := self.node(stack, arn) or _pattern(arn):
                        for action in _list(at(statement, "Action")):
                            yield node, target, str(action)


def _references(value: Json) -> list[str]:
    """The logical ids and export names to which a value refers, in their order."""
    return _REFERENCE.findall(json.dumps(value))


def _pattern(arn: Json) -> str | None:
    """The node for the resources that an ARN matches; None for `*` and for no ARN."""
    parts = _flat(arn).split(":", 5)
    if len(parts) < 6:
        return None
    # Without the sub-resource pattern: `table/a-*/*` are the indexes on `table/a-*`.
    resource = re.sub(r"(\*.*)[/:]\*$", r"\1", parts[5])
    return f'{_id(f"{parts[2]}:{resource}")}{{{{"{parts[2]}<br>{resource}"}}}}'


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
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _id(text: str) -> str:
    return re.sub(r"\W+", "_", text)
