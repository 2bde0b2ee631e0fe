"""The target is AWS only if the user names AWS or a terminal allows a question."""

import os
from contextlib import nullcontext
from unittest.mock import Mock

import pytest
from botocore.session import Session

from tests.tools.conftest import KEYS, Configure
from tools.deployment.target import Kind, announce, aws_target, choose
from tools.errors import UsageError


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
    assert choose(None, Session(), interactive=False) == (other, "set by WEALTH_OPS_TARGET")
    assert choose(kind, Session(), interactive=False) == (kind, "set by --to")


@pytest.mark.parametrize("name", ["AWS", "prod"])
def test_an_unknown_target_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"--to is '{name}'. Known targets: aws, local"):
        choose(name, Session(), interactive=True)


def test_a_broken_aws_configuration_does_not_stop_the_local_cloud(configure: Configure) -> None:
    configure("[default\nbroken")
    assert choose("local", Session(profile="none"), interactive=False)[0] == "local"


@pytest.mark.usefixtures("keys")
def test_credentials_select_aws_only_with_a_terminal() -> None:
    assert choose(None, Session(), interactive=True) == ("aws", "AWS credentials found: env")
    with pytest.raises(UsageError, match="no terminal for the question"):
        choose(None, Session(), interactive=False)


@pytest.mark.parametrize("interactive", [True, False])
def test_without_credentials_the_target_is_the_local_cloud_except_on_github(
    monkeypatch: pytest.MonkeyPatch, *, interactive: bool
) -> None:
    expected = ("local", "No AWS credentials found")
    assert choose(None, Session(), interactive=interactive) == expected
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(UsageError, match="select the local cloud with --to local"):
        choose(None, Session(), interactive=interactive)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """STS, which answers only with the resolved variables."""

    def client(service: str, *, region_name: str) -> Mock:
        assert (service, region_name) == ("sts", os.environ["AWS_REGION"])
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
        arn = "arn:aws-cn:iam::111122223333:user/u"
        caller = {"Account": "111122223333", "Arn": arn}
        return Mock(get_caller_identity=Mock(return_value=caller))

    monkeypatch.setattr("boto3.Session", lambda: Mock(client=client))


@pytest.mark.usefixtures("keys", "caller")
@pytest.mark.parametrize("endpoint", ["", "https://127.0.0.1:1"])
def test_the_line_of_a_target_names_endpoint_account_principal_and_regions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    target = aws_target(Session())
    announce(target, {"us-east-1", "eu-west-1"})
    where = f"AWS at {endpoint}" if endpoint else "AWS"
    principal = "arn:aws-cn:iam::111122223333:user/u"
    expected = f"{where}, account 111122223333 as {principal}, region eu-west-1, us-east-1\n"
    assert capsys.readouterr().out == expected
    assert target.partition == "aws-cn"


@pytest.mark.usefixtures("caller")
@pytest.mark.parametrize(
    ("variables", "is_said"),
    [
        ({"AWS_REGION": "eu-west-1"}, True),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, True),
        ({}, True),  # the profile's region
        ({"AWS_REGION": "us-east-1"}, False),  # overrides the profile
        # GitHub Actions sets a variable to an empty string if the secret does not exist.
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, False),
    ],
)
def test_a_region_that_the_user_set_and_no_stack_has_is_said_and_refused_on_github(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    *,
    is_said: bool,
) -> None:
    configure(f"[default]\n{KEYS}region = eu-west-1\n", **variables)
    target = aws_target(Session())
    announce(target, {"us-east-1"})
    sentence = "Your AWS region is eu-west-1, but the stacks are in us-east-1"
    assert (sentence in capsys.readouterr().out) is is_said
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    announce(target, {"us-east-1", "eu-west-1"})
    assert "Your AWS region" not in capsys.readouterr().out
    with (
        pytest.raises(UsageError, match=f"{sentence}.* Nothing was done")
        if is_said
        else nullcontext()
    ):
        announce(target, {"us-east-1"})
