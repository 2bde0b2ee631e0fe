"""Each credential error names the setting to fix. Unusable credentials select the local cloud."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import ClientError, SSLError
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from tests.tools.conftest import Configure
from tools.deployment.credentials import explained
from tools.deployment.target import aws_target, choose
from tools.errors import UserError


class Problem(NamedTuple):
    """An error, and the settings that cause it."""

    sentence: str
    profile: str = ""
    variables: Mapping[str, str] = {}
    token: str = ""  # the cached SSO token


SSO = (
    "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = r\n"
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.com\n"
)
SIGN_IN = r"Sign in for a new token: `aws sso login`, .*\(profile default in .*config\)"
CHECK = "Check the profile default in .*config or "
PROCESS = f"{CHECK}.*`credential_process`"
# One row for each exception and hint.
UNUSABLE = {
    "a file that is not INI": Problem("Unable to parse config file: .*config", "[x"),
    "a credential process that fails": Problem(
        rf"custom-process: vault is locked\. {PROCESS}",
        "credential_process = sh -c 'echo vault is locked >&2; exit 1'",
    ),
    "a missing credential process": Problem(
        f"No such file .*/none.*{PROCESS}", "credential_process = /none"
    ),
    "a credential process without JSON": Problem(
        f"JSONDecodeError.*{PROCESS}", "credential_process = echo a"
    ),
    "expired credentials": Problem(
        "expired. Check .*AWS_CREDENTIAL_EXPIRATION",
        variables={
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "a",
            "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
        },
    ),
    "SSO without a token": Problem(f"Token for corp does not exist. {SIGN_IN}", SSO),
    "SSO with an expired token": Problem(
        f"Token has expired .*{SIGN_IN}",
        SSO,
        token='{"accessToken": "a", "expiresAt": "2020-01-01T00:00:00Z"}',
    ),
    "SSO with a damaged token": Problem(f"KeyError: .*{SIGN_IN}", SSO, token="{"),
    "SSO with an unreachable proxy": Problem(
        'proxy URL: "http://127.0.0.1:1". Check .*https_proxy',
        SSO,
        {"https_proxy": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
        '{"accessToken": "a", "expiresAt": "2999-01-01T00:00:00Z"}',
    ),
    "`aws login` without a token": Problem(
        f"login session.*user/u.*{SIGN_IN}", "login_session = arn:aws:iam::1:user/u"
    ),
}


@pytest.mark.parametrize("problem", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_credentials_are_an_error_on_aws_and_otherwise_select_the_local_cloud(
    problem: Problem, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[default]\n{problem.profile}\n")
    # botocore expands HOME at import.
    for provider in (SSOProvider, SSOTokenProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    if problem.token:
        file = tmp_path / f"{hashlib.sha1(b'corp').hexdigest()}.json"  # noqa: S324
        file.write_text(problem.token)
    for key, value in problem.variables.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=f"{problem.sentence}.*For the local cloud: --to local"):
        aws_target(Session(), interactive=False)
    choice = choose(None, Session(), interactive=True)
    assert choice.kind == "local"
    assert re.search(f"No usable AWS credentials: .*{problem.sentence}", str(choice))


def test_without_credentials_aws_is_refused_with_the_files_to_check(configure: Configure) -> None:
    configure("[default]\n")
    with pytest.raises(UserError, match=f"Unable to locate credentials. {CHECK}"):
        aws_target(Session(), interactive=False)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            SSLError(endpoint_url="https://127.0.0.1:1", error=OSError("no issuer")),
            r"no issuer\. TLS failed\. AWS_CA_BUNDLE",
        ),
        (
            ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetCallerIdentity"),
            "InvalidClientTokenId.* AWS does not accept the credentials. Renew .*AWS_ACCESS_KEY_ID",
        ),
    ],
)
def test_an_error_of_the_service_names_the_setting_to_fix(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(UserError, match=sentence), explained(Session()):
        raise error


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("process", "custom-process"),
        # botocore ignores an SSO profile without an account and a role.
        ("incomplete", "Unable to locate credentials"),
        ("none", r"\(none\) could not be found"),
    ],
)
def test_a_chosen_profile_that_is_unusable_does_not_select_the_local_cloud(
    configure: Configure, profile: str, sentence: str
) -> None:
    configure(
        "[profile process]\ncredential_process = false\n[profile incomplete]\nsso_session = corp\n"
    )
    with pytest.raises(UserError, match=f"{sentence}.* the profile {profile} in ") as error:
        choose(None, Session(profile=profile), interactive=True)
    assert error.value.status == 2
