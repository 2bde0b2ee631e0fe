"""The resource types that the local cloud lacks, in templates with conditions and nested stacks."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.accounts import entered
from tools.local_cloud.client import LocalCloud
from tools.local_cloud.resource_types import missing_types

BUDGET = "AWS::Budgets::Budget"


@pytest.fixture
def root(cloud: LocalCloud) -> Iterator[None]:
    """Makes boto3 the root user in the shared local cloud, which has no bootstrap parameters."""
    with entered(cloud, account="444455556666"):
        yield


def missing(folder: Path, **sections: object) -> set[str]:
    """The missing types in a template with `sections`."""
    (folder / "a.template.json").write_text(json.dumps(sections))
    return missing_types(boto3.client("cloudformation"), folder, "a.template.json")


@pytest.mark.usefixtures("root")
def test_the_types_that_the_local_cloud_lacks_are_named(tmp_path: Path) -> None:
    types = ["AWS::S3::Bucket", BUDGET, "AWS::CloudTrail::Trail", "AWS::S3::Typo"]
    # As many resources as a stack may have exceed the request size.
    resources = {
        f"{'Name' * 20}{number}": {"Type": name, "Properties": {"Name": "x" * 100}}
        for number, name in enumerate(types * 125)
    }
    found = missing(tmp_path, Resources=resources)
    assert found == {BUDGET, "AWS::CloudTrail::Trail", "AWS::S3::Typo"}


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    "name",
    [
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::CustomResource",
        "AWS::CloudFormation::WaitConditionHandle",
        "Custom::VpcRestrictDefaultSG",
    ],
)
def test_the_types_of_the_cdk_and_custom_resources_are_not_missing(
    tmp_path: Path, name: str
) -> None:
    assert missing(tmp_path, Resources={"Any": {"Type": name}}) == set()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ({"Type": "String", "Default": "large"}, {BUDGET}),
        ({"Type": "String", "Default": "small"}, set()),
        # The value is not known before the deploy.
        ({"Type": "String"}, {BUDGET}),
    ],
)
def test_only_a_resource_with_a_false_condition_may_have_a_missing_type(
    tmp_path: Path, size: dict[str, str], expected: set[str]
) -> None:
    # Every CDK stack has this parameter. It has no value before the bootstrap.
    version = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/x/version"}
    found = missing(
        tmp_path,
        Parameters={"BootstrapVersion": version, "Size": size},
        Conditions={"Large": {"Fn::Equals": [{"Ref": "Size"}, "large"]}},
        Resources={"Any": {"Type": BUDGET, "Condition": "Large"}},
    )
    assert found == expected


@pytest.mark.usefixtures("root")
def test_an_empty_stack_lacks_nothing(tmp_path: Path) -> None:
    assert missing(tmp_path) == set()


@pytest.mark.usefixtures("root")
def test_the_types_of_nested_stacks_are_included(tmp_path: Path) -> None:
    nested = {"Resources": {"Any": {"Type": BUDGET}}}
    (tmp_path / "b.nested.template.json").write_text(json.dumps(nested))
    stack = {"Type": "AWS::CloudFormation::Stack"}
    of_the_cdk = {**stack, "Metadata": {"aws:asset:path": "b.nested.template.json"}}
    function = {"Type": "AWS::Lambda::Function", "Metadata": {"aws:asset:path": "asset.1"}}
    assert missing(tmp_path, Resources={"A": stack, "B": function}) == set()
    assert missing(tmp_path, Resources={"A": stack, "B": function, "C": of_the_cdk}) == {BUDGET}


@pytest.mark.usefixtures("root")
def test_a_template_with_a_transform_is_left_to_the_deploy(tmp_path: Path) -> None:
    resources = {"Fn::ForEach::Each": ["Name", ["A", "B"], {"${Name}": {"Type": BUDGET}}]}
    assert missing(tmp_path, Transform="AWS::LanguageExtensions", Resources=resources) == set()


@pytest.mark.usefixtures("root")
def test_another_error_of_a_template_is_left_to_the_deploy(tmp_path: Path) -> None:
    topic = {"Any": {"Type": "AWS::SNS::Topic"}}
    too_long = {"Size": {"Type": "String", "Default": "x" * 5_000}}
    assert missing(tmp_path, Parameters=too_long, Resources=topic) == set()
