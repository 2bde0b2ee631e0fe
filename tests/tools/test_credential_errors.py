"""Each credential error names the setting to fix. Unusable credentials select the local cloud."""

import hashlib
import re
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from tests.tools.conftest import KEYS, Configure
from tools.console import UserError
from tools.credentials import explained, find_method
from tools.targets import aws_target, choose

SSO = (
    "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = r\n"
    "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://example.com\n"
)
LOGIN = "login_session = arn:aws:iam::1:user/u"
SIGN_IN = r"Sign in: `aws sso login`, or `aws login` \(profile default in .*config\)"
PROCESS = r"Check these settings \(profile default in .*config\): .*`credential_process`"
# The settings of the profile, environment variables, the cached token, and the error.
PROBLEMS: dict[str, tuple[str, dict[str, str], str, str]] = {
    "a key without a secret": (
        "",
        {"AWS_ACCESS_KEY_ID": "a"},
        "",
        "missing: AWS_SECRET_ACCESS_KEY",
    ),
    "a file that is not INI": ("[x", {}, "", "Unable to parse config file: .*config"),
    "a credential process that fails": (
        "credential_process = sh -c 'echo vault is locked >&2; exit 1'",
        {},
        "",
        rf"custom-process: vault is locked\. {PROCESS}",
    ),
    "a missing credential process": (
        "credential_process = /none",
        {},
        "",
        f"No such file .*/none.*{PROCESS}",
    ),
    "a credential process without JSON": (
        "credential_process = echo a",
        {},
        "",
        f"JSONDecodeError.*{PROCESS}",
    ),
    "expired credentials": (
        "",
        {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "a",
            "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
        },
        "",
        "expired.* AWS_CREDENTIAL_EXPIRATION",
    ),
    "a missing web identity token": (
        "",
        {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/none"},
        "",
        "No such file .*/none.*AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "SSO without a token": (SSO, {}, "", f"Token for corp does not exist. {SIGN_IN}"),
    "SSO with an expired token": (
        SSO,
        {},
        '{"accessToken": "a", "expiresAt": "2020-01-01T00:00:00Z"}',
        f"Token has expired .*{SIGN_IN}",
    ),
    "SSO with a damaged token": (SSO, {}, "{", f"The cached token is damaged. {SIGN_IN}"),
    "SSO with an unreachable proxy": (
        SSO,
        {"HTTPS_PROXY": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
        '{"accessToken": "a", "expiresAt": "2999-01-01T00:00:00Z"}',
        'proxy URL: "http://127.0.0.1:1". The proxy does not answer. Check .*HTTPS_PROXY',
    ),
    "`aws login` without a token": (LOGIN, {}, "", f"login session.*user/u.*{SIGN_IN}"),
}


@pytest.fixture(params=PROBLEMS)
def problem(
    request: pytest.FixtureRequest,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Configure unusable credentials; return the pattern of the error."""
    text, variables, token, sentence = PROBLEMS[request.param]
    configure(f"[default]\n{text}\n")
    # botocore expands HOME at import.
    for provider in (SSOProvider, SSOTokenProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    if token:
        (tmp_path / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(token)  # noqa: S324
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    return sentence


def test_a_credential_error_names_the_setting_to_fix(problem: str) -> None:
    with pytest.raises(UserError, match=f"{problem}.*For the local cloud: --to local"):
        aws_target(Session(), interactive=False)


@pytest.mark.parametrize("interactive", [True, False])
def test_unusable_credentials_select_the_local_cloud(problem: str, *, interactive: bool) -> None:
    choice = choose(None, Session(), interactive=interactive)
    assert choice.kind == "local"
    assert re.search(f"No usable AWS credentials: .*{problem}", str(choice))


@pytest.mark.parametrize(
    ("text", "variables", "sentence"),
    [
        ("", {}, "Unable to locate credentials. Set AWS_PROFILE, or complete the profile default"),
        ("", {"AWS_PROFILE": "none"}, r"\(none\) could not be found. Choose a profile of .*config"),
        (f"{KEYS}endpoint_url = x", {}, "Invalid endpoint: x.*config.*`endpoint_url`"),
        (
            f"{KEYS}endpoint_url = https://127.0.0.1:1",
            {"AWS_MAX_ATTEMPTS": "1"},
            '"https://127.0.0.1:1/". .* HTTPS_PROXY, and `endpoint_url` in .*config',
        ),
        (
            f"{KEYS}endpoint_url = https://127.0.0.1:1",
            {"AWS_MAX_ATTEMPTS": "1", "https_proxy": "http://127.0.0.1:2"},
            "proxy URL: .*127.0.0.1:2.*The proxy does not answer. Check https_proxy",
        ),
        (f"{KEYS}region = a b", {}, "region_name 'a b'.*config.*`region`"),
    ],
)
def test_an_error_of_the_first_request_names_the_setting_to_fix(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    variables: dict[str, str],
    sentence: str,
) -> None:
    configure(f"[default]\n{text}\n")
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=f"{sentence}.*For the local cloud"):
        aws_target(Session(), interactive=False)


def test_a_missing_package_selects_the_local_cloud(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[default]\n{LOGIN}\n")
    monkeypatch.setattr("botocore.credentials.EC", None)  # as without botocore[crt]
    sentence = 'pip install "botocore.* A Python package is missing. Run: uv sync'
    with pytest.raises(UserError, match=sentence):
        aws_target(Session(), interactive=False)
    assert re.search(sentence, str(choose(None, Session(), interactive=False)))


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"AWS_CONFIG_FILE": "{file}"}, r"{file} \(config-file\)"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "{file}"}, "{file}"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "a"}, "AWS_ACCESS_KEY_ID"),
    ],
)
def test_the_error_for_refused_keys_names_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str
) -> None:
    file = tmp_path / "file"
    file.write_text(f"[default]\n{KEYS}")
    for key, value in variables.items():
        monkeypatch.setenv(key, value.format(file=file))
    refusal = ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetCallerIdentity")
    sentence = f"InvalidClientTokenId.*the credentials from {source.format(file=file)}. Renew"
    with pytest.raises(UserError, match=sentence), explained(Session()):
        raise refusal


def test_an_unusable_default_profile_is_ignored_but_a_chosen_profile_fails(
    configure: Configure,
) -> None:
    configure("[default]\ncredential_process = false\n[profile work]\ncredential_process = false\n")
    method, problem = find_method(Session())
    assert method is None
    assert problem.startswith("No usable AWS credentials: ")
    with pytest.raises(
        UserError, match=r"profile work in .*`credential_process`.*--to local"
    ) as error:
        find_method(Session(profile="work"))
    assert error.value.status == 2


def test_a_chosen_profile_without_complete_credentials_fails(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    # botocore ignores an SSO profile without an account and a role.
    configure("[profile work]\nsso_session = corp\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    with pytest.raises(UserError, match=r"complete the profile work in .*--to local"):
        choose(None, Session(), interactive=False)
