"""README.md names the properties that the local cloud does not apply."""

import json
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from tools.assembly import read_stacks
from tools.project import ROOT

NOT_APPLIED = {"AWS::S3::Bucket LifecycleConfiguration", "AWS::S3::Bucket Tags"}
SENTENCE = "The local cloud does not apply the lifecycle rules and tags of buckets"


def calls() -> dict[str, dict[str, Callable[[str], object]]]:
    """The call that reads each property, by resource type and property.

    The tests of permissions cover bucket policies and managed policies.
    """
    s3, ecr, iam = boto3.client("s3"), boto3.client("ecr"), boto3.client("iam")

    def repository(name: str) -> dict[str, object]:
        return {**ecr.describe_repositories(repositoryNames=[name])["repositories"][0]}

    def notifications(name: str) -> object:
        found = s3.get_bucket_notification_configuration(Bucket=name)
        return "EventBridgeConfiguration" in found

    return {
        "AWS::S3::Bucket": {
            "BucketEncryption": lambda name: s3.get_bucket_encryption(Bucket=name),
            "LifecycleConfiguration": lambda name: s3.get_bucket_lifecycle_configuration(
                Bucket=name
            ),
            "NotificationConfiguration": notifications,
            "OwnershipControls": lambda name: s3.get_bucket_ownership_controls(Bucket=name),
            "PublicAccessBlockConfiguration": lambda name: s3.get_public_access_block(Bucket=name),
            "Tags": lambda name: s3.get_bucket_tagging(Bucket=name)["TagSet"],
            "VersioningConfiguration": lambda name: s3.get_bucket_versioning(Bucket=name).get(
                "Status"
            ),
        },
        "AWS::ECR::Repository": {
            "EncryptionConfiguration": lambda name: repository(name)["encryptionConfiguration"],
            "ImageScanningConfiguration": lambda name: (
                repository(name)["imageScanningConfiguration"] == {"scanOnPush": True}
            ),
            "ImageTagMutability": lambda name: repository(name)["imageTagMutability"],
            "LifecyclePolicy": lambda name: ecr.get_lifecycle_policy(repositoryName=name),
            "RepositoryPolicyText": lambda name: ecr.get_repository_policy(repositoryName=name),
            "Tags": lambda name: ecr.list_tags_for_resource(
                resourceArn=str(repository(name)["repositoryArn"])
            )["tags"],
        },
        "AWS::IAM::Role": {
            "AssumeRolePolicyDocument": lambda name: iam.get_role(RoleName=name)["Role"][
                "AssumeRolePolicyDocument"
            ],
            "Description": lambda name: iam.get_role(RoleName=name)["Role"].get("Description"),
            "Tags": lambda name: iam.list_role_tags(RoleName=name)["Tags"],
        },
    }


def is_applied(call: Callable[[str], object], name: str) -> bool:
    try:
        return bool(call(name))
    except ClientError:  # for example NoSuchLifecycleConfiguration
        return False


def test_readme_names_the_properties_that_the_local_cloud_does_not_apply(
    assembly: Path, deployed_cloud: object
) -> None:
    del deployed_cloud
    table, not_applied, checked = calls(), set(), set()
    for stack in read_stacks(assembly):
        resources = json.loads((assembly / stack.template).read_text())["Resources"]
        deployed = boto3.client("cloudformation").describe_stack_resources(StackName=stack.name)
        names = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in deployed["StackResources"]
        }
        for logical_id, resource in resources.items():
            kind = resource["Type"]
            for key in resource["Properties"].keys() & table.get(kind, {}).keys():
                checked.add(f"{kind} {key}")
                if not is_applied(table[kind][key], names[logical_id]):
                    not_applied.add(f"{kind} {key}")
    assert checked == {f"{kind} {key}" for kind, keys in table.items() for key in keys}
    assert not_applied == NOT_APPLIED
    assert SENTENCE in " ".join((ROOT / "README.md").read_text().split())
