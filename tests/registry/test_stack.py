"""The repository retains its images, its tags are immutable, and Lambda functions can pull."""

import json
from collections.abc import Callable

import pytest
from aws_cdk.assertions import Template

from stacks.core.environment import InvalidEnvironmentError
from stacks.registry.stack import REPOSITORY_NAMING, RegistryStack
from tests.stacks import ENVIRONMENT, new_test_app


def check_expiry(template: Template, days: int) -> None:
    """Check the only lifecycle rule: untagged images expire after a number of days."""
    (repository,) = template.find_resources("AWS::ECR::Repository").values()
    policy = json.loads(repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])
    (rule,) = policy["rules"]
    assert rule["action"] == {"type": "expire"}
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countNumber": days,
        "countUnit": "days",
    }


def test_images_are_scanned_immutable_encrypted_and_retained() -> None:
    stack = RegistryStack(new_test_app(), ENVIRONMENT)
    assert stack.termination_protection
    template = Template.from_stack(stack)
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
    check_expiry(template, days=7)


def test_lambda_pulls_images_for_functions_of_this_account_region_project_and_environment() -> None:
    template = Template.from_stack(RegistryStack(new_test_app(), ENVIRONMENT))
    (repository,) = template.find_resources("AWS::ECR::Repository").values()
    (statement,) = repository["Properties"]["RepositoryPolicyText"]["Statement"]
    function = f":lambda:eu-central-1:{ENVIRONMENT.account}:function:acme-*-test"
    arns = [
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, arn]]}
        for arn in (function, f"{function}:*")
    ]
    assert statement == {
        "Sid": "LambdaPullsImages",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Condition": {"ArnLike": {"aws:SourceArn": arns}},
    }


def test_an_environment_may_change_expiry_and_protection() -> None:
    stack = RegistryStack(
        new_test_app(), ENVIRONMENT, untagged_image_days=30, termination_protection=False
    )
    check_expiry(Template.from_stack(stack), days=30)
    assert not stack.termination_protection


# Environment never produces these values, because its own rules are narrower than ECR's rule.
@pytest.mark.parametrize("name", ["images-", "a--b", "Images", "r" * 257])
def test_a_repository_name_that_ecr_refuses_is_refused(name: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=f"repository name '{name}': .*ECR API"):
        REPOSITORY_NAMING.check(name)
    assert REPOSITORY_NAMING.check("r" * 256) == "r" * 256


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
