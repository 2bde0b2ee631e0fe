"""The target is AWS only where someone said so or can be asked."""

import socket
from pathlib import Path

import pytest

from tools.console import UserError
from tools.targets import aws_target, choose, is_interactive


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("place", ["aws", "local"])
def test_what_is_said_wins(
    monkeypatch: pytest.MonkeyPatch, place: str, *, interactive: bool
) -> None:
    monkeypatch.setenv("WEALTH_OPS_TARGET", "local" if place == "aws" else "aws")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert choose(place, interactive=interactive).place == place


@pytest.mark.parametrize("place", ["aws", "local"])
def test_the_variable_is_next(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("WEALTH_OPS_TARGET", place)
    choice = choose(None, interactive=False)
    assert choice.place == place
    assert "WEALTH_OPS_TARGET says so" in str(choice)


@pytest.mark.parametrize("place", ["AWS", "prod", "locla"])
def test_an_unknown_place_is_refused_with_the_known_ones(place: str) -> None:
    with pytest.raises(UserError, match=f"--to is '{place}'; it must be one of: aws, local"):
        choose(place, interactive=True)


def test_credentials_and_a_terminal_mean_aws(credentials: None) -> None:
    del credentials
    choice = choose(None, interactive=True)
    assert str(choice) == "AWS (AWS credentials found (env))"


def test_credentials_without_a_terminal_mean_nothing_is_done(credentials: None) -> None:
    del credentials
    with pytest.raises(UserError, match="no terminal to ask on") as refusal:
        choose(None, interactive=False)
    assert refusal.value.status == 2


def test_a_profile_is_a_credential_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        "[profile work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert choose(None, interactive=True).place == "aws"


def test_a_profile_that_does_not_exist_is_no_silent_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UserError, match="nobody"):
        choose(None, interactive=True)


@pytest.mark.parametrize("interactive", [True, False])
def test_no_credentials_mean_the_local_cloud(*, interactive: bool) -> None:
    assert choose(None, interactive=interactive).place == "local"


def test_on_github_actions_there_is_no_silent_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(UserError, match="--to local"):
        choose(None, interactive=False)


def test_aws_without_credentials_is_answered_with_what_to_do() -> None:
    with pytest.raises(UserError, match="does not accept the credentials"):
        aws_target()


def test_aws_out_of_reach_is_not_taken_for_wrong_credentials(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del credentials
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{port}")
    with pytest.raises(UserError, match="AWS cannot be reached"):
        aws_target()


class Terminal:
    def __init__(self, *, is_one: bool) -> None:
        self.is_one = is_one

    def isatty(self) -> bool:
        return self.is_one


@pytest.mark.parametrize(("stdin", "stdout"), [(True, False), (False, True), (True, True)])
def test_a_person_can_be_asked_only_where_both_ends_are_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, stdin: bool, stdout: bool
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(is_one=stdin))
    monkeypatch.setattr("sys.stdout", Terminal(is_one=stdout))
    assert is_interactive() is (stdin and stdout)


class Caller:
    """As much of boto3 as `aws_target` asks."""

    region_name = None

    def client(self, service: str, *, region_name: str) -> "Caller":
        assert (service, region_name) == ("sts", "us-east-1")
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333"}


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        (None, "AWS, account 111122223333"),
        ("https://127.0.0.1:1", "AWS at https://127.0.0.1:1, account 111122223333"),
    ],
)
def test_an_account_is_shown_with_the_endpoint_that_it_was_found_at(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, shown: str
) -> None:
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr("boto3.Session", Caller)
    assert str(aws_target()) == shown
