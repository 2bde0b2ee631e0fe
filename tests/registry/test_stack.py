"""The repository keeps its images, and what a tag means never changes."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest
from aws_cdk.assertions import Template

from stacks.core.app import new_app
from stacks.core.environment import Environment
from stacks.registry import exports
from stacks.registry.stack import RegistryStack


@pytest.fixture(scope="module")
def stack() -> RegistryStack:
    return RegistryStack(new_app(), Environment())


@pytest.fixture(scope="module")
def template(stack: RegistryStack) -> Template:
    return Template.from_stack(stack)


def test_it_holds_one_repository_and_nothing_else(template: Template) -> None:
    (resource,) = template.to_json()["Resources"].values()
    assert resource["Type"] == "AWS::ECR::Repository"


def test_images_are_scanned_immutable_and_encrypted(template: Template) -> None:
    template.has_resource_properties(
        "AWS::ECR::Repository",
        {
            "RepositoryName": "wealth-ops-ecr-dev",
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "ImageTagMutability": "IMMUTABLE",
            "EncryptionConfiguration": {"EncryptionType": "AES256"},
            "Tags": [
                {"Key": "Environment", "Value": "dev"},
                {"Key": "ManagedBy", "Value": "aws-cdk"},
                {"Key": "Project", "Value": "wealth-ops"},
                {"Key": "Stack", "Value": "registry"},
            ],
        },
    )


def test_only_untagged_images_expire_and_after_a_week(template: Template) -> None:
    (repository,) = template.find_resources("AWS::ECR::Repository").values()
    policy = json.loads(repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])
    (rule,) = policy["rules"]
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countNumber": 7,
        "countUnit": "days",
    }
    assert rule["action"] == {"type": "expire"}


def test_the_repository_is_kept_on_delete_and_on_replacement(template: Template) -> None:
    template.has_resource(
        "AWS::ECR::Repository", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )


def test_the_stack_is_protected_named_and_described(
    stack: RegistryStack, template: Template
) -> None:
    assert stack.termination_protection
    assert stack.stack_name == "wealth-ops-registry-dev"
    assert template.to_json()["Description"] == (
        "Wealth-Ops image repository for Lambda functions and Fargate tasks"
    )


def test_it_publishes_what_it_declares_and_the_reviewed_file_promises(
    template: Template, check_exports: Callable[[Template, ModuleType], None]
) -> None:
    check_exports(template, exports)


def test_each_export_has_the_value_that_its_name_says(template: Template) -> None:
    outputs = template.to_json()["Outputs"]
    (repository,) = template.find_resources("AWS::ECR::Repository")
    values = {key: output["Value"] for key, output in outputs.items()}
    assert json.dumps(values.pop("RepositoryUri")).count(repository) == 3  # account, region, name
    assert values == {
        "RepositoryName": {"Ref": repository},
        "RepositoryArn": {"Fn::GetAtt": [repository, "Arn"]},
    }
