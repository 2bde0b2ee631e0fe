"""The target is AWS only if the user names AWS or a terminal allows a question."""

import os

import pytest
from botocore.session import Session

from tests.tools.conftest import Configure
from tools.deployment.target import Kind, Target, aws_target, choose
from tools.errors import UserError


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("kind", "other"), [("aws", "local"), ("local", "aws")])
def test_the_flag_overrides_the_variable_and_the_variable_overrides_credentials(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, other: Kind
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("WEALTH_OPS_TARGET", other)
    choice = choose(None, Session(), interactive=False)
    assert choice.kind == other
    assert "set by WEALTH_OPS_TARGET" in str(choice)
    assert choose(kind, Session(), interactive=False).kind == kind


@pytest.mark.parametrize("name", ["AWS", "prod"])
def test_an_unknown_target_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--to is '{name}'. Known targets: aws, local"):
        choose(name, Session(), interactive=True)


def test_a_broken_aws_configuration_does_not_stop_the_local_cloud(configure: Configure) -> None:
    configure("[default\nbroken")
    assert choose("local", Session(profile="none"), interactive=False).kind == "local"


@pytest.mark.usefixtures("keys")
def test_credentials_select_aws_only_with_a_terminal() -> None:
    assert str(choose(None, Session(), interactive=True)) == "AWS (AWS credentials found: env)"
    with pytest.raises(UserError, match="no terminal for the question") as refusal:
        choose(None, Session(), interactive=False)
    assert refusal.value.status == 2


@pytest.mark.parametrize("interactive", [True, False])
def test_without_credentials_the_target_is_the_local_cloud_except_on_github(
    monkeypatch: pytest.MonkeyPatch, *, interactive: bool
) -> None:
    choice = choose(None, Session(), interactive=interactive)
    assert str(choice) == "local cloud (No AWS credentials found)"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(UserError, match="select the local cloud with --to local"):
        choose(None, Session(), interactive=interactive)


class Caller:
    """The calls of boto3 that `aws_target` makes."""

    def client(self, service: str, *, region_name: str) -> "Caller":
        assert (service, region_name) == ("sts", "us-east-1")
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333", "Arn": "arn:aws-cn:iam::111122223333:user/u"}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("endpoint", ["", "https://127.0.0.1:1"])
def test_a_target_shows_its_endpoint_account_and_principal(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr("boto3.Session", Caller)
    target = aws_target(Session(), interactive=True)
    where = f"AWS at {endpoint}" if endpoint else "AWS"
    assert str(target) == f"{where}, account 111122223333 as arn:aws-cn:iam::111122223333:user/u"
    assert target.partition == "aws-cn"


def test_a_local_target_shows_its_account_only() -> None:
    environment = {"AWS_ENDPOINT_URL": "https://127.0.0.1:1"}
    target = Target("local", "000000000000", "arn:aws:iam::000000000000:root", environment)
    assert str(target) == "local cloud, account 000000000000"
