"""The verbs from their command line to their exit status, on a local cloud and as on AWS."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import WaiterError
from filelock import FileLock

from tools.assembly import read_stacks
from tools.console import UserError
from tools.deployment import deploy, operation, serve
from tools.deployment.__main__ import main, parse
from tools.deployment.operation import Operation, Options
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.project import ROOT

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """`main` is made for a process of its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(assembly: Path, cloud_folder: Path) -> Run:
    """Run a verb in this process, on a new local cloud unless it says otherwise."""
    del cloud_folder
    return lambda *arguments: main([*arguments, f"--app={assembly}"])


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """Stands in for AWS: what a person would have in his environment leads there."""
    with local_cloud(tmp_path / "account") as running:
        for key, value in running.environment({}, account="111122223333").items():
            monkeypatch.setenv(key, value)
        yield running


@pytest.fixture
def ready(account: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """The same, taken for bootstrapped."""
    monkeypatch.setattr(deploy, "TOOLKIT", "toolkit")
    with account.entered(account="111122223333"):
        cloudformation = boto3.client("cloudformation")
        handle = {"Resources": {"Any": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
        cloudformation.create_stack(StackName="toolkit", TemplateBody=json.dumps(handle))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="toolkit", WaiterConfig={"Delay": 1}
        )
    return account


def test_the_stacks_of_the_dev_environment_are_read_with_what_they_need(assembly: Path) -> None:
    stacks = read_stacks(assembly)
    names = {stack.id: stack.name for stack in stacks}
    foundation = {
        "StorageStack": "wealth-ops-storage-dev",
        "RegistryStack": "wealth-ops-registry-dev",
        "IdentityStack": "wealth-ops-identity-dev",
    }
    assert foundation.items() <= names.items()
    identity = next(stack for stack in stacks if stack.id == "IdentityStack")
    assert identity.dependencies == {"StorageStack", "RegistryStack"}
    assert identity.dependencies <= {stack.id for stack in stacks[: stacks.index(identity)]}
    assert {(s.account, s.region) for s in stacks} == {(None, "us-east-1")}


def test_flags_of_the_cdk_cli_are_passed_on_and_ours_are_not() -> None:
    options = parse(["deploy", "A", "--to", "aws", "--revert-drift", "B", "--yes"])
    assert options == Options(
        verb="deploy", stacks=["A", "B"], to="aws", yes=True, extra=("--revert-drift",)
    )


@pytest.mark.parametrize(("verb", "own"), [("destroy", "--unprotect"), ("cloud", "--port")])
def test_the_help_of_a_verb_is_about_that_verb(
    verb: str, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (verb, "deploy"):
        with pytest.raises(SystemExit, match="0"):
            main([asked, "--help"])
        said = "".join(capsys.readouterr())
        assert said.startswith(f"usage: nox -s {asked} -- [")
        assert (own in said) is (asked == verb)
    assert main(["deploy", own]) == 2
    assert f"There is no flag {own}." in "".join(capsys.readouterr())


@pytest.mark.parametrize("verb", ["deploy", "cloud"])
def test_a_flag_that_nobody_knows_is_refused_before_anything_is_done(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--no-exekute"]) == 2
    said = "".join(capsys.readouterr())
    assert "There is no flag --no-exekute." in said
    assert "Target" not in said


def test_a_value_that_stands_apart_from_its_flag_is_no_stack(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deploy", "--require-approval", "never") == 1
    said = "".join(capsys.readouterr())
    assert "There is no stack 'never'." in said
    assert "is written --flag=value" in said
    assert run("deploy", "never") == 1
    assert "--flag=value" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("arguments", [["dploy"], ["deploy", "--environment", "nowhere"], []])
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_stacks_are_deployed_and_destroyed_and_what_they_held_is_kept(
    run: Run, cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with local_cloud(cloud_folder):
        assert run("deploy") == 0
        said = "".join(capsys.readouterr())
        assert re.search(r"StorageStack +│ CREATE_COMPLETE +│ [\d.]+ ", said)
        assert run("deploy", "StorageStack") == 0
        assert "CREATE_COMPLETE, no changes" in "".join(capsys.readouterr())
        # What needs a stack goes with it, and stays with it.
        assert run("destroy", "StorageStack", "--yes") == 1
        said = "".join(capsys.readouterr())
        assert "StorageStack is left alone" in said
        assert "IdentityStack" not in said
        assert run("destroy", "RegistryStack", "--unprotect") == 2  # nobody to ask
        assert "IdentityStack goes, too: it needs RegistryStack." in "".join(capsys.readouterr())
        assert run("destroy", "--yes") == 0
        said = "".join(capsys.readouterr())
        assert "Kept" not in said
        assert "adopt" not in said
        assert "StorageStack is left alone" in said
        assert "RegistryStack is left alone" in said
        assert "IdentityStack" in said
        assert run("destroy", "--unprotect", "--yes") == 0
        said = "".join(capsys.readouterr())
        assert "IdentityStack does not exist." in said
        assert "Kept: AWS::S3::Bucket wealth-ops-data-dev\n" in said
        aside = f"mv {cloud_folder} {cloud_folder}-20"
        assert said.count("The local cloud cannot adopt it later.") == said.count(aside) == 1
        assert run("destroy", "--yes") == 0
        for flags in ([], ["--import-existing-resources"]):
            assert run("deploy", "RegistryStack", *flags) == 1
            assert "The local cloud cannot adopt it" in "".join(capsys.readouterr())


def test_a_stack_that_is_asked_for_but_protected_fails_the_destruction_of_the_rest_too(
    run: Run, cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with local_cloud(cloud_folder):
        assert run("deploy", "IdentityStack") == 0
        assert run("destroy", "StorageStack", "IdentityStack", "--yes") == 1
        capsys.readouterr()
        assert run("destroy", "IdentityStack", "--yes") == 0
        assert "IdentityStack does not exist." in "".join(capsys.readouterr())


def test_the_local_cloud_says_that_it_reverts_no_drift(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deploy", "--revert-drift") == 1
    said = "".join(capsys.readouterr())
    assert "The local cloud would do nothing for --revert-drift" in said
    assert "What exists now" not in said


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("diff", ("diff", "--method=template")),
        ("drift", ("drift", "--fail")),
    ],
)
def test_what_is_compared_is_left_to_the_cdk_cli_with_its_status(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    ids: list[str],
    verb: str,
    arguments: tuple[str, ...],
) -> None:
    asked: list[tuple[str, ...]] = []

    def note(_: Operation, what: str, *words: str) -> tuple[int, str]:
        del what
        asked.append(words)
        return 3, ""

    monkeypatch.setattr(Operation, "cdk", note)
    monkeypatch.setattr(Operation, "status_of", lambda *_: "CREATE_COMPLETE")
    assert run(verb) == 3
    assert asked == [(*arguments, *ids)]


def test_a_diff_is_made_as_one_says_and_on_aws_as_the_cdk_cli_does(
    run: Run,
    ready: LocalCloud,
    ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ready.url
    asked: list[tuple[str, ...]] = []

    def note(_: Operation, *words: str) -> tuple[int, str]:
        asked.append(words)
        return 0, ""

    monkeypatch.setattr(Operation, "cdk", note)
    assert run("diff", "--to", "aws") == 0
    assert run("diff", "--to", "local", "--method=change-set") == 0
    assert asked[0] == asked[-1] == ("Comparing", "diff", *ids)


def test_what_was_never_deployed_has_not_drifted_but_is_named(
    run: Run, capsys: pytest.CaptureFixture[str], ids: list[str]
) -> None:
    assert run("drift") == 1
    said = "".join(capsys.readouterr())
    assert f"Not deployed, so there is nothing to compare with: {', '.join(ids)}." in said
    assert "Detecting" not in said


def test_a_stack_whose_creation_failed_is_created_by_the_next_deploy(
    run: Run, cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}}
    with local_cloud(cloud_folder) as running, running.entered():
        boto3.client("s3").create_bucket(Bucket="taken")
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName="wealth-ops-storage-dev",
            TemplateBody=json.dumps({"Resources": {"Bucket": bucket}}),
            EnableTerminationProtection=True,
        )
        with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
            cloudformation.get_waiter("stack_create_complete").wait(
                StackName="wealth-ops-storage-dev", WaiterConfig={"Delay": 1}
            )
    assert run("deploy", "StorageStack") == 0
    assert "CREATE_COMPLETE" in "".join(capsys.readouterr())


def test_a_deploy_that_fails_says_how_to_go_on_and_has_the_status_of_cdk(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    ids: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Operation, "cdk", lambda *_: (7, ""))
    assert run("deploy") == 7
    said = "".join(capsys.readouterr())
    assert "run the same command again" in " ".join(said.split())
    assert said.count("does not exist") == len(ids)


def test_a_deploy_in_which_credentials_expire_still_has_the_status_of_cdk(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    ids: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise UserError("ExpiredToken")

    def expire(*_: object) -> tuple[int, str]:
        monkeypatch.setattr(Operation, "describe", refuse)
        return 7, ""

    monkeypatch.setattr(Operation, "cdk", expire)
    assert run("deploy") == 7
    said = "".join(capsys.readouterr())
    assert "run the same command again" in " ".join(said.split())
    assert said.count("not known") == len(ids)


def test_an_account_that_is_not_bootstrapped_is_answered_with_the_command(
    run: Run, account: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.url
    assert run("diff", "--to", "aws") == 1
    assert "nox -s bootstrap -- --to aws" in "".join(capsys.readouterr())
    assert run("bootstrap", "--to", "aws") == 2
    assert "There is no terminal to ask on; say --yes." in "".join(capsys.readouterr())


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("", 1), ("y", 0), (None, 1)])
def test_a_person_is_asked_and_only_a_yes_counts(
    run: Run,
    account: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str | None,
    status: int,
) -> None:
    assert account.url
    monkeypatch.setattr(operation, "is_interactive", lambda: True)

    def type_answer(*_: object) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", type_answer)
    assert run("bootstrap") == status
    said = "".join(capsys.readouterr())
    assert "Bootstrap for CDK deploys" in said
    assert "us-east-1" in said
    assert ("Nothing was done." in said) is bool(status)


def test_a_bootstrap_of_the_local_cloud_that_fails_ends_the_deploy(
    run: Run,
    cloud_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(cloud_folder / "empty"))
    monkeypatch.setattr(Operation, "cdk", lambda *_: (7, ""))
    assert run("deploy") == 7
    assert "could not be bootstrapped" in "".join(capsys.readouterr())


def test_two_operations_do_not_run_at_once(
    run: Run, cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FileLock(cloud_folder / "operation.lock", is_singleton=False):
        assert run("deploy") == 1
    assert "Another deploy, diff, drift or destroy is under way" in "".join(capsys.readouterr())


def test_a_folder_without_an_assembly_is_refused(
    cloud_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", f"--app={tmp_path}"]) == 2
    assert f"--app {tmp_path}: there is no cloud assembly" in "".join(capsys.readouterr())
    assert not (cloud_folder / "endpoint.json").exists()


def test_without_an_assembly_one_is_synthesized(
    cloud_folder: Path, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def synthesize(name: str) -> Path:
        asked.append(name)
        return assembly

    monkeypatch.setattr(operation, "synthesize", synthesize)
    with (
        pytest.raises(UserError, match="no stack 'None'"),
        operation.operation(Options("deploy", ["None"])),
    ):
        pass
    assert asked == ["dev"]
    assert cloud_folder.exists()


def test_an_environment_of_another_account_is_refused(
    cloud_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://999999999999/us-east-1",
        "properties": {"templateFile": "ProdStack.template.json"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"ProdStack": stack}}))
    assert main(["deploy", f"--app={tmp_path}"]) == 1
    assert "ProdStack belongs to the account 999999999999" in "".join(capsys.readouterr())
    assert cloud_folder.exists()


def test_a_bucket_of_another_account_is_answered_with_the_setting(
    run: Run, ready: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = boto3.Session("222233334444", "any", region_name="us-east-1")
    stranger.client("s3", endpoint_url=ready.url).create_bucket(Bucket="wealth-ops-data-dev")
    assert run("deploy", "StorageStack", "--to", "aws", "--yes") == 1
    assert "belongs to another AWS account" in "".join(capsys.readouterr())


def test_a_kept_bucket_is_adopted_on_aws_with_a_flag(
    run: Run,
    ready: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ready.url
    boto3.client("s3").create_bucket(Bucket="wealth-ops-data-dev")
    assert run("deploy", "StorageStack", "--to", "aws", "--yes") == 1
    assert "nox -s deploy -- --import-existing-resources" in "".join(capsys.readouterr())
    monkeypatch.setattr(Operation, "cdk", lambda *_: (0, ""))
    flags = ("--import-existing-resources", "--revert-drift")
    assert run("deploy", "StorageStack", "--to=aws", "--yes", *flags) == 0


def test_the_cloud_is_served_until_it_is_interrupted(
    cloud_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> bool:
        assert (cloud_folder / "endpoint.json").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_has_parent", interrupt)
    assert main(["cloud"]) == 0
    said = "".join(capsys.readouterr())
    assert "export AWS_ENDPOINT_URL=https://127.0.0.1:" in said
    # What would be preferred to the keys, or go with them.
    assert "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n" in said
    assert "export NO_PROXY=127.0.0.1${NO_PROXY:+,$NO_PROXY}\n" in said
    assert "Stopping." in said
    assert not (cloud_folder / "endpoint.json").exists()


def test_aws_needs_no_server(
    account: LocalCloud, cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cloud", "--to", "aws"]) == 0
    said = "".join(capsys.readouterr())
    assert f"AWS at {account.url}, account 111122223333 needs no server" in said
    assert "export" not in said
    assert main(["cloud", "--to", "moon"]) == 2
    assert "--to is 'moon'" in "".join(capsys.readouterr())
    assert not (cloud_folder / "endpoint.json").exists()


def test_a_cloud_that_is_served_already_is_shown_and_left(
    cloud_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with local_cloud(cloud_folder) as running:
        assert main(["cloud"]) == 0
        assert f"is up at {running.url} already" in "".join(capsys.readouterr())
        with running.entered():
            boto3.client("sts").get_caller_identity()


def test_the_cloud_ends_with_the_nox_that_started_it(
    cloud_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nox = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setenv("WEALTH_OPS_NOX", str(nox.pid))

    def kill_once_it_is_up() -> None:
        while not (cloud_folder / "endpoint.json").exists():
            time.sleep(0.05)
        time.sleep(1)
        nox.kill()
        nox.wait()

    threading.Thread(target=kill_once_it_is_up).start()
    assert main(["cloud"]) == 0
    assert not (cloud_folder / "endpoint.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verb_ends_in_order_and_is_interrupted_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    cleaned = False

    def interrupt(*_: object, **__: object) -> None:
        nonlocal cleaned
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)  # an impatient person: this one must not skip the rest
            cleaned = True

    monkeypatch.setattr(operation, "choose", interrupt)
    assert main(["deploy"]) == 130
    assert cleaned
    assert "Interrupted." in "".join(capsys.readouterr())


def test_the_local_cloud_lies_in_the_repository_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WEALTH_OPS_CLOUD", raising=False)
    assert operation.cloud_directory() == ROOT / ".cloud"


def test_without_nox_the_cloud_has_no_parent_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEALTH_OPS_NOX", raising=False)
    assert serve._has_parent()


def test_a_refusal_of_aws_is_not_taken_for_a_missing_stack(
    run: Run,
    account: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with account.entered(account="111122223333"):
        iam = boto3.client("iam")
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    assert run("deploy", "--to", "aws", "--yes") == 1
    assert "AWS does not show the stack CDKToolkit" in "".join(capsys.readouterr())
    assert run("destroy", "StorageStack", "--to", "aws", "--yes") == 1
    assert "AWS does not show the stack wealth-ops-storage-dev" in "".join(capsys.readouterr())
