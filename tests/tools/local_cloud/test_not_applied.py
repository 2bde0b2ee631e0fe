"""The local cloud applies all properties except those that docs/local-cloud.md names."""

from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from tools.project import ROOT

# docs/local-cloud.md names these properties in a sentence.
NOT_APPLIED = {"bucket LifecycleConfiguration", "bucket Tags"}
SENTENCE = "The local cloud does not apply the lifecycle rules and tags of buckets"
DEPLOYED = Environment()
BUCKET, REPOSITORY = DEPLOYED.resource_name("data"), DEPLOYED.resource_name("ecr")


def calls() -> dict[str, Callable[[], object]]:
    """The call that reads each property.

    The permission tests cover bucket policies and managed policies.
    """
    s3, ecr, iam = boto3.client("s3"), boto3.client("ecr"), boto3.client("iam")
    notifications = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    (repository,) = ecr.describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    arn = DEPLOYED.export_name("identity", "FargateTaskRoleArn")
    exports = boto3.client("cloudformation").list_exports()["Exports"]
    (name,) = (each["Value"].rpartition("/")[2] for each in exports if each["Name"] == arn)
    role = iam.get_role(RoleName=name)["Role"]
    return {
        "bucket BucketEncryption": lambda: s3.get_bucket_encryption(Bucket=BUCKET),
        "bucket LifecycleConfiguration": lambda: s3.get_bucket_lifecycle_configuration(
            Bucket=BUCKET
        ),
        "bucket NotificationConfiguration": lambda: "EventBridgeConfiguration" in notifications,
        "bucket OwnershipControls": lambda: s3.get_bucket_ownership_controls(Bucket=BUCKET),
        "bucket PublicAccessBlock": lambda: s3.get_public_access_block(Bucket=BUCKET),
        "bucket Tags": lambda: s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"],
        "bucket Versioning": lambda: s3.get_bucket_versioning(Bucket=BUCKET).get("Status"),
        "repository Encryption": lambda: repository["encryptionConfiguration"],
        "repository ImageScanning": lambda: repository["imageScanningConfiguration"]["scanOnPush"],
        "repository ImageTagMutability": lambda: repository["imageTagMutability"] == "IMMUTABLE",
        "repository LifecyclePolicy": lambda: ecr.get_lifecycle_policy(repositoryName=REPOSITORY),
        "repository Policy": lambda: ecr.get_repository_policy(repositoryName=REPOSITORY),
        "repository Tags": lambda: ecr.list_tags_for_resource(
            resourceArn=repository["repositoryArn"]
        )["tags"],
        "role AssumeRolePolicyDocument": lambda: role["AssumeRolePolicyDocument"],
        "role Description": lambda: role["Description"],
        "role Tags": lambda: iam.list_role_tags(RoleName=name)["Tags"],
    }


def is_applied(call: Callable[[], object]) -> bool:
    try:
        return bool(call())
    except ClientError:  # for example NoSuchLifecycleConfiguration
        return False


@pytest.mark.usefixtures("entered_cloud")
def test_the_local_cloud_applies_the_other_properties() -> None:
    assert {key for key, call in calls().items() if not is_applied(call)} == NOT_APPLIED


def test_the_documents_name_the_properties_that_the_local_cloud_does_not_apply() -> None:
    text = (ROOT / "docs" / "local-cloud.md").read_text()
    assert SENTENCE in " ".join(text.split())
