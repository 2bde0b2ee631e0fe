"""The resource types that the local cloud lacks, in templates with nested stacks."""

import json
from pathlib import Path

import boto3
import pytest

from tools.local_cloud.resource_types import missing_types

BUDGET = "AWS::Budgets::Budget"
pytestmark = pytest.mark.usefixtures("entered_cloud")


def missing(folder: Path, **sections: object) -> set[str]:
    """The missing types in a template with `sections`."""
    (folder / "a.template.json").write_text(json.dumps(sections))
    return missing_types(boto3.client("cloudformation"), folder, "a.template.json")


def test_the_types_that_the_local_cloud_lacks_are_named(tmp_path: Path) -> None:
    types = ["AWS::S3::Bucket", "AWS::CDK::Metadata", "Custom::Any", BUDGET, "AWS::S3::Typo"]
    # As many resources as a stack may have exceed the request size.
    resources = {
        f"{'Name' * 20}{number}": {"Type": name, "Properties": {"Name": "x" * 100}}
        for number, name in enumerate(types * 100)
    }
    assert missing(tmp_path, Resources=resources) == {BUDGET, "AWS::S3::Typo"}
    assert missing(tmp_path) == set()


def test_the_types_of_nested_stacks_are_included(tmp_path: Path) -> None:
    nested = {"Resources": {"Any": {"Type": BUDGET}}}
    (tmp_path / "b.nested.template.json").write_text(json.dumps(nested))
    stack = {"Type": "AWS::CloudFormation::Stack"}
    of_the_cdk = {**stack, "Metadata": {"aws:asset:path": "b.nested.template.json"}}
    function = {"Type": "AWS::Lambda::Function", "Metadata": {"aws:asset:path": "asset.1"}}
    assert missing(tmp_path, Resources={"A": stack, "B": function}) == set()
    assert missing(tmp_path, Resources={"A": stack, "B": function, "C": of_the_cdk}) == {BUDGET}


def test_a_template_with_a_transform_is_left_to_the_deploy(tmp_path: Path) -> None:
    resources = {"Fn::ForEach::Each": ["Name", ["A", "B"], {"${Name}": {"Type": BUDGET}}]}
    assert missing(tmp_path, Transform="AWS::LanguageExtensions", Resources=resources) == set()
