"""A cloud assembly's templates, with nested stacks, and their values as text."""

import json
from pathlib import Path

import pytest

from stacks.core.environment import Environment
from stacks.core.templates import at, imports, items, read_templates
from tests.stacks import ENVIRONMENT

TAGS = {"Project": "acme", "Environment": "test"}


def write(folder: Path, name: str, **content: object) -> str:
    (folder / name).write_text(json.dumps(content))
    return name


def assembly(folder: Path, **stacks: object) -> Path:
    """A cloud assembly with stacks that have these properties, and an asset manifest."""
    artifacts: dict[str, object] = {"One.assets": {"type": "cdk:asset-manifest"}}
    for key, properties in stacks.items():
        artifacts[key] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/eu-central-1",
            "properties": properties,
        }
    write(folder, "manifest.json", artifacts=artifacts)
    return folder


def test_templates_are_read_with_nested_stacks_and_the_environment_of_the_stack(
    tmp_path: Path,
) -> None:
    def nested(name: str) -> dict[str, object]:
        return {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": name}}

    by_url = {"Type": "AWS::CloudFormation::Stack"}
    code = {"Type": "AWS::Lambda::Function", "Metadata": {"aws:asset:path": "asset.1"}}
    outer = {"Nested": nested("Nested.json"), "Url": by_url, "Function": code}
    write(tmp_path, "One.json", Resources=outer)
    write(tmp_path, "Nested.json", Resources={"Inner": nested("Inner.json")})
    write(tmp_path, "Inner.json")
    write(tmp_path, "Two.json")
    assembly(
        tmp_path,
        Two={"templateFile": "Two.json"},  # not a stack in this repository
        One={"templateFile": "One.json", "tags": TAGS},
    )
    found = read_templates(tmp_path)
    assert [template.file.name for template in found] == ["One.json", "Nested.json", "Inner.json"]
    environment = Environment(project="acme", name="test", region="eu-central-1")
    assert {(template.stack, template.environment) for template in found} == {("One", environment)}


def test_a_template_knows_its_resources_exports_and_imports(tmp_path: Path) -> None:
    join = {"Fn::Join": [":", ["acme", {"Ref": "AWS::Region"}]]}
    outputs = {"A": {"Value": "1", "Export": {"Name": join}}, "B": {"Value": "2"}}
    properties = {"Roles": [{"Fn::ImportValue": "x:A"}, {"Fn::ImportValue": {"Ref": "A"}}, 1]}
    resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}
    write(tmp_path, "One.json", Resources=resources, Outputs=outputs)
    assembly(tmp_path, One={"templateFile": "One.json", "tags": TAGS})
    (template,) = read_templates(tmp_path)
    assert template.resources["Role"].type == "AWS::IAM::Role"
    assert template.exports == ["acme:eu-central-1"]
    assert list(imports(template.content)) == ["x:A"]


GROUP = {"Fn::GetAtt": ["Group", "Arn"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("name", "name"),
        ({"Ref": "Table"}, "prices"),
        ({"Ref": "Role"}, "<Role>"),
        ({"Ref": "Group"}, "/acme/<Parameter>"),
        ({"Ref": "Topic"}, "<Topic>"),
        ({"Ref": "Parameter"}, "<Parameter>"),
        ({"Ref": "AWS::Region"}, "eu-central-1"),
        ({"Ref": "AWS::AccountId"}, "<AWS::AccountId>"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Table"}, "b"]]}, "a-prices-b"),
        ({"Fn::Select": [6, {"Fn::Split": [":", GROUP]}]}, "/acme/<Parameter>"),
        ({"Fn::Select": ["6", {"Fn::Split": [":", GROUP]}]}, "/acme/<Parameter>"),
        ({"Fn::Select": [9, {"Fn::Split": [":", GROUP]}]}, "<unknown>"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "<unknown>"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, "<unknown>"),
        ({"Fn::ImportValue": "acme-x-test:Key"}, "<acme-x-test:Key>"),
        ({"Fn::If": ["Condition", "a", "b"]}, "<unknown>"),
        (None, "<unknown>"),
    ],
)
def test_the_text_of_a_value_marks_what_is_known_only_at_deployment(
    tmp_path: Path, value: object, text: str
) -> None:
    group = {"Fn::Join": ["", ["/acme/", {"Ref": "Parameter"}]]}
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "prices"}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
        "Role": {"Type": "AWS::IAM::Role"},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "prices"}},
    }
    write(tmp_path, "One.json", Resources=resources)
    assembly(tmp_path, One={"templateFile": "One.json", "tags": TAGS})
    (template,) = read_templates(tmp_path)
    assert template.text(value) == text


def test_a_pinned_account_is_known(tmp_path: Path) -> None:
    write(tmp_path, "One.json")
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-central-1",
        "properties": {"templateFile": "One.json", "tags": TAGS},
    }
    write(tmp_path, "manifest.json", artifacts={"One": stack})
    (template,) = read_templates(tmp_path)
    assert template.environment == ENVIRONMENT
    assert template.text({"Ref": "AWS::AccountId"}) == "111122223333"


def test_values_of_another_type_have_no_keys_and_no_items() -> None:
    assert at({"a": {"b": 1}}, "a", "b") == 1
    assert at({"a": {"Fn::If": ["b"]}}, "a", "b", "c") is None
    assert items([1]) == [1]
    assert items({"Fn::If": ["Condition", [1], [2]]}) == []
