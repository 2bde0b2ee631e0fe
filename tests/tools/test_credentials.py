"""Credentials are resolved once, and each error names the setting to fix."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from tools.cdk import NO_CONFIGURATION
from tools.console import UserError
from tools.credentials import explained, find_method, replaced_environment, resolve
from tools.targets import aws_target

KEYS = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n"
Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Write the AWS configuration file of the user."""

    def write(text: str) -> Path:
        path = tmp_path / "config"
        path.write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        return path

    return write


@pytest.fixture(scope="module")
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_resolved_credentials_do_not_depend_on_the_configuration(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        f"[profile work]\n{KEYS}region = eu-west-1\nendpoint_url = https://127.0.0.1:1\n"
        "ca_bundle = /ca.pem\n"
    )
    for name in ("AWS_ROLE_ARN", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.setenv(name, "another")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3")
    found = resolve(Session(profile="work"), interactive=True)
    assert {key: value for key, value in found.items() if key.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
        "AWS_CA_BUNDLE": "/ca.pem",
        "AWS_MAX_ATTEMPTS": "7",
        **NO_CONFIGURATION,
    }
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:3"
    assert found["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({"AWS_ENDPOINT_URL": "https://127.0.0.1:2"}, "https://127.0.0.1:2"),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, None),
    ],
)
def test_a_variable_overrides_the_endpoint_of_a_profile(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    endpoint: str | None,
) -> None:
    configure(f"[default]\n{KEYS}endpoint_url = https://127.0.0.1:1\n")
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    assert resolve(Session(), interactive=True).get("AWS_ENDPOINT_URL") == endpoint


def test_an_endpoint_of_one_service_is_refused(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        f"[default]\n{KEYS}services = mine\n[services mine]\ns3 =\n  endpoint_url = http://x\n"
    )
    with pytest.raises(UserError, match="sets `services` in the profile default: an endpoint"):
        resolve(Session(), interactive=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://x")
    with pytest.raises(UserError, match="AWS_ENDPOINT_URL_S3: an endpoint of one service"):
        resolve(Session(), interactive=True)


ROLE = (
    "role_arn = arn:aws:iam::1:role/r\nsource_profile = default\nmfa_serial = arn:aws:iam::1:mfa/m"
)


def test_a_role_that_needs_an_mfa_code_is_refused_without_a_terminal(configure: Configure) -> None:
    file = configure(f"[default]\n{KEYS}[profile mfa]\n{ROLE}\n")
    with pytest.raises(UserError, match=r"profile mfa needs an MFA code \(`mfa_serial`") as error:
        resolve(Session(profile="mfa"), interactive=False)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("text", "variables", "sentence"),
    [
        ("", {}, "Unable to locate credentials. Set AWS_PROFILE. Sign in"),
        ("", {"AWS_ACCESS_KEY_ID": "a"}, "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
        ("", {"AWS_PROFILE": "none"}, r"\(none\) could not be found. Choose a profile of .*config"),
        ("credential_process = false", {}, "Fix the command of `credential_process` in .*config"),
        ("login_session = arn:aws:iam::1:user/u", {}, "Sign in: `aws sso login`, or `aws login`"),
    ],
)
def test_a_credential_error_names_the_setting_to_fix(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    variables: dict[str, str],
    sentence: str,
) -> None:
    configure(f"[default]\n{text}\n")
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    session = Session()
    with pytest.raises(UserError, match=f"(?s){sentence}.*For the local cloud"), explained(session):
        resolve(session, interactive=True)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "Check the network, AWS_ENDPOINT_URL, HTTPS_PROXY, and `endpoint_url` in "),
        ({"https_proxy": "http://{host}"}, "The proxy does not answer. Check https_proxy."),
    ],
)
def test_a_connection_error_names_the_host_or_proxy(
    monkeypatch: pytest.MonkeyPatch, closed_port: int, variables: dict[str, str], sentence: str
) -> None:
    host = f"127.0.0.1:{closed_port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": f"https://{host}",
        **variables,
    }
    for key, value in environment.items():
        monkeypatch.setenv(key, value.format(host=host))
    with pytest.raises(UserError, match=sentence):
        aws_target(Session(), interactive=False)


def test_the_error_for_refused_keys_names_their_source(configure: Configure) -> None:
    file = configure(f"[default]\n{KEYS}")
    refusal = ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetCallerIdentity")
    with (
        pytest.raises(UserError, match=r"InvalidClientTokenId.*from .*\(config-file\)") as error,
        explained(Session()),
    ):
        raise refusal
    assert str(file) in str(error.value)


def test_an_unusable_default_profile_is_ignored_but_a_chosen_profile_fails(
    configure: Configure,
) -> None:
    configure("[default]\ncredential_process = false\n[profile work]\ncredential_process = false\n")
    method, problem = find_method(Session())
    assert method is None
    assert problem.startswith("No usable AWS credentials: ")
    with pytest.raises(UserError, match=r"`credential_process` in .*--to local") as error:
        find_method(Session(profile="work"))
    assert error.value.status == 2


def test_the_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    before = dict(os.environ)
    with replaced_environment({"PATH": "/bin", "TWO": "2"}):
        assert dict(os.environ) == {"PATH": "/bin", "TWO": "2"}
    assert dict(os.environ) == before
