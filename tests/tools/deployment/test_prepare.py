"""A deployment is prepared alone, for the right account, with the selected stacks."""

import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests.tools.deployment.conftest import ACCOUNT, refused
from tools.deployment import prepare as module
from tools.deployment.__main__ import main
from tools.deployment.options import Options
from tools.deployment.prepare import prepare
from tools.deployment.target import Target
from tools.errors import UserError
from tools.local_cloud.client import LocalCloud

LOCAL = Options("deploy", to="local", environment="test")


def write_assembly(folder: Path, *, environment: str = "test", account: str = ACCOUNT) -> Path:
    """A cloud assembly with the stacks A, and B, which depends on A."""
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{account}/eu-central-1",
        "properties": {"templateFile": "A.json", "tags": {"Environment": environment}},
    }
    artifacts = {"A": stack, "B": {**stack, "dependencies": ["A"]}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


@pytest.fixture(autouse=True)
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """The local cloud in the test's folder. No server runs, and no app is synthesized."""
    fake = LocalCloud(tmp_path / "cloud", 1)

    @contextmanager
    def local_cloud(_: Path) -> Iterator[LocalCloud]:
        yield fake

    def synthesize_all(names: Sequence[str], *, folder: Path) -> dict[str, Path]:
        return {name: write_assembly(folder / name, environment=name) for name in names}

    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(fake.directory))
    monkeypatch.setattr(module, "local_cloud", local_cloud)
    monkeypatch.setattr(module, "synthesize_all", synthesize_all)
    return fake


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Options:
    """Options for an AWS account."""
    target = Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", {"AWS_ACCESS_KEY_ID": "key"})
    monkeypatch.setattr(module, "choose", lambda *_, **__: ("aws", "set by --to"))
    monkeypatch.setattr(module, "aws_target", lambda *_, **__: target)
    return replace(LOCAL, to="aws")


def test_exclusively_selects_neither_dependencies_nor_dependents() -> None:
    for key, is_exclusive, expected in (("B", True, "B"), ("B", False, "AB"), ("A", True, "A")):
        with prepare(replace(LOCAL, stacks=[key], exclusively=is_exclusive)) as deployment:
            assert [stack.id for stack in deployment.stacks] == [*expected]


def test_the_local_cloud_gets_the_account_and_region_of_the_environment(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    with prepare(LOCAL) as deployment:
        assert deployment.assembly == cloud.directory / "assembly" / "test"
        assert str(deployment.target) == f"local cloud, account {ACCOUNT}"
        assert os.environ["AWS_ENDPOINT_URL"] == cloud.url
        assert os.environ["AWS_ACCESS_KEY_ID"] == ACCOUNT
        assert os.environ["AWS_REGION"] == "eu-central-1"
    assert "AWS_ENDPOINT_URL" not in os.environ
    first = "Target: local cloud (set by --to), environment test\n"
    assert capsys.readouterr().out.startswith(first)


def test_an_assembly_of_another_account_is_refused_on_aws(tmp_path: Path, aws: Options) -> None:
    folder = write_assembly(tmp_path / "given", account="999999999999")
    sentence = r"A belongs to the account 999999999999 \(apps/test/app.py\), but the target is AWS"
    with pytest.raises(UserError, match=sentence), prepare(replace(aws, app=str(folder))):
        pass


def test_a_folder_without_an_assembly_of_the_environment_is_refused(tmp_path: Path) -> None:
    sentence = f"--app {tmp_path}: the folder has no cloud assembly."
    options = replace(LOCAL, app=str(tmp_path))
    with pytest.raises(UserError, match=re.escape(sentence)), prepare(options):
        pass
    write_assembly(tmp_path, environment="other")
    sentence = "belongs to the environment 'other', not to 'test'. Choose .* --environment other."
    with pytest.raises(UserError, match=sentence), prepare(options):
        pass


def test_two_sessions_do_not_use_a_folder_at_once(cloud: LocalCloud) -> None:
    cloud.directory.mkdir()
    lock = FileLock(cloud.directory / "operation.lock", is_singleton=False)
    sentence = f"Another session uses {cloud.directory}: bootstrap, deploy, diff, "
    with lock, pytest.raises(UserError, match=re.escape(sentence)), prepare(LOCAL):
        pass


def test_an_error_of_the_local_cloud_shows_the_next_step() -> None:
    sentence = r"ServiceUnavailable.* If the local cloud has ended, run the same command again\."
    with pytest.raises(UserError, match=sentence), prepare(LOCAL):
        raise refused("ServiceUnavailable")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_skip_the_cleanup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    cleaned = []

    def interrupt(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            cleaned.append(number)

    monkeypatch.setattr(module, "choose", interrupt)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main(["deploy"]) == 130
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert cleaned == [number]
    assert capsys.readouterr().out == "Interrupted.\n"
