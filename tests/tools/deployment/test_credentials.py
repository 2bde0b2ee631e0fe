"""Credentials are resolved once, for boto3 and the CDK CLI, and a chosen profile is what acts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from tests.tools.conftest import KEYS, Configure
from tools.deployment.credentials import find_method, next_step, resolve
from tools.deployment.target import aws_target, choose
from tools.errors import UsageError, UserError
from tools.project import ROOT
from tools.variables import NO_CONFIGURATION

KEY = {"AWS_ACCESS_KEY_ID": "AKIAI44QH8DHBEXAMPLE", "AWS_SECRET_ACCESS_KEY": "other"}
TOKEN = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/other"}
WORK = f"[profile work]\n{KEYS}"
SSO = (
    "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = r\n"
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.com\n"
)
MFA = (
    f"[default]\n{KEYS}[profile mfa]\nrole_arn = arn:aws:iam::1:role/r\n"
    "source_profile = default\nmfa_serial = arn:aws:iam::1:mfa/m\n"
)


def test_resolved_credentials_do_not_depend_on_the_configuration(configure: Configure) -> None:
    names = ("AWS_ROLE_ARN", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    configure(
        f"{WORK}region = eu-west-1\nendpoint_url = https://127.0.0.1:1\nca_bundle = /ca.pem\n",
        **dict.fromkeys(names, "another"),
        AWS_MAX_ATTEMPTS="7",
        AWS_USE_FIPS_ENDPOINT="true",
        HTTPS_PROXY="http://127.0.0.1:3",
    )
    found = resolve(Session(profile="work"))
    assert {key: value for key, value in found.items() if key.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
        "AWS_CA_BUNDLE": "/ca.pem",
        "AWS_MAX_ATTEMPTS": "7",
        "AWS_USE_FIPS_ENDPOINT": "true",
        **NO_CONFIGURATION,
    }
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:3"


def test_variables_override_the_endpoint_and_the_region_of_a_profile(configure: Configure) -> None:
    profile = f"[default]\n{KEYS}endpoint_url = https://127.0.0.1:1\nregion = eu-west-1\n"
    configure(profile, AWS_ENDPOINT_URL="https://127.0.0.1:2", AWS_REGION="eu-west-2")
    found = resolve(Session())
    assert found["AWS_ENDPOINT_URL"] == "https://127.0.0.1:2"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-2"
    configure(profile, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")
    assert "AWS_ENDPOINT_URL" not in resolve(Session())


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"AWS_PROFILE": "work", **KEY}, "AWS_PROFILE=work and AWS_ACCESS_KEY_ID"),
        ({"AWS_DEFAULT_PROFILE": "work", **KEY}, "AWS_DEFAULT_PROFILE=work and AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "work", **TOKEN}, "AWS_PROFILE=work and AWS_WEB_IDENTITY_TOKEN_FILE"),
        (
            {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "default"},
            "AWS_PROFILE=work and AWS_DEFAULT_PROFILE=default",
        ),
    ],
)
def test_a_profile_that_other_tools_would_not_use_is_refused_with_both_settings(
    configure: Configure, variables: dict[str, str], names: str
) -> None:
    configure(f"[default]\n{KEYS}{WORK}", **variables)
    for act in (find_method, resolve):
        with pytest.raises(UsageError, match=f"{names} choose.* --profile=NAME.* --to local"):
            act(Session())
    assert choose("local", Session(), interactive=False) == ("local", "set by --to")
    # botocore, and so the AWS CLI, prefers --profile to all variables.
    assert resolve(Session(profile="work"))["AWS_ACCESS_KEY_ID"] == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_DEFAULT_PROFILE": "work"},
        {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "work"},
        # GitHub Actions sets a variable to an empty string if the secret does not exist.
        {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "", "AWS_ACCESS_KEY_ID": ""},
    ],
)
def test_a_chosen_profile_acts(configure: Configure, variables: dict[str, str]) -> None:
    configure(WORK, **variables)
    assert find_method(Session()) == "config-file"
    assert resolve(Session())["AWS_ACCESS_KEY_ID"] == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("process", "custom-process"),
        # botocore ignores an SSO profile without an account and a role.
        ("incomplete", "Unable to locate credentials"),
        ("none", r"\(none\) could not be found"),
    ],
)
def test_nothing_acts_in_place_of_an_unusable_profile(
    configure: Configure, profile: str, sentence: str
) -> None:
    # botocore would use the container's role.
    configure(
        "[profile process]\ncredential_process = false\n[profile incomplete]\nsso_session = corp\n",
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1",
    )
    with pytest.raises(UserError, match=f"{sentence}.* the profile {profile} in .* --to local"):
        choose(None, Session(profile=profile), interactive=True)
    with pytest.raises(UserError, match=f"{sentence}.* the profile {profile} in "):
        aws_target(Session(profile=profile))


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("[x", "Unable to parse config file: "),
        ("credential_process = echo a", "Expecting value"),
        (SSO, "Token for corp does not exist"),
    ],
)
def test_unusable_credentials_are_an_error_on_aws_and_otherwise_select_the_local_cloud(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    profile: str,
    sentence: str,
) -> None:
    configure(f"[default]\n{profile}\n")
    for provider in (SSOProvider, SSOTokenProvider):  # botocore expands HOME at import
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    with pytest.raises(UserError, match=f"{re.escape(sentence)}.*Check the profile default in "):
        aws_target(Session())
    kind, why = choose(None, Session(), interactive=True)
    assert kind == "local"
    assert re.match(f"No usable AWS credentials: .*{re.escape(sentence)}", why)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "CDK_PROFILE", "CDK_ROLE_ARN"])
def test_a_setting_that_boto3_and_the_cdk_cli_read_differently_is_refused(
    configure: Configure, name: str
) -> None:
    configure(f"[default]\n{KEYS}services = mine\n[services mine]\ns3 =\n  a = b\n", **{name: "x"})
    names = f"read {name}, `services` of the profile default in .* in different ways"
    with pytest.raises(UsageError, match=names):
        resolve(Session())


def test_a_role_that_needs_an_mfa_code_ends_without_a_terminal(configure: Configure) -> None:
    configure(MFA)
    code = (
        "from botocore.session import Session; from tools.deployment.target import aws_target;"
        "aws_target(Session(profile='mfa'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        start_new_session=True,  # without /dev/tty
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "Enter MFA code for arn:aws:iam::1:mfa/m" in done.stderr
    assert "UserError: EOFError(). Check the profile mfa in" in done.stderr


@pytest.mark.parametrize(
    ("code", "is_expired"),
    [
        ("ExpiredToken", True),
        ("InvalidClientTokenId", True),
        ("AccessDenied", False),
        ("Throttling", False),
        ("503", False),
    ],
)
def test_only_the_error_of_expired_credentials_says_to_renew_them(
    code: str, *, is_expired: bool
) -> None:
    error = ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeStacks")
    assert ("Renew the credentials" in next_step(error)) is is_expired
    assert next_step(OSError()) == ""
