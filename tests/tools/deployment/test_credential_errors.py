"""Unusable credentials: botocore's message, and a hint where the message is not enough."""

import hashlib
import re
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from tests.tools.conftest import Answer, Configure
from tools.deployment.credentials import next_step
from tools.deployment.target import aws_target, choose
from tools.errors import UserError

REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"""
SSO = (
    "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = r\n"
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.com\n"
)


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("[x", "Unable to parse config file: .*Check the profile default in .*config"),
        # The message alone would not say what is no JSON.
        ("credential_process = echo a", "JSONDecodeError.*Check the profile default in .*config"),
        # The message alone would not say how to get a token.
        (SSO, "Token for corp does not exist. Sign in for a new token: `aws sso login`"),
        (SSO.replace("corp", "damaged"), "KeyError: .* Sign in for a new token: `aws sso login`"),
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
    (tmp_path / f"{hashlib.sha1(b'damaged').hexdigest()}.json").write_text("{")  # noqa: S324
    with pytest.raises(UserError, match=f"{sentence}.*For the local cloud: --to local"):
        aws_target(Session(), interactive=False)
    choice = choose(None, Session(), interactive=True)
    assert choice.kind == "local"
    assert re.search(f"No usable AWS credentials: .*{sentence}", str(choice))


def test_without_credentials_aws_is_refused_with_the_file_to_check(configure: Configure) -> None:
    configure("[default]\n")
    sentence = "Unable to locate credentials. Check the profile default in .*config"
    with pytest.raises(UserError, match=sentence):
        aws_target(Session(), interactive=False)


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "The role's trust policy does not accept the token",
        ),
        ("ExpiredTokenException", "Token expired", "Check .*, AWS_WEB_IDENTITY_TOKEN_FILE"),
    ],
)
def test_a_refused_web_identity_token_names_the_trust_policy_and_an_expired_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    tmp_path: Path,
    code: str,
    message: str,
    hint: str,
) -> None:
    token = tmp_path / "token"
    token.write_text("token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
    answer(403, REFUSED.format(code, message))
    with pytest.raises(UserError, match=f"{code}.*{message}. {hint}"):
        aws_target(Session(), interactive=False)


@pytest.mark.parametrize(
    ("code", "is_expired"),
    [
        ("ExpiredToken", True),
        ("ExpiredTokenException", True),
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
