"""An environment's Mermaid diagram, drawn from its recorded templates.

Solid arrows are imports, with the export's key. Dotted arrows are the actions that a role's
policies allow: on a resource in the diagram, or on all resources whose ARN matches a pattern.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from stacks.core.templates import imports
from tools.cdk_cli.assembly import Json, as_list, at, construct_path, members

ROLE = "AWS::IAM::Role"
# Other resource types are left out.
SHOWN = {
    ROLE,
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::IAM::OIDCProvider",
    "AWS::Kinesis::Stream",
    "AWS::Lambda::Function",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}


def draw(folder: Path) -> str:
    """The diagram for the templates in `folder`, as a fenced Markdown block."""
    templates: dict[str, Json] = {
        path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.template.json"))
    }
    boxes: dict[str, list[str]] = {stack: [] for stack in templates}
    nodes: dict[str, str] = {}  # by what refers to a node: a resource, or an export's name
    for stack, key, resource in _items(templates, "Resources"):
        kind = str(at(resource, "Type"))
        if kind in SHOWN:
            node = f"{stack}_{key}"
            nodes[node] = node
            name = construct_path(templates[stack], key).removeprefix(f"{stack}/")
            boxes[stack].append(f'{node}["{kind.removeprefix("AWS::")}<br>{name}"]')
    for stack, _, output in _items(templates, "Outputs"):
        # An export of another value belongs to its stack.
        node = _referenced(stack, at(output, "Value"), nodes) or stack
        nodes[str(at(output, "Export.Name"))] = node

    lines = ["```mermaid", "flowchart LR"]
    for stack, inside in boxes.items():
        lines.append("; ".join([f"subgraph {stack}", *inside, "end"]))
    labels: dict[tuple[str, str, str], list[str]] = {}
    for source, arrow, target, label in _arrows(templates, nodes):
        labels.setdefault((source, arrow, target), []).append(label)
    for (source, arrow, target), found in labels.items():
        unique = [*dict.fromkeys(found)]
        text = ", ".join(unique if len(unique) < 3 else [*unique[:2], "…"])
        lines.append(f'{source} {arrow}|"{text}"| {target}')
    return "\n".join([*lines, "```"])


def _arrows(
    templates: Mapping[str, Json], nodes: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    """Each import and each granted action: the source, the arrow, the target and the label."""
    for stack, template in templates.items():
        for name in sorted({*imports(template)} & nodes.keys()):
            yield nodes[name], "-->", stack, name.partition(":")[2]
    for stack, key, resource in _items(templates, "Resources"):
        for role, arn, action in _grants(key, resource):
            source = _referenced(stack, role, nodes)
            target = _referenced(stack, arn, nodes) or _pattern(arn)
            if source and target:
                yield source, "-.->", target, action


def _items(templates: Mapping[str, Json], section: str) -> Iterator[tuple[str, str, Json]]:
    """Stack, logical id and value for each item in a section of the templates."""
    for stack, template in templates.items():
        for key, value in members(template, section).items():
            yield stack, key, value


def _referenced(stack: str, value: Json, nodes: Mapping[str, str]) -> str | None:
    """The node to which a value in a stack refers, also through an import."""
    references = r'"(?:Ref|Fn::ImportValue|Fn::GetAtt)": \[?"(.+?)"'
    for name in re.findall(references, json.dumps(value)):
        if node := nodes.get(name) or nodes.get(f"{stack}_{name}"):
            return node
    return None


def _grants(key: str, resource: Json) -> Iterator[tuple[Json, Json, str]]:
    """Each role, ARN and action that the policies in a resource allow."""
    properties = at(resource, "Properties")
    roles, policies = as_list(at(properties, "Roles")), [properties]
    if at(resource, "Type") == ROLE:
        roles, policies = [{"Ref": key}], as_list(at(properties, "Policies"))
    for policy in policies:
        for statement in as_list(at(policy, "PolicyDocument.Statement")):
            if at(statement, "Effect") == "Allow":
                arns, actions = as_list(at(statement, "Resource")), as_list(at(statement, "Action"))
                for role, arn, action in product(roles, arns, actions):
                    yield role, arn, str(action)


def _pattern(arn: Json) -> str | None:
    """The node for the resources that an ARN matches; None for `*` and for no ARN."""
    match arn:
        case {"Fn::Join": ["", [*parts]]}:
            arn = "".join(part if isinstance(part, str) else "*" for part in parts)
    if not isinstance(arn, str) or arn.count(":") < 5:
        return None
    _, _, service, _, _, resource = arn.split(":", 5)
    # Without the sub-resource pattern: `table/a-*/*` are the indexes on `table/a-*`.
    resource = re.sub(r"(\*.*)[/:]\*$", r"\1", resource)
    node = re.sub(r"\W+", "_", f"{service}_{resource}")
    return f'{node}["{service}<br>{resource}"]'
