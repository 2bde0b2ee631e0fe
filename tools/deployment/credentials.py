"""Resolve AWS credentials once, so that boto3 and the CDK CLI act as the same principal."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from botocore import exceptions as aws
from botocore.session import Session

from tools.errors import UsageError, UserError
from tools.variables import NO_CONFIGURATION

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
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
# With one of these variables, the SDKs ignore AWS_PROFILE.
_STRONGER_THAN_A_PROFILE = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")
# Providers that botocore asks if a profile has no credentials.
_FALLBACKS = ("ec2-credentials-file", "boto-config", "container-role", "iam-role")
# Codes for credentials that expired, or were deleted ("Common errors" in the API references).
_EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
)


def find_method(session: Session) -> tuple[str | None, str]:
    """The botocore provider that finds credentials, for example `env`; or None, and the reason.

    Raises `UserError` if a profile that the user chose does not work.
    """
    # Skip the EC2 metadata service: the call takes seconds on a laptop, and an instance role does
    # not mean that the user wants AWS. `--to aws` includes the service.
    try:
        _use_chosen_profile(session)
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
    """The variables that make every command act as the session's principal.

    Asks for an MFA code at most once; if not `interactive`, raises `UserError` instead. Raises
    `UserError` for settings that boto3 and the CDK CLI would read in different ways.
    """
    _use_chosen_profile(session)
    config = session.get_scoped_config()
    _check_settings(session, config)
    if region := os.environ.get("AWS_REGION"):  # botocore reads only AWS_DEFAULT_REGION
        session.set_config_variable("region", region)
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
        refused.append(f"`services` of {_profile(session)}")
    if refused:
        raise UserError(
            f"{', '.join(refused)}: an endpoint of one service is not supported. Use one endpoint "
            "for all services: AWS_ENDPOINT_URL, or the profile's `endpoint_url`."
        )


def explain(error: Exception, session: Session) -> str:
    """The error's message, and a hint."""
    # botocore raises a KeyError for a damaged token in the cache.
    if isinstance(error, (aws.SSOError, aws.TokenRetrievalError, aws.LoginError, KeyError)):
        hint = f"Sign in for a new token: `aws sso login`, or `aws login` ({_profile(session)})."
    elif "AssumeRoleWithWebIdentity" in str(error) and _code(error) == "AccessDenied":
        hint = (
            "The role's trust policy does not accept the token: compare its conditions with the "
            "token's issuer, audience and subject."
        )
    else:
        variables = [key for key in sorted(os.environ) if key.startswith("AWS_")]
        hint = f"Check {', '.join([_profile(session), *variables])}."
    # A built-in exception's message says little without its type.
    is_from_aws = isinstance(error, (aws.BotoCoreError, aws.ClientError))
    message = str(error) if is_from_aws else f"{type(error).__name__}: {error}"
    return f"{' '.join(message.split()).rstrip('.')}. {hint}"


def next_step(error: Exception) -> str:
    """What to do about expired credentials; nothing for an error with another cause."""
    is_expired = _code(error) in _EXPIRED
    return "Renew the credentials. Then run the same command again." if is_expired else ""


@contextmanager
def explained(session: Session) -> Iterator[None]:
    """Turn botocore exceptions into a `UserError`."""
    try:
        yield
    except _ERRORS as error:
        raise UserError(f"{explain(error, session)} For the local cloud: --to local") from error


def _use_chosen_profile(session: Session) -> None:
    """Let the profile that the user chose act, and nothing in its place.

    Raises `UsageError` if two profiles are chosen, or if tools that read the same variables would
    not use the profile.
    """
    chosen = {key: os.environ[key] for key in _PROFILES if os.environ.get(key)}
    if chosen and not session.instance_variables().get("profile"):  # --profile overrides variables
        session.set_config_variable("profile", next(iter(chosen.values())))
        _refuse_conflicts(session, chosen)
    if session.profile:
        for provider in _FALLBACKS:
            session.get_component("credential_provider").remove(provider)


def _refuse_conflicts(session: Session, chosen: Mapping[str, str]) -> None:
    settings = " and ".join(f"{key}={value}" for key, value in chosen.items())
    fix = (
        "Nothing was done. Unset all but one, or name the profile with --profile=NAME. For the "
        "local cloud: --to local"
    )
    if len(set(chosen.values())) > 1:
        raise UsageError(f"{settings} name two profiles. {fix}")
    stronger = [key for key in _STRONGER_THAN_A_PROFILE if os.environ.get(key)]
    # A role in the profile may use the access key as its source.
    is_source = session.get_scoped_config().get("credential_source") == "Environment"
    if stronger and not is_source:
        raise UsageError(
            f"{settings} chooses the profile, but the AWS SDKs would use {' and '.join(stronger)} "
            f"instead. {fix}"
        )


def _refuse_to_ask(session: Session, prompt: str) -> str:
    raise UsageError(
        f"There is no terminal for the question {prompt!r} (`mfa_serial` of {_profile(session)}). "
        "Run the command on a terminal, or set temporary credentials."
    )


def _code(error: Exception) -> str:
    return error.response["Error"]["Code"] if isinstance(error, aws.ClientError) else ""


def _profile(session: Session) -> str:
    file = session.get_config_variable("config_file")
    return f"the profile {session.profile or 'default'} in {file}"
