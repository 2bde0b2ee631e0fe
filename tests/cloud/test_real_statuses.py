"""The result of verbs for stack statuses that the local cloud sets.

The local cloud does not set UPDATE_ROLLBACK_FAILED and IMPORT_ROLLBACK_FAILED. test_statuses.py
tests every status with a fake stack.
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
from tools.local_cloud.client import LocalCloud

AWS = ("--to", "aws", "--yes")
BUCKET = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n"
REPOSITORY: dict[str, object] = {"Type": "AWS::ECR::Repository"}


@pytest.fixture(autouse=True)
def root(cloud: LocalCloud) -> Iterator[None]:
    """Make boto3 use the root user of the account."""
    with cloud.entered(account=ACCOUNT):
        yield


def waiting(seconds: int) -> str:
    """A template with a repository, and a resource that fails after `seconds`."""
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": str(seconds)}
    wait = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": properties,
        "DependsOn": "Repository",
    }
    return json.dumps({"Resources": {"Repository": REPOSITORY, "Handle": handle, "Wait": wait}})


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


def put_image(name: str) -> str:
    """Put an image into the repository, so its deletion fails; return the repository's name."""
    found = boto3.client("cloudformation").describe_stack_resources(StackName=name)
    (repository,) = (
        resource["PhysicalResourceId"]
        for resource in found["StackResources"]
        if resource["ResourceType"] == REPOSITORY["Type"]
    )
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    boto3.client("ecr").put_image(repositoryName=repository, imageManifest=json.dumps(manifest))
    return str(repository)


def run_printed_command(output: str) -> None:
    """Run the `cdk rollback` that the tools print."""
    found = re.search("Run: uv run (cdk rollback .*)", output)
    assert found
    program, *arguments = shlex.split(found[1])
    command = [str(Path(sys.executable).parent / program), *arguments]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_stack_with_an_operation_in_progress_is_refused(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    create(name, waiting(600))
    for verb in ("deploy", "drift", "destroy"):
        status, output = tools(verb, "StorageStack", *AWS, app=project.folder, **account)
        assert status == 1
        assert f"({name}) is CREATE_IN_PROGRESS: another operation is changing the stack" in output


def test_a_failed_creation_is_rolled_back_and_deployed_again(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    create(name, waiting(1), is_protected=True)
    assert settled(name) == "CREATE_FAILED"
    put_image(name)
    refused = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    assert f"({name}) is CREATE_FAILED" in refused.output
    run_printed_command(refused.output)
    assert settled(name) == "ROLLBACK_FAILED"
    drift = tools("drift", "StorageStack", *AWS, app=project.folder, **account)
    assert "Not deployed, so there is nothing to compare" in drift.output
    done = tools("deploy", "StorageStack", *AWS, app=project.folder, **account)
    assert done.status == 0, done.output
    assert settled(name) == "CREATE_COMPLETE"


def test_the_printed_command_rolls_back_a_failed_update(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    create(name, json.dumps({"Resources": {"Repository": REPOSITORY}}))
    assert settled(name) == "CREATE_COMPLETE"
    boto3.client("cloudformation").update_stack(
        StackName=name, TemplateBody=waiting(1), DisableRollback=True
    )
    assert settled(name) == "UPDATE_FAILED"
    for verb in ("drift", "deploy"):
        refused = tools(verb, "StorageStack", *AWS, app=project.folder, **account)
        assert f"({name}) is UPDATE_FAILED" in refused.output
    run_printed_command(refused.output)
    assert settled(name) == "UPDATE_ROLLBACK_COMPLETE"


def test_stacks_in_different_statuses_are_destroyed(
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
    create(names["RegistryStack"], json.dumps({"Resources": {"Repository": REPOSITORY}}))
    repository = put_image(names["RegistryStack"])
    cloudformation.delete_stack(StackName=names["RegistryStack"])
    assert settled(names["RegistryStack"]) == "DELETE_FAILED"
    refused = tools("deploy", "RegistryStack", *AWS, app=project.folder, **account)
    assert "is DELETE_FAILED, which allows no deploy. Finish the deletion first" in refused.output
    boto3.client("ecr").delete_repository(repositoryName=repository, force=True)
    create(names["IdentityStack"], BUCKET)
    assert settled(names["IdentityStack"]) == "CREATE_COMPLETE"
    found = cloudformation.describe_stack_resources(StackName=names["IdentityStack"])
    (bucket,) = (resource["PhysicalResourceId"] for resource in found["StackResources"])
    done = tools("destroy", *AWS, "--unprotect", app=project.folder, **account)
    assert done.status == 0, done.output
    assert f"Retained: AWS::S3::Bucket {bucket}" in done.output
    assert done.output.count("Retained: ") == 1
    after = tools("destroy", *AWS, app=project.folder, **account)
    assert after.output.count("does not exist") == len(names)


def test_a_protected_stack_with_a_yaml_template_is_compared_and_retained(
    tools: Tools, account: dict[str, str], project: Project
) -> None:
    name = project.stacks["IdentityStack"].name
    create(name, BUCKET, is_protected=True)
    assert settled(name) == "CREATE_COMPLETE"
    arguments = ("IdentityStack", "--exclusively", *AWS)
    done = tools("diff", *arguments, app=project.folder, **account)
    assert done.status == 0, done.output
    assert "[-] AWS::S3::Bucket Data" in done.output
    done = tools("drift", *arguments, app=project.folder, **account)
    assert done.status == 1
    assert "IdentityStack termination protection: False -> True" in done.output
    assert "Number of resources with drift: 0" in done.output
    done = tools("destroy", *arguments, app=project.folder, **account)
    assert done.status == 1
    assert f"IdentityStack ({name}) is retained: it has termination protection" in done.output
