"""StorageStack: the data bucket, which is retained when its stack is deleted."""

import re

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from modules.data_bucket.keys import Tier
from stacks.core.base import DomainStack
from stacks.core.environment import Environment, NamingRule
from stacks.core.findings import acknowledge
from stacks.storage import exports

BUCKET_NAME = NamingRule(
    "bucket name",
    re.compile(
        r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]+[a-z0-9]"
        r"(?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)(?<!--table-s3)(?<!-an)"
    ),
    63,
    "3 to 63 lower-case letters, digits and hyphens, with no reserved prefix (xn--, sthree-, "
    "amzn-s3-demo-) or suffix (-s3alias, --ol-s3, --x-s3, --table-s3, -an)",
    "S3 user guide, general purpose bucket naming rules",
)
NONCURRENT_VERSION_DAYS = 90
# These tiers grow with every trading day, and old objects are read rarely. Intelligent-Tiering
# moves each object to the cheapest class for its use, with no retrieval fee (S3 user guide).
INTELLIGENT_TIERS = (Tier.RAW, Tier.PROCESSED)
# With 0 days, drift detection reports a change that nobody made
# (aws-cloudformation/cloudformation-coverage-roadmap#966). One day costs nothing: Standard costs
# the same as Intelligent-Tiering's first tier, and an object that is replaced every day never
# moves.
INTELLIGENT_TIERING_DAYS = 1


class StorageStack(DomainStack):
    """The bucket for every object in the system; `modules.data_bucket.keys` defines the keys."""

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        noncurrent_version_days: int = NONCURRENT_VERSION_DAYS,
        event_bridge: bool = True,
        termination_protection: bool = True,
    ) -> None:
        """Set how long noncurrent versions are retained, and whether S3 notifies EventBridge.

        Raises `InvalidEnvironmentError` if the environment gives an invalid bucket name.
        """
        super().__init__(
            scope,
            environment,
            domain="storage",
            description="Wealth-Ops data bucket: market data, models and artifacts",
            termination_protection=termination_protection,
        )
        bucket = s3.Bucket(
            self,
            "DataBucket",
            bucket_name=BUCKET_NAME.check(environment.resource_name("data")),
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=lifecycle_rules(noncurrent_version_days),
            # Also sets UpdateReplacePolicy: a replaced bucket is retained too.
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        if event_bridge:
            _notify_event_bridge(bucket)
        _acknowledge_findings(bucket)

        self.publish(exports.DATA_BUCKET_NAME, bucket.bucket_name)
        self.publish(exports.DATA_BUCKET_ARN, bucket.bucket_arn)


def lifecycle_rules(
    noncurrent_version_days: int = NONCURRENT_VERSION_DAYS,
) -> list[s3.LifecycleRule]:
    """The bucket's lifecycle rules. No rule expires a current object."""
    return [
        s3.LifecycleRule(
            id="abort-unfinished-uploads",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        ),
        s3.LifecycleRule(
            id="expire-noncurrent-versions",
            noncurrent_version_expiration=cdk.Duration.days(noncurrent_version_days),
        ),
        *(
            s3.LifecycleRule(
                id=f"cool-{tier}",
                prefix=f"{tier}/",
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=cdk.Duration.days(INTELLIGENT_TIERING_DAYS),
                    )
                ],
            )
            for tier in INTELLIGENT_TIERS
        ),
    ]


def _notify_event_bridge(bucket: s3.Bucket) -> None:
    # The L2 construct's `event_bridge_enabled` adds a Lambda function and a role (aws-cdk#24086).
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )


def _acknowledge_findings(bucket: s3.Bucket) -> None:
    acknowledge(
        bucket,
        "CloudTrail data events of the account's trail audit access to objects; server access logs "
        "are best effort and need a second bucket",
        "AwsSolutions::AwsSolutions-S1",
        "NIST.800.53.R5::NIST.800.53.R5-S3BucketLoggingEnabled",
        "checkov::CKV_AWS_18",
    )
    acknowledge(
        bucket,
        "Versioning and retention protect against deletion; market data can be downloaded again "
        "and models trained again, so a copy in a second region is not worth its cost",
        "NIST.800.53.R5::NIST.800.53.R5-S3BucketReplicationEnabled",
    )
    acknowledge(
        bucket,
        "SSE-S3 encrypts every object. A KMS key would stop only readers with s3:GetObject but "
        "without the key. The only readers are the two roles, which would have both",
        "NIST.800.53.R5::NIST.800.53.R5-S3DefaultEncryptionKMS",
    )
