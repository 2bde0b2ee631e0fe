"""Credentials are resolved once, for boto3 and the CDK CLI."""

import os

import pytest
from botocore.session import Session

from tests.tools.conftest import KEYS, Configure
from tools.deployment.credentials import resolve
from tools.errors import UserError
from tools.variables import NO_CONFIGURATION


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


def test_a_variable_overrides_the_endpoint_of_a_profile(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[default]\n{KEYS}endpoint_url = https://127.0.0.1:1\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:2")
    found = resolve(Session(), interactive=True)
    assert found["AWS_ENDPOINT_URL"] == "https://127.0.0.1:2"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "AWS_ENDPOINT_URL" not in resolve(Session(), interactive=True)


def test_an_endpoint_of_one_service_is_refused(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        f"[default]\n{KEYS}services = mine\n[services mine]\ns3 =\n  endpoint_url = http://x\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://x")
    names = "AWS_ENDPOINT_URL_S3, `services` of the profile default: an endpoint of one service"
    with pytest.raises(UserError, match=names):
        resolve(Session(), interactive=True)


@pytest.mark.parametrize("name", ["CDK_PROFILE", "CDK_ROLE_ARN"])
def test_a_variable_that_changes_only_the_cdk_cli_is_refused(
    name: str, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[default]\n{KEYS}")
    monkeypatch.setenv(name, "other")
    with pytest.raises(UserError, match=f"{name} would change only the CDK CLI. Unset"):
        resolve(Session(), interactive=True)


def test_a_role_that_needs_an_mfa_code_is_refused_without_a_terminal(configure: Configure) -> None:
    configure(
        f"[default]\n{KEYS}[profile mfa]\nrole_arn = arn:aws:iam::1:role/r\n"
        "source_profile = default\nmfa_serial = arn:aws:iam::1:mfa/m\n"
    )
    sentence = r"profile mfa needs an MFA code \(`mfa_serial` in .*config\), and there is no"
    with pytest.raises(UserError, match=sentence):
        resolve(Session(profile="mfa"), interactive=False)
