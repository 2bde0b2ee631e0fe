"""Resolve AWS credentials once, so that boto3 and the CDK CLI act as the same principal."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

from botocore import exceptions as aws
from botocore.session import Session

from tools.errors import UsageError, UserError
from tools.variables import NO_CONFIGURATION, proxies

# Settings with one meaning for boto3 and the CDK CLI (AWS SDKs and tools reference guide).
_SHARED_SETTINGS = (
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
# botocore raises built-in exceptions for an unusable credential process, token or endpoint.
_ERRORS = (aws.BotoCoreError, aws.ClientError, OSError, ValueError, KeyError, RuntimeError)
# Variables with which the CDK CLI would use another principal, region or network than boto3.
_CLI_VARIABLES = ("CDK_CA_BUNDLE_PATH", "CDK_PROFILE", "CDK_PROXY", "CDK_REGION", "CDK_ROLE_ARN")


def find_method(session: Session) -> tuple[str | None, str]:
    """The botocore provider that finds credentials, for example `env`; or None, and the reason.

    Raises `UserError` if a profile that the user chose does not work.
    """
    # Skip the EC2 metadata service: the call takes seconds on a laptop, and the role of an instance
    # does not mean that the user wants AWS. `--to aws` includes the service.
    try:
        session.get_component("credential_provider").remove("iam-role")
        found = session.get_credentials()
        if found is None and session.profile:  # botocore ignores an incomplete profile
            raise aws.NoCredentialsError
        # A token may have expired. Skip roles, which may need an MFA code.
        if found and found.method != "assume-role":
            found.get_frozen_credentials()
    except _ERRORS as error:
        reason = explain(error, session)
        if session.profile:
            raise UsageError(f"{reason} For the local cloud: --to local") from error
        return None, f"No usable AWS credentials: {reason}"
    return (found.method, "") if found else (None, "No AWS credentials found.")


def resolve(session: Session, *, interactive: bool) -> dict[str, str]:
    """The variables that make every command act as the principal of the session.

    Asks for an MFA code at most once; if not `interactive`, raises `UserError` instead. Raises
    `UserError` for settings that boto3 and the CDK CLI would read in different ways.
    """
    config = session.get_scoped_config()
    _check_settings(session, config)
    if not interactive:
        # botocore has no public setting for the prompt.
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = partial(_refuse_to_ask, session)
    found = session.get_credentials()
    if found is None:
        raise aws.NoCredentialsError
    frozen = found.get_frozen_credentials()
    region = session.get_config_variable("region") or "us-east-1"
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or config.get("endpoint_url")
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        endpoint = None
    settings = {
        **{key: os.environ.get(key) for key in _SHARED_SETTINGS},
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CA_BUNDLE": session.get_config_variable("ca_bundle"),
        "AWS_ENDPOINT_URL": endpoint,
    }
    base = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    chosen = {key: str(value) for key, value in settings.items() if value}
    return base | NO_CONFIGURATION | chosen


def _check_settings(session: Session, config: Mapping[str, object]) -> None:
    if names := [key for key in _CLI_VARIABLES if key in os.environ]:
        raise UsageError(
            f"{', '.join(names)} would change only the CDK CLI. Unset the variable; choose the "
            "principal with AWS_PROFILE, and the network with AWS_CA_BUNDLE and HTTPS_PROXY."
        )
    refused = sorted(key for key in os.environ if key.startswith("AWS_ENDPOINT_URL_"))
    if "services" in config:
        refused.append(f"`services` of the profile {session.profile or 'default'}")
    if refused:
        raise UserError(
            f"{', '.join(refused)}: an endpoint of one service is not supported. Use one endpoint "
            f"for all services, AWS_ENDPOINT_URL or `endpoint_url` in {_file(session)}."
        )


def explain(error: Exception, session: Session) -> str:
    """The message of the error, and the variables and the file to check."""
    file, profile = _file(session), session.profile or "default"
    names = [key for key in sorted(os.environ) if key.startswith("AWS_")]
    with suppress(aws.BotoCoreError):  # the profile may be missing
        names += [f"`{key}`" for key in sorted(session.get_scoped_config())]
    credentials = session.get_config_variable("credentials_file")
    settings = ", ".join([f"the profile {profile} in {file} or {credentials}", *names])
    match error:
        case aws.SSLError():  # derives from ConnectionError
            hint = f"TLS failed. AWS_CA_BUNDLE, or `ca_bundle` in {file}, must name the CA."
        case aws.ConnectionError() | aws.HTTPClientError():
            proxy = ", ".join(proxies(os.environ)) or "HTTPS_PROXY"
            hint = f"Check the network, AWS_ENDPOINT_URL, {proxy}, and `endpoint_url` in {file}."
        # A damaged token in the cache is a KeyError.
        case aws.SSOError() | aws.TokenRetrievalError() | aws.LoginError() | KeyError():
            hint = (
                f"Sign in for a new token: `aws sso login`, or `aws login` (profile {profile} in "
                f"{file})."
            )
        case aws.ClientError():
            hint = f"AWS does not accept the credentials. Renew or replace them: {settings}."
        case _:
            hint = f"Check {settings}."
    is_from_aws = isinstance(error, (aws.BotoCoreError, aws.ClientError))
    message = str(error) if is_from_aws else f"{type(error).__name__}: {error}"
    return f"{' '.join(message.split()).rstrip('.')}. {hint}"


@contextmanager
def explained(session: Session) -> Iterator[None]:
    """Turn the exceptions of botocore into a `UserError`."""
    try:
        yield
    except _ERRORS as error:
        raise UserError(f"{explain(error, session)} For the local cloud: --to local") from error


def _refuse_to_ask(session: Session, prompt: str) -> str:
    raise UsageError(
        f"The profile {session.profile or 'default'} needs an MFA code (`mfa_serial` in "
        f"{_file(session)}), and there is no terminal for the question {prompt!r}. Run the command "
        "on a terminal, or set temporary credentials."
    )


def _file(session: Session) -> str:
    return str(session.get_config_variable("config_file"))
