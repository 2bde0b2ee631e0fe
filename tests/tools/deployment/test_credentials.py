"""Credentials are resolved once, for boto3 and the CDK CLI, and a chosen profile is what acts."""

import os

import pytest
from botocore.session import Session

from tests.tools.conftest import KEYS, Answer, Configure
from tools.deployment.credentials import find_method, resolve
from tools.deployment.target import aws_target, choose
from tools.errors import UsageError, UserError
from tools.variables import NO_CONFIGURATION

KEY = {"AWS_ACCESS_KEY_ID": "AKIAI44QH8DHBEXAMPLE", "AWS_SECRET_ACCESS_KEY": "other"}
TOKEN = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/other"}
WORK = f"[profile work]\n{KEYS}"


# STS's response format: status, and XML (STS API reference, "Examples").
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>role</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for key, value in variables.items():
        monkeypatch.setenv(key, value)


def key_id(session: Session) -> str:
    return resolve(session, interactive=True)["AWS_ACCESS_KEY_ID"]


def test_resolved_credentials_do_not_depend_on_the_configuration(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        f"{WORK}region = eu-west-1\nendpoint_url = https://127.0.0.1:1\nca_bundle = /ca.pem\n"
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


def test_variables_override_the_endpoint_and_the_region_of_a_profile(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[default]\n{KEYS}endpoint_url = https://127.0.0.1:1\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:2")
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    found = resolve(Session(), interactive=True)
    assert found["AWS_ENDPOINT_URL"] == "https://127.0.0.1:2"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-2"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "AWS_ENDPOINT_URL" not in resolve(Session(), interactive=True)


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"AWS_PROFILE": "work", **KEY}, "AWS_PROFILE=work .* use AWS_ACCESS_KEY_ID instead"),
        ({"AWS_DEFAULT_PROFILE": "work", **KEY}, "AWS_DEFAULT_PROFILE=work .*AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "work", **TOKEN}, "AWS_PROFILE=work .*AWS_WEB_IDENTITY_TOKEN_FILE"),
        ({"AWS_PROFILE": "work", **KEY, **TOKEN}, "AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY"),
        (
            {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "default"},
            "AWS_PROFILE=work and AWS_DEFAULT_PROFILE=default name two profiles",
        ),
    ],
)
def test_a_profile_that_other_tools_would_not_use_is_refused_with_both_settings(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    names: str,
) -> None:
    configure(f"[default]\n{KEYS}{WORK}")
    set_variables(monkeypatch, variables)
    for act in (find_method, key_id):
        with pytest.raises(UsageError, match=f"{names}.* --profile=NAME.* --to local"):
            act(Session())
    assert choose("local", Session(), interactive=False).kind == "local"
    # botocore, and so the AWS CLI, prefers --profile to all variables.
    assert key_id(Session(profile="work")) == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_PROFILE": "work"},
        {"AWS_DEFAULT_PROFILE": "work"},
        {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "work"},
        {"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": ""},
        # GitHub Actions sets the variable to an empty string if the secret does not exist.
        {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ],
)
def test_a_chosen_profile_acts(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    configure(WORK)
    set_variables(monkeypatch, variables)
    assert find_method(Session()) == ("config-file", "")
    assert key_id(Session()) == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize("flag", [None, "ci"])
def test_a_role_whose_source_is_the_access_key_acts(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, answer: Answer, flag: str | None
) -> None:
    configure("[profile ci]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Environment\n")
    set_variables(monkeypatch, {"AWS_PROFILE": "ci", "AWS_REGION": "eu-west-1", **KEY})
    requests = answer(200, ASSUMED)
    assert key_id(Session(profile=flag)) == "ASIAIOSFODNN7EXAMPLE"
    assert ["role%2Fr" in str(request.body) for request in requests] == [True]


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
    configure: Configure, monkeypatch: pytest.MonkeyPatch, profile: str, sentence: str
) -> None:
    configure(
        "[profile process]\ncredential_process = false\n[profile incomplete]\nsso_session = corp\n"
    )
    # botocore would use the container's role.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1")
    with pytest.raises(UserError, match=f"{sentence}.* the profile {profile} in ") as error:
        choose(None, Session(profile=profile), interactive=True)
    assert error.value.status == 2
    monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(UserError, match=f"{sentence}.* the profile {profile} in "):
        aws_target(Session(), interactive=True)


def test_an_endpoint_of_one_service_is_refused(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        f"[default]\n{KEYS}services = mine\n[services mine]\ns3 =\n  endpoint_url = http://x\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://x")
    names = "AWS_ENDPOINT_URL_S3, `services` of the profile default in .*: an endpoint of one"
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
    sentence = r"no terminal for the question .*`mfa_serial` of the profile mfa in .*config\)"
    with pytest.raises(UserError, match=sentence):
        resolve(Session(profile="mfa"), interactive=False)
