"""StorageStack: the data bucket, which outlives every stack, function and mistake."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.core.base import DomainStack
from stacks.core.environment import Environment
from stacks.core.findings import acknowledge
from stacks.storage import exports
from stacks.storage.layout import Tier

# Tiers that grow with every trading day and are read less and less: S3 moves each object to the
# cheapest class for how often it is read, with no retrieval fee (S3 user guide,
# Intelligent-Tiering).
COOLING_TIERS = (Tier.RAW, Tier.PROCESSED)


class StorageStack(DomainStack):
    """The bucket for every object of the system; `layout` says where each one lies."""

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            environment,
            domain="storage",
            description="Wealth-Ops data bucket: market data, models and artifacts",
            termination_protection=True,
        )
        bucket = s3.Bucket(
            self,
            "DataBucket",
            bucket_name=environment.data_bucket_name,
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=lifecycle_rules(),
            # Also sets UpdateReplacePolicy: a replaced bucket stays too.
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        # `event_bridge_enabled` of the L2 would add a Lambda function and a role to do this.
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        acknowledge(
            bucket,
            "Access to objects is to be audited by CloudTrail data events of the account's trail; "
            "server access logs are best effort and need a second bucket to guard",
            "AwsSolutions::AwsSolutions-S1",
            "NIST.800.53.R5::NIST.800.53.R5-S3BucketLoggingEnabled",
            "checkov::CKV_AWS_18",
        )
        acknowledge(
            bucket,
            "Versioning and retention guard against deletion; market data can be fetched again and "
            "models trained again, so a copy in a second region is not worth its cost",
            "NIST.800.53.R5::NIST.800.53.R5-S3BucketReplicationEnabled",
        )
        acknowledge(
            bucket,
            "SSE-S3 encrypts every object; a KMS key would stop readers with s3:GetObject but "
            "without the key, and the only readers are the two roles, which would have both",
            "NIST.800.53.R5::NIST.800.53.R5-S3DefaultEncryptionKMS",
        )

        self.publish(exports.DATA_BUCKET_NAME, bucket.bucket_name)
        self.publish(exports.DATA_BUCKET_ARN, bucket.bucket_arn)


def lifecycle_rules() -> list[s3.LifecycleRule]:
    """The bucket's lifecycle; none of it ever expires a current object."""
    return [
        s3.LifecycleRule(
            id="abort-unfinished-uploads",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        ),
        s3.LifecycleRule(
            id="expire-noncurrent-versions", noncurrent_version_expiration=cdk.Duration.days(90)
        ),
        *(
            s3.LifecycleRule(
                id=f"cool-{tier}",
                prefix=f"{tier}/",
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=cdk.Duration.days(0),
                    )
                ],
            )
            for tier in COOLING_TIERS
        ),
    ]
