"""The repository retains its images, its tags are immutable, and Lambda functions can pull."""

import json
from collections.abc import Callable

import pytest
from aws_cdk.assertions import Template

from stacks.core.environment import InvalidEnvironmentError
from stacks.registry.stack import REPOSITORY_NAME, RegistryStack
from tests.support import ENVIRONMENT, new_test_app

EXPIRE_UNTAGGED = {
    "tagStatus": "untagged",
    "countType": "sinceImagePushed",
    "countNumber": 7,
    "countUnit": "days",
}


@pytest.fixture(scope="module")
def stack() -> RegistryStack:
    return RegistryStack(new_test_app(), ENVIRONMENT)


@pytest.fixture(scope="module")
def template(stack: RegistryStack) -> Template:
    return Template.from_stack(stack)


def lifecycle_rules(template: Template) -> list[dict[str, object]]:
    (repository,) = template.find_resources("AWS::ECR::Repository").values()
    policy = repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
    rules: list[dict[str, object]] = json.loads(policy)["rules"]
    return rules


def test_the_stack_contains_only_one_repository(template: Template) -> None:
    (resource,) = template.to_json()["Resources"].values()
    assert resource["Type"] == "AWS::ECR::Repository"


def test_images_are_scanned_immutable_encrypted_and_retained(template: Template) -> None:
    template.has_resource(
        "AWS::ECR::Repository",
        {
            "Properties": {
                "RepositoryName": "acme-ecr-test",
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "ImageTagMutability": "IMMUTABLE",
                "EncryptionConfiguration": {"EncryptionType": "AES256"},
            },
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        },
    )


def test_only_untagged_images_expire_after_a_week(template: Template) -> None:
    (rule,) = lifecycle_rules(template)
    assert rule["selection"] == EXPIRE_UNTAGGED
    assert rule["action"] == {"type": "expire"}


def test_lambda_pulls_images_for_functions_of_this_account_region_project_and_environment(
    template: Template,
) -> None:
    (repository,) = template.find_resources("AWS::ECR::Repository").values()
    (statement,) = repository["Properties"]["RepositoryPolicyText"]["Statement"]
    source = statement["Condition"].pop("ArnLike")["aws:SourceArn"]["Fn::Join"]
    assert source == [
        "",
        [
            "arn:",
            {"Ref": "AWS::Partition"},
            f":lambda:eu-central-1:{ENVIRONMENT.account}:function:acme-*-test",
        ],
    ]
    assert statement == {
        "Sid": "LambdaPullsImages",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ENVIRONMENT.account}},
    }


def test_the_stack_is_protected(stack: RegistryStack) -> None:
    assert stack.termination_protection


def test_an_environment_may_change_expiry_and_protection() -> None:
    stack = RegistryStack(
        new_test_app(), ENVIRONMENT, untagged_image_days=30, termination_protection=False
    )
    (rule,) = lifecycle_rules(Template.from_stack(stack))
    assert rule["selection"] == {**EXPIRE_UNTAGGED, "countNumber": 30}
    assert not stack.termination_protection


# Environment never produces these values, because its own rules are narrower than ECR's rule.
@pytest.mark.parametrize("name", ["images-", "a--b", "Images", "r" * 257])
def test_a_repository_name_that_ecr_refuses_is_refused(name: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"repository name '{name}': .*ECR API"):
        REPOSITORY_NAME.check(name)


def test_a_repository_name_of_256_characters_is_accepted() -> None:
    assert REPOSITORY_NAME.check("r" * 256) == "r" * 256


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
