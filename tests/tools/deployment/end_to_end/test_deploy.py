"""A deploy that fails, and stacks that drift, on the local cloud."""

from collections.abc import Iterator

import boto3
import pytest

from tests.accounts import entered
from tests.clouds import Project, Tools
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.local_cloud.client import LocalCloud


@pytest.fixture(autouse=True)
def root(cloud: LocalCloud) -> Iterator[None]:
    """Makes boto3 the root user in the shared local cloud."""
    with entered(cloud):
        yield


def test_a_failed_deploy_shows_what_cdk_says_and_the_next_deploy_continues_it(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    boto3.client("s3").create_bucket(Bucket=project.bucket)
    status, output = tools("deploy", "--to=local", app=project.folder, **here)
    assert status == 1
    assert "CREATE_FAILED" in output.partition("cdk failed. Its whole output:")[2]
    table = output.partition("Status, name or ARN")[2]
    for each in ("ROLLBACK_COMPLETE", "CREATE_COMPLETE", "does not exist"):
        assert table.count(each) == 1
    reason = f"with identifier '{project.bucket}' already exists."
    assert f"{name}: Resource of type 'AWS::S3::Bucket' {reason}\n" in output
    assert "cannot adopt existing resources. To start with an empty local cloud, " in output
    boto3.client("s3").delete_bucket(Bucket=project.bucket)
    # The failed stack has termination protection, so cdk alone could not delete it.
    status, output = tools("deploy", "--to=local", "--verbose", app=project.folder, **here)
    assert status == 0, output
    assert f"Turned off the termination protection of StorageStack ({name})." in output
    assert f"{name} | 3/3 | " in output
    assert f"RegistryStack ({project.stacks['RegistryStack'].name}) (no changes)" in output
    found = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert found["EnableTerminationProtection"]


def test_drift_names_stacks_that_are_not_deployed_or_not_protected(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    status, output = tools("drift", "--to=local", app=project.folder, **here)
    assert status == 1
    assert "No stack is deployed. Run in the account 000000000000 (" in output
    assert "uv run nox -s deploy -- --to local" in output
    done = tools("deploy", "StorageStack", "--to=local", app=project.folder, **here)
    assert done.status == 0, done.output
    boto3.client("cloudformation").update_termination_protection(
        StackName=project.stacks["StorageStack"].name, EnableTerminationProtection=False
    )
    status, output = tools("drift", "--to=local", app=project.folder, **here)
    assert status == 1
    assert "StorageStack termination protection: True -> False" in output
    for key, stack in project.stacks.items():
        assert (f"{key} ({stack.name}) is not deployed." in output) is (key != "StorageStack")
    assert "Number of resources with drift: 0" in output
    assert "Undo the drift" not in output
    assert "A deploy reverts these changes. Run in the account 000000000000 (" in output
    assert f"uv run nox -s deploy -- --to local --environment {DEFAULT_ENVIRONMENT}" in output
