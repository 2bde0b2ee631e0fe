"""The command line of the deployment tools."""

import json
import os
import signal
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from filelock import FileLock

from tests.cloud.conftest import Project, Tools, server_of
from tools.cdk_cli.assembly import read_stacks
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.deployment import operation, options
from tools.deployment.__main__ import parse
from tools.deployment.options import Options
from tools.deployment.target import Target
from tools.errors import UserError
from tools.local_cloud import folder
from tools.local_cloud.client import LocalCloud
from tools.project import ROOT


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The arguments of each command of the CDK CLI, which succeeds without running."""
    noted: list[tuple[str, ...]] = []

    def note(_: object, step: str, *words: str) -> tuple[int, str]:
        noted.append(words)
        return 0, step

    monkeypatch.setattr(operation.Operation, "cdk", note)
    return noted


def test_unknown_flags_are_passed_to_the_cdk_cli() -> None:
    parsed = parse(["deploy", "A", "--to", "aws", "--revert-drift", "B", "--yes"])
    assert parsed == Options(
        verb="deploy", stacks=["A", "B"], to="aws", yes=True, extra=("--revert-drift",)
    )


@pytest.mark.parametrize(("verb", "own"), [("destroy", "--unprotect"), ("cloud", "--port")])
def test_help_lists_the_flags_of_the_verb_only(
    verb: str, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (verb, "deploy"):
        with pytest.raises(SystemExit, match="0"):
            parse([name, "--help"])
        output = "".join(capsys.readouterr())
        assert output.startswith(f"usage: nox -s {name} -- [")
        assert (own in output) is (name == verb)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["deploy", "--no-exekute"], "Unknown flag: --no-exekute."),
        (["deploy", "--unprotect"], "Unknown flag: --unprotect."),
        (["deploy", "--role-arn=arn:x"], "--role-arn is not supported: choose the principal"),
        (["deploy", "-r=arn:x"], "-r is not supported: choose the principal"),
        (["destroy", "--region=eu-west-1"], "--region is not supported"),
        (["deploy", "--context=a=b"], "--context is not supported"),
        (["deploy", "--all"], "--all is not supported"),
        (["deploy", "--require-approval=never"], "--require-approval is not supported"),
    ],
)
def test_an_unsupported_flag_is_refused_before_the_target_is_chosen(
    tools: Tools, arguments: list[str], sentence: str
) -> None:
    status, output = tools(*arguments)
    assert status == 2
    assert sentence in output
    assert "Target" not in output


def test_a_separate_value_of_a_flag_is_not_a_stack(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    status, output = tools("deploy", "--progress", "events", app=project.folder, **here)
    assert status == 1
    assert "Stack 'events' not found. Known stacks: " in output
    assert "as --flag=value" in output
    assert "--flag=value" not in tools("deploy", "events", **here).output


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dploy"],
        ["deploy", "--environment", "nowhere"],
        ["cloud", "--no-exekute"],
        ["cloud", "--to=aws"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)


def test_two_operations_do_not_run_at_once(tools: Tools, here: dict[str, str]) -> None:
    lock = Path(here["WEALTH_OPS_CLOUD"]) / "operation.lock"
    with FileLock(lock, is_singleton=False):
        status, output = tools("deploy", **here)
    assert status == 1
    assert f"Another session uses {lock.parent}: bootstrap, deploy, diff, " in output


def test_a_folder_that_cannot_hold_a_local_cloud_is_refused(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, output = tools("diff", "--to=local", WEALTH_OPS_CLOUD=str(tmp_path / "file"))
    assert status == 1
    assert f"The local cloud cannot use the folder {tmp_path / 'file'}: " in output
    assert "Set WEALTH_OPS_CLOUD to another folder." in output


def test_a_folder_without_a_cloud_assembly_is_refused(
    tools: Tools, here: dict[str, str], tmp_path: Path
) -> None:
    status, output = tools("deploy", app=tmp_path, **here)
    assert status == 2
    assert f"--app {tmp_path}: the folder has no cloud assembly" in output


def test_an_assembly_of_another_environment_is_refused(
    tools: Tools, here: dict[str, str], project: Project
) -> None:
    manifest = project.folder / "manifest.json"
    tag = '"Environment": "{}"'
    text = manifest.read_text().replace(tag.format(DEFAULT_ENVIRONMENT), tag.format("other"))
    manifest.write_text(text)
    status, output = tools("deploy", app=project.folder, **here)
    assert status == 1
    assert "belongs to the environment 'other', not to " in output
    assert "Choose the environment with --environment other." in output


def test_the_same_command_is_printed_with_the_flags_of_the_user(assembly: Path) -> None:
    target = Target("local", "000000000000", "arn:aws:iam::000000000000:root")
    given = Options("destroy", ["A"], exclusively=True, unprotect=True, extra=("--verbose",))
    command = operation.Operation(given, target, assembly, []).again("--force")
    assert command.endswith(" A --exclusively --unprotect --verbose --force")


def test_without_an_assembly_the_environment_is_synthesized(
    here: dict[str, str], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, Path]] = []

    def synthesize(name: str, *, output: Path) -> Path:
        calls.append((name, output))
        return project.folder

    monkeypatch.setattr(options, "synthesize", synthesize)
    monkeypatch.setenv("WEALTH_OPS_CLOUD", here["WEALTH_OPS_CLOUD"])
    with operation.operation(Options("deploy", ["StorageStack"], environment="other")) as op:
        assert [stack.id for stack in op.stacks] == ["StorageStack"]
    assert calls == [("other", ROOT / "build" / "deploy" / "other")]


def test_an_operation_ends_when_the_local_cloud_has_ended(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(tmp_path))

    def end() -> None:
        with operation.operation(Options("deploy", to="local", app=str(assembly))):
            server_of(LocalCloud(tmp_path, 0)).kill()
            boto3.client("s3", config=Config(retries={"max_attempts": 0})).list_buckets()

    with pytest.raises(UserError, match="run the same command again"):
        end()


def test_exclusively_selects_no_dependencies(
    tools: Tools, here: dict[str, str], project: Project, commands: list[tuple[str, ...]]
) -> None:
    for flags in (["--exclusively"], []):
        tools("diff", "IdentityStack", *flags, app=project.folder, **here)
    diffs = [words for words in commands if "diff" in words]
    selected = [[word for word in words if word in project.stacks] for words in diffs]
    assert selected[0] == ["IdentityStack"]
    assert len(selected[1]) > 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_skip_the_cleanup(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    is_clean = False

    def interrupt(*_: object, **__: object) -> None:
        nonlocal is_clean
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            is_clean = True

    monkeypatch.setattr(operation, "choose", interrupt)
    status, output = tools("deploy")
    assert status == 130
    assert is_clean
    assert "Interrupted." in output


def test_the_default_folder_of_the_local_cloud_is_in_the_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WEALTH_OPS_CLOUD", raising=False)
    assert folder.cloud_directory() == ROOT / ".cloud"
    monkeypatch.setenv("WEALTH_OPS_CLOUD", "")
    assert folder.cloud_directory() == ROOT / ".cloud"


def test_the_local_cloud_takes_the_account_and_region_of_the_environment(
    here: dict[str, str], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in project.folder.glob("*.json"):
        text = path.read_text().replace("unknown-account", "444455556666")
        path.write_text(text.replace("us-east-1", "eu-west-1"))
    monkeypatch.setenv("WEALTH_OPS_CLOUD", here["WEALTH_OPS_CLOUD"])
    with operation.operation(Options("deploy", to="local", app=str(project.folder))) as op:
        assert "account 444455556666" in str(op.target)
        sts = boto3.Session().client("sts")
        assert sts.get_caller_identity()["Account"] == "444455556666"
        assert sts.meta.region_name == "eu-west-1"


def test_an_environment_of_another_account_is_refused_on_aws(
    tools: Tools, account: dict[str, str], tmp_path: Path
) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://999999999999/us-east-1",
        "properties": {
            "templateFile": "ProdStack.template.json",
            "tags": {"Environment": DEFAULT_ENVIRONMENT},
        },
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"ProdStack": stack}}))
    status, output = tools("deploy", "--to", "aws", app=tmp_path, **account)
    assert status == 1
    assert "ProdStack belongs to the account 999999999999" in output


def test_a_printed_command_names_the_environment_profile_account_region_and_stacks(
    assembly: Path,
) -> None:
    target = Target("aws", "111122223333", "arn:aws:iam::111122223333:root")
    given = Options("deploy", ["Storage*"], environment="prod", profile="a profile", app="a b")
    stacks = read_stacks(assembly)[:2]
    command = operation.Operation(given, target, assembly, stacks).nox("drift", "--fail")
    flags = "--to aws --environment prod --profile 'a profile' --app 'a b'"
    names = ", ".join(f"{stack.name} in {stack.region}" for stack in stacks)
    where = f"Run in the account 111122223333 ({names})"
    assert command == f"{where}:\n  uv run nox -s drift -- {flags} 'Storage*' --fail"


def test_the_local_cloud_can_be_bootstrapped_with_another_qualifier(
    tools: Tools, here: dict[str, str], commands: list[tuple[str, ...]]
) -> None:
    assert tools("bootstrap", "--to=local", "--qualifier=other", **here).status == 0
    assert commands == [("bootstrap", "aws://000000000000/us-east-1", "--qualifier=other")]
