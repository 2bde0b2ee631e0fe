"""A deploy that fails, and stacks that drift, on the local cloud."""

import re
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from tests.clouds import Project, Tools
from tests.tools.deployment.assemblies import (
    TOPIC,
    Stack,
    create,
    log_group,
    stack_name,
    status,
    write,
)
from tools.cdk_cli.assembly import Json
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT

pytestmark = pytest.mark.usefixtures("entered_cloud")


def test_a_failed_deploy_names_what_exists_and_the_printed_command_adopts_it(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    name = project.stacks["StorageStack"].name
    boto3.client("s3").create_bucket(Bucket=project.bucket)
    code, output = tools("deploy", "--to=local", app=project.folder, **here)
    assert code == 1
    assert "CREATE_FAILED" in output.partition("cdk failed. Its whole output:")[2]
    table = output.partition("Status, name or ARN")[2]
    for each in ("ROLLBACK_COMPLETE", "CREATE_COMPLETE", "does not exist"):
        assert table.count(each) == 1
    reason = f"with identifier '{project.bucket}' already exists."
    assert f"{name}: Resource of type 'AWS::S3::Bucket' {reason}\n" in output
    assert output.endswith(f" --app {project.folder} --import-existing-resources\n")
    # The failed stack has termination protection, so cdk alone could not delete it.
    adopt = ("--import-existing-resources", "--verbose")
    code, output = tools("deploy", "--to=local", *adopt, app=project.folder, **here)
    assert code == 0, output
    assert f"Turned off the termination protection of StorageStack ({name})." in output
    assert f"{name} | " in output
    assert f"RegistryStack ({project.stacks['RegistryStack'].name}) (no changes)" in output
    found = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert found["EnableTerminationProtection"]


def test_a_failed_creation_names_what_it_retained_and_the_next_deploy_adopts_it(
    tools: Tools, here: dict[str, str], tmp_path: Path
) -> None:
    project, group = "leftover", "/leftover/job"
    name = stack_name(project, "job")
    unnamed = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    good: dict[str, Json] = {"Log": log_group(group), "Unnamed": unnamed}
    policy: dict[str, Json] = {"PolicyName": "any", "PolicyDocument": {}, "Roles": ["missing"]}
    bad: Json = {"Type": "AWS::IAM::Policy", "DependsOn": [*good], "Properties": policy}
    app = write(tmp_path / "bad", project, {"job": Stack({**good, "Bad": bad})})
    done = tools("deploy", "--to=local", app=app, **here)
    assert done.status == 1
    assert status(name) == "ROLLBACK_COMPLETE"
    after = done.output.partition("completed changes remain.\n")[2].splitlines()
    left = f"{name}: AWS::Logs::LogGroup {group} already exists: the failed creation retained it."
    assert left in after
    assert after[-1].endswith("--import-existing-resources")
    app = write(tmp_path / "good", project, {"job": Stack(good)})
    done = tools("deploy", "--to=local", "--import-existing-resources", app=app, **here)
    assert done.status == 0, done.output
    assert status(name) == "CREATE_COMPLETE"


def test_drift_names_stacks_that_are_not_deployed_or_not_protected(
    tools: Tools, here: dict[str, str], tmp_path: Path
) -> None:
    stacks = {"data": Stack({"One": TOPIC}, is_protected=True), "other": Stack({"One": TOPIC})}
    app = write(tmp_path, "unprotected", stacks)
    other = stack_name("unprotected", "other")
    code, output = tools("drift", "--to=local", app=app, **here)
    assert code == 1
    assert "No stack is deployed. Run in the account 000000000000 (" in output
    assert "uv run nox -s deploy -- --to local" in output
    create("unprotected", "data", replace(stacks["data"], is_protected=False))
    code, output = tools("drift", "--to=local", app=app, **here)
    assert code == 1
    assert "data termination protection: True -> False" in output
    assert re.findall(r"^(.+) is not deployed\.", output, re.MULTILINE) == [f"other ({other})"]
    assert "Number of resources with drift: 0" in output
    assert "Undo the drift" not in output
    assert "A deploy reverts these changes. Run in the account 000000000000 (" in output
    assert f"uv run nox -s deploy -- --to local --environment {DEFAULT_ENVIRONMENT}" in output
