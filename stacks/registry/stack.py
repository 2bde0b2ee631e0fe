"""RegistryStack: the repository of container images."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge
from stacks.registry import exports


class RegistryStack(DomainStack):
    """The repository that Lambda functions and Fargate tasks get their images from."""

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            environment,
            domain="registry",
            description="Wealth-Ops image repository for Lambda functions and Fargate tasks",
            termination_protection=True,
        )
        repository = ecr.Repository(
            self,
            "Repository",
            repository_name=environment.repository_name,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            # No rule may count a tagged image's age: a rule by age without a tag filter would
            # delete images that running functions still need (aws/aws-cdk#28885).
            lifecycle_rules=[
                ecr.LifecycleRule(
                    description="Expire untagged images",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(7),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        # Also the default of ECR; written out because it can never be changed after creation, and
        # the L2 leaves AES256 out of the template.
        resource = repository.node.default_child
        assert isinstance(resource, ecr.CfnRepository)
        resource.encryption_configuration = ecr.CfnRepository.EncryptionConfigurationProperty(
            encryption_type="AES256"
        )
        acknowledge(
            repository,
            "Images hold code, no data; whoever may pull them would have the KMS key as well",
            "checkov::CKV_AWS_136",
        )

        self.publish(exports.REPOSITORY_NAME, repository.repository_name)
        self.publish(exports.REPOSITORY_ARN, repository.repository_arn)
        self.publish(exports.REPOSITORY_URI, repository.repository_uri)
