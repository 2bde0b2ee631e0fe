"""RegistryStack: the container image repository."""

import re

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment, NamingRule
from stacks.core.findings import acknowledge
from stacks.registry import exports

REPOSITORY_NAMING = NamingRule(
    "repository name",
    re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*"),
    256,
    "lower-case letters, digits and single separators",
    "ECR API reference, CreateRepository",
)


class RegistryStack(DomainStack):
    """The repository for images that Lambda functions and Fargate tasks run."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        untagged_image_days: int = 7,
        termination_protection: bool = True,
    ) -> None:
        """Set after how many days ECR deletes an untagged image.

        Raises `InvalidEnvironmentError` if the environment gives an invalid repository name.
        """
        super().__init__(
            scope,
            environment,
            domain="registry",
            description="Wealth-Ops image repository for Lambda functions and Fargate tasks",
            termination_protection=termination_protection,
        )
        repository = ecr.Repository(
            self,
            "Repository",
            repository_name=REPOSITORY_NAMING.check(environment.resource_name("ecr")),
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            # A rule by age without a tag filter deletes every old image, including those that
            # functions run (aws/aws-cdk#28885).
            lifecycle_rules=[
                ecr.LifecycleRule(
                    description="Expire untagged images",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(untagged_image_days),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        repository.add_to_resource_policy(self._lambda_pulls_images())
        _encrypt(repository)
        acknowledge(
            repository,
            "Images contain code, not data. All principals that pull would also have the KMS key",
            "checkov::CKV_AWS_136",
        )

        self.publish(exports.REPOSITORY_NAME, repository.repository_name)
        self.publish(exports.REPOSITORY_ARN, repository.repository_arn)
        self.publish(exports.REPOSITORY_URI, repository.repository_uri)

    def _lambda_pulls_images(self) -> iam.PolicyStatement:
        # The Lambda service, not the function's role, pulls a function's image (Lambda developer
        # guide, "Amazon ECR permissions"). The ARN excludes functions in other accounts, regions,
        # projects and environments. No condition on aws:SourceAccount: AWS documents only
        # aws:SourceArn for this call, as in the CDK bootstrap's own repository, and a condition on
        # a key that a request does not have is false (IAM user guide, "Condition operators").
        name = self.environment_settings.resource_pattern
        functions = [f"function:{name}", f"function:{name}:*"]  # the second: a version or alias
        return iam.PolicyStatement(
            sid="LambdaPullsImages",
            principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
            actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            conditions={
                "ArnLike": {
                    "aws:SourceArn": [self.arn("lambda", function) for function in functions]
                },
            },
        )


def _encrypt(repository: ecr.Repository) -> None:
    # AES256 is also ECR's default. The template sets the encryption, because it cannot change
    # after creation and the L2 construct omits it.
    resource = repository.node.default_child
    assert isinstance(resource, ecr.CfnRepository)
    resource.encryption_configuration = ecr.CfnRepository.EncryptionConfigurationProperty(
        encryption_type="AES256"
    )
