"""The target is AWS only if the user names AWS or a terminal allows a question."""

import os
from pathlib import Path

import pytest
from botocore.session import Session

from tools.console import UserError
from tools.targets import Kind, aws_target, choose


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("kind", ["aws", "local"])
def test_the_flag_overrides_the_variable(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, *, interactive: bool
) -> None:
    monkeypatch.setenv("WEALTH_OPS_TARGET", "local" if kind == "aws" else "aws")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert choose(kind, Session(), interactive=interactive).kind == kind


@pytest.mark.parametrize("kind", ["aws", "local"])
def test_without_the_flag_the_variable_selects_the_target(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    monkeypatch.setenv("WEALTH_OPS_TARGET", kind)
    choice = choose(None, Session(), interactive=False)
    assert choice.kind == kind
    assert "set by WEALTH_OPS_TARGET" in str(choice)


@pytest.mark.parametrize("name", ["AWS", "prod", "locla"])
def test_an_unknown_target_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--to is '{name}'. Known targets: aws, local"):
        choose(name, Session(), interactive=True)


def test_a_broken_aws_configuration_does_not_stop_the_local_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default\nbroken")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert choose("local", Session(profile="none"), interactive=False).kind == "local"


@pytest.mark.usefixtures("keys")
def test_credentials_select_aws_only_with_a_terminal() -> None:
    assert str(choose(None, Session(), interactive=True)) == "AWS (AWS credentials found (env))"
    with pytest.raises(UserError, match="no terminal for the question") as refusal:
        choose(None, Session(), interactive=False)
    assert refusal.value.status == 2


def test_a_missing_profile_does_not_select_the_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UserError, match="nobody"):
        choose(None, Session(), interactive=True)


@pytest.mark.parametrize("interactive", [True, False])
def test_without_credentials_the_target_is_the_local_cloud(*, interactive: bool) -> None:
    choice = choose(None, Session(), interactive=interactive)
    assert str(choice) == "local cloud (No AWS credentials found)"


def test_github_actions_needs_the_flag_for_the_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(UserError, match="--to local"):
        choose(None, Session(), interactive=False)


class Caller:
    """The calls of boto3 that `aws_target` makes."""

    def client(self, service: str, *, region_name: str) -> "Caller":
        assert (service, region_name) == ("sts", "us-east-1")
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333", "Arn": "arn:aws-cn:iam::111122223333:user/u"}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("endpoint", [None, "https://127.0.0.1:1"])
def test_a_target_shows_its_endpoint_account_and_principal(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None
) -> None:
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr("boto3.Session", Caller)
    target = aws_target(Session(), interactive=True)
    where = " at https://127.0.0.1:1" if endpoint else ""
    principal = "arn:aws-cn:iam::111122223333:user/u"
    assert str(target) == f"AWS{where}, account 111122223333 as {principal}"
    assert target.partition == "aws-cn"
    assert target.environment["AWS_ACCESS_KEY_ID"] == "AKIAIOSFODNN7EXAMPLE"
