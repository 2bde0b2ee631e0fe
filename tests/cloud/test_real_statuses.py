"""The result of verbs for stack statuses that the local cloud sets.

test_statuses.py tests every status with a fake stack.
"""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT, Project, Tools
from tests.support import entered, put_image
from tools.local_cloud.client import LocalCloud

AWS = ("--to", "aws", "--yes")
BUCKET = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n"
REPOSITORY = {"Repository": {"Type": "AWS::ECR::Repository"}}
# Creates the repository, and fails after a second.
FAILS = {
    **REPOSITORY,
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Wait": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
        "DependsOn": "Repository",
    },
}


@pytest.fixture(autouse=True)
def root(cloud: LocalCloud) -> Iterator[None]:
    """Make boto3 use the root user of the account."""
    with entered(cloud, account=ACCOUNT):
        yield


def create(name: str, template: str, *, is_protected: bool = False) -> None:
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=template,
        DisableRollback=True,
        EnableTerminationProtection=is_protected,
    )


def settled(name: str) -> str:
    """Wait until no operation changes the stack; return the status of the stack."""
    while True:
        found = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not re.search("(?<!REVIEW)_IN_PROGRESS", found["StackStatus"]):
            return found["StackStatus"]
        time.sleep(0.05)


def resource_of(name: str, kind: str) -> str:
    """The physical name of the stack's resource of a type."""
    found = boto3.client("cloudformation").describe_stack_resources(StackName=name)
    (resource,) = (each for each in found["StackResources"] if each["ResourceType"] == kind)
    return resource["PhysicalResourceId"]


def test_a_failed_creation_is_rolled_back_and_deployed_again(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    create(name, json.dumps({"Resources": FAILS}), is_protected=True)
    assert settled(name) == "CREATE_FAILED"
    # CloudFormation cannot delete a repository with images.
    put_image(resource_of(name, "AWS::ECR::Repository"))
    refused = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    printed = re.search(rf"\({name}\) is CREATE_FAILED.*Run:\n  uv run (.*)", refused.output)
    assert printed
    program, *arguments = shlex.split(printed[1])
    command = [str(Path(sys.executable).parent / program), *arguments]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert settled(name) == "ROLLBACK_FAILED"
    done = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    assert f"Turned off the termination protection of StorageStack ({name})." in done.output
    assert done.status == 0, done.output
    assert settled(name) == "CREATE_COMPLETE"


def test_stacks_in_different_statuses_are_retained_or_destroyed(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    names = {key: stack.name for key, stack in project.stacks.items()}
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_change_set(
        StackName=names["StorageStack"],
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=BUCKET,
    )
    assert settled(names["StorageStack"]) == "REVIEW_IN_PROGRESS"
    create(names["RegistryStack"], json.dumps({"Resources": REPOSITORY}))
    assert settled(names["RegistryStack"]) == "CREATE_COMPLETE"
    repository = resource_of(names["RegistryStack"], "AWS::ECR::Repository")
    put_image(repository)
    cloudformation.delete_stack(StackName=names["RegistryStack"])
    assert settled(names["RegistryStack"]) == "DELETE_FAILED"
    boto3.client("ecr").delete_repository(repositoryName=repository, force=True)
    # The template is YAML, and the protection was turned on by hand.
    create(names["IdentityStack"], BUCKET, is_protected=True)
    assert settled(names["IdentityStack"]) == "CREATE_COMPLETE"
    flags = ("IdentityStack", "--exclusively", *AWS)
    drifted = tools("drift", *flags, app=project.folder, **account)
    assert drifted.status == 1
    assert "IdentityStack termination protection: False -> True" in drifted.output
    assert "Number of resources with drift: 0" in drifted.output
    retained = tools("destroy", *AWS, app=project.folder, **account)
    for key, name in names.items():
        assert f"{key} ({name}) is retained: it has termination protection" in retained.output
    bucket = resource_of(names["IdentityStack"], "AWS::S3::Bucket")
    done = tools("destroy", *AWS, "--unprotect", app=project.folder, **account)
    assert done.status == 0, done.output
    assert f"Will be retained: AWS::S3::Bucket {bucket}" in done.output
    assert done.output.count("Will be retained: ") == 1
    after = tools("destroy", *AWS, app=project.folder, **account)
    assert after.output.count("does not exist") == len(names)
