"""Each verb, from the command line to the exit status."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import WaiterError

from tests.cloud.conftest import Project, Tools
from tests.support import entered
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.deployment import compare, operation
from tools.deployment.operation import Operation
from tools.errors import UserError
from tools.local_cloud.client import LocalCloud

ADOPT = "--import-existing-resources"
Command = tuple[str, ...]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """Replace the CDK CLI by status 7; return its command lines."""
    noted: list[Command] = []

    def note(_: Operation, step: str, *words: str) -> tuple[int, str]:
        del step
        noted.append(words)
        return 7, ""

    monkeypatch.setattr(Operation, "cdk", note)
    return noted


@pytest.fixture
def root(cloud: LocalCloud) -> Iterator[None]:
    """Makes boto3 the root user of the shared local cloud."""
    with entered(cloud):
        yield


def test_a_destroyed_environment_retains_its_data(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        return tools(*arguments, app=project.folder, **here)

    storage = project.stacks["StorageStack"]
    status, output = run("deploy")
    assert status == 0, output
    assert re.search(r"StorageStack \(.*\) +│ CREATE_COMPLETE +│ [\d.]+ ", output)
    status, output = run("destroy", "StorageStack", "--yes")
    assert status == 1
    assert f"StorageStack ({storage.name}) is retained" in output
    assert "IdentityStack" not in output
    status, output = run("destroy", "RegistryStack", "--unprotect")
    assert status == 2
    assert "IdentityStack will also be deleted: it depends on RegistryStack." in output
    assert "There is no terminal for the question. Add --yes." in output
    # A protected stack in the arguments fails the command; the other stacks are deleted.
    assert run("destroy", "StorageStack", "IdentityStack", "--yes")[0] == 1
    status, output = run("destroy", "IdentityStack", "--yes")
    assert status == 0
    assert "does not exist" in output
    status, output = run("destroy", "--yes")
    assert status == 0
    assert output.count("is retained: it has termination protection") == 2
    assert "be retained:" not in output
    status, output = run("destroy", "--unprotect", "--yes")
    assert status == 0, output
    identity = project.stacks["IdentityStack"].name
    assert f"IdentityStack ({identity}) does not exist." in output
    assert f"Will be retained: AWS::S3::Bucket {project.bucket}\n" in output
    assert f"Will be retained: AWS::ECR::Repository {project.repository}\n" in output
    assert output.count("The local cloud cannot adopt retained resources.") == 1
    assert run("destroy", "--yes")[0] == 0
    for flags in ([], [ADOPT]):
        status, output = run("deploy", "RegistryStack", *flags)
        assert status == 1
        assert "The local cloud cannot adopt the resource. To start with an empty" in output


def test_a_stack_that_lost_its_termination_protection_is_reported_and_still_protected(
    tools: Tools, here: dict[str, str], project: Project, root: None
) -> None:
    del root
    done = tools("deploy", "StorageStack", "--to=local", app=project.folder, **here)
    assert done.status == 0, done.output
    boto3.client("cloudformation").update_termination_protection(
        StackName=project.stacks["StorageStack"].name, EnableTerminationProtection=False
    )
    status, output = tools("drift", "StorageStack", "--to=local", app=project.folder, **here)
    assert status == 1
    assert "StorageStack termination protection: True -> False" in output
    assert "A deploy reverts these changes." in output
    assert "Undo the drift" not in output
    flags = ("--yes", "--to=local")
    assert tools("destroy", "StorageStack", *flags, app=project.folder, **here).status == 1


def test_a_stack_whose_creation_failed_is_created_by_the_next_deploy(
    tools: Tools, here: dict[str, str], project: Project, root: None
) -> None:
    del root
    name = project.stacks["StorageStack"].name
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{name}-taken"}}
    boto3.client("s3").create_bucket(Bucket=f"{name}-taken")
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Bucket": bucket}}),
        EnableTerminationProtection=True,
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1}
        )
    status, output = tools("deploy", "StorageStack", "--to=local", app=project.folder, **here)
    assert status == 0, output
    assert "CREATE_COMPLETE" in output


def test_a_deploy_that_fails_after_some_changes_is_continued_by_the_next_deploy(
    tools: Tools, here: dict[str, str], project: Project, root: None
) -> None:
    del root
    first = tools("deploy", "RegistryStack", "--to=local", app=project.folder, **here)
    assert first.status == 0, first.output
    # The preflight check does not see the existing bucket, because a function computes its name.
    template = project.folder / project.stacks["StorageStack"].template
    text, name = template.read_text(), f'"BucketName": "{project.bucket}"'
    template.write_text(text.replace(name, f'"BucketName": {{"Fn::Sub": "{project.bucket}"}}'))
    boto3.client("s3").create_bucket(Bucket=project.bucket)
    status, output = tools("deploy", "--to=local", app=project.folder, **here)
    assert status == 1
    assert f"RegistryStack ({project.stacks['RegistryStack'].name}) (no changes)" in output
    assert "completed changes remain" in output
    assert re.search(r"IdentityStack \(.*\) +│ does not exist", output)
    boto3.client("s3").delete_bucket(Bucket=project.bucket)
    template.write_text(text)
    status, output = tools("deploy", "--to=local", app=project.folder, **here)
    assert status == 0, output
    finished = output.partition("Status, name or ARN")[2].count("CREATE_COMPLETE")
    assert finished == len(project.stacks)


def test_the_local_cloud_reverts_no_drift(tools: Tools, here: dict[str, str]) -> None:
    status, output = tools("deploy", "--revert-drift", **here)
    assert status == 1
    assert "The local cloud ignores --revert-drift" in output


def test_drift_names_stacks_that_are_not_deployed(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    status, output = tools("drift", app=project.folder, **here)
    assert status == 1
    assert "No stack is deployed. Run in the account 000000000000 (" in output
    assert "uv run nox -s deploy -- --to local" in output
    done = tools("deploy", "StorageStack", app=project.folder, **here)
    assert done.status == 0, done.output
    status, output = tools("drift", app=project.folder, **here)
    assert status == 1
    others = {key: stack.name for key, stack in project.stacks.items() if key != "StorageStack"}
    for key, name in others.items():
        assert f"{key} ({name}) is not deployed." in output
    assert "Number of resources with drift: 0" in output
    assert "Undo the drift" not in output
    assert f"uv run nox -s deploy -- --to local --environment {DEFAULT_ENVIRONMENT}" in output
    assert output.splitlines()[-2].endswith(f" {' '.join(others)}")
    assert f"({', '.join(f'{name} in us-east-1' for name in others.values())}):" in output


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--to=local"], ["diff", "--method=template"]),
        (["--to=local", "--method=change-set"], ["diff", "--method=change-set"]),
        (["--to=aws"], ["diff"]),
    ],
)
def test_a_local_diff_compares_templates_unless_a_method_is_given(
    tools: Tools,
    account: dict[str, str],
    here: dict[str, str],
    commands: list[Command],
    ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    expected: list[str],
) -> None:
    monkeypatch.setattr(compare, "ensure_bootstrapped", lambda _: None)
    assert tools("diff", *flags, **account | here).status == 7
    assert set(commands[-1]) == {*expected, *ids}


def test_a_failed_deploy_shows_the_next_command(
    tools: Tools, account: dict[str, str], commands: list[Command], project: Project
) -> None:
    for flags, concurrency in (([], len(project.stacks)), (["--concurrency=2"], 2)):
        done = tools("deploy", "--to=aws", "--yes", *flags, app=project.folder, **account)
        assert done.status == 7
        assert "Fix the cause that cdk shows above. Run in the account " in done.output
        assert "\n  uv run nox -s deploy -- --to aws " in done.output
        assert done.output.count("does not exist") == len(project.stacks)
        assert "--exclusively" in commands[-1]
        given = [word for word in commands[-1] if "concurrency" in word]
        assert given == [f"--concurrency={concurrency}"]


def test_the_table_survives_credentials_that_expire_during_the_deploy(
    tools: Tools, account: dict[str, str], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UserError("ExpiredToken")

    def expire(*_: object) -> tuple[int, str]:
        monkeypatch.setattr(Operation, "find", refuse)
        return 7, ""

    monkeypatch.setattr(Operation, "cdk", expire)
    status, output = tools("deploy", "--to=aws", "--yes", app=project.folder, **account)
    assert status == 7
    assert output.count("not known") == len(project.stacks)


def test_a_bootstrap_of_the_local_cloud_that_fails_ends_the_deploy(
    tools: Tools, tmp_path: Path, commands: list[Command]
) -> None:
    status, output = tools("deploy", WEALTH_OPS_CLOUD=str(tmp_path))
    assert status == 7
    assert "The bootstrap of the local cloud failed" in output
    (command,) = commands
    assert command[0] == "bootstrap"


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("", 1), ("y", 7), (None, 1)])
def test_only_the_answer_yes_starts_the_operation(
    tools: Tools,
    account: dict[str, str],
    commands: list[Command],
    monkeypatch: pytest.MonkeyPatch,
    answer: str | None,
    status: int,
) -> None:
    def type_answer(*_: object) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(operation, "is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", type_answer)
    done = tools("bootstrap", **account)
    assert done.status == status
    assert ("Nothing was done." in done.output) is not bool(commands)
