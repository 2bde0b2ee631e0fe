"""Resolve AWS credentials once, so that boto3 and the CDK CLI act as the same principal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import Session

from tools.errors import UsageError, UserError
from tools.variables import NO_CONFIGURATION

# botocore raises built-in exceptions for an unusable credential process, token, endpoint or prompt.
_ERRORS = (BotoCoreError, ClientError, EOFError, KeyError, OSError, RuntimeError, ValueError)
# Settings with one meaning for boto3 and the CDK CLI (AWS SDKs and tools reference guide).
_SHARED_SETTINGS = ("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_USE_")
# With these variables, the CDK CLI would use another principal, region or network than boto3.
_CLI_VARIABLES = ("CDK_CA_BUNDLE_PATH", "CDK_PROFILE", "CDK_PROXY", "CDK_REGION", "CDK_ROLE_ARN")
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
# With one of these variables, the SDKs ignore AWS_PROFILE.
_STRONGER_THAN_A_PROFILE = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")
# Providers that botocore asks if a profile has no credentials.
_FALLBACKS = ("ec2-credentials-file", "boto-config", "container-role", "iam-role")
# Codes for credentials that expired, or were deleted ("Common errors" in the API references).
_EXPIRED = ("ExpiredToken", "InvalidClientTokenId", "RequestExpired", "UnrecognizedClient")


def find_method(session: Session) -> str | None:
    """The botocore provider that finds credentials, for example `env`; None without credentials.

    Raises `UserError` for unusable credentials.
    """
    with explained(session):
        _use_chosen_profile(session)
        # The EC2 metadata service takes seconds to fail on a laptop, and an instance role does not
        # mean that the user wants AWS. `--to aws` includes the service.
        session.get_component("credential_provider").remove("iam-role")
        found = session.get_credentials()
        if found is None and session.profile:  # botocore ignores an incomplete profile
            raise NoCredentialsError
        # A token may have expired. Skip roles, which may need an MFA code.
        if found and found.method != "assume-role":
            found.get_frozen_credentials()
    return found.method if found else None


def resolve(session: Session) -> dict[str, str]:
    """The variables that make every command act as the session's principal.

    Asks for an MFA code at most once. Raises `UsageError` for settings that boto3 and the CDK CLI
    would read in different ways.
    """
    _use_chosen_profile(session)
    config = session.get_scoped_config()
    refused = [key for key in sorted(os.environ) if key.startswith("AWS_ENDPOINT_URL_")]
    refused += [key for key in _CLI_VARIABLES if key in os.environ]
    if "services" in config:
        refused.append(f"`services` of {_profile(session)}")
    if refused:
        raise UsageError(
            f"boto3 and the CDK CLI would read {', '.join(refused)} in different ways. Unset it, "
            "and use AWS_PROFILE, AWS_ENDPOINT_URL, AWS_CA_BUNDLE and HTTPS_PROXY instead."
        )
    if region := os.environ.get("AWS_REGION"):  # botocore reads only AWS_DEFAULT_REGION
        session.set_config_variable("region", region)
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    region = session.get_config_variable("region") or "us-east-1"
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or config.get("endpoint_url")
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        endpoint = None
    settings = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CA_BUNDLE": session.get_config_variable("ca_bundle"),
        "AWS_ENDPOINT_URL": endpoint,
    }
    base = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("AWS_") or key.startswith(_SHARED_SETTINGS)
    }
    chosen = {key: str(value) for key, value in settings.items() if value}
    return base | NO_CONFIGURATION | chosen


@contextmanager
def explained(session: Session) -> Iterator[None]:
    """Turn botocore exceptions into a `UserError` with the settings to check."""
    try:
        yield
    except _ERRORS as error:
        variables = [key for key in sorted(os.environ) if key.startswith("AWS_")]
        # A built-in exception's message says little without its type.
        is_from_aws = isinstance(error, (BotoCoreError, ClientError))
        message = " ".join((str(error) if is_from_aws else repr(error)).split())
        raise UserError(
            f"{message.rstrip('.')}. Check "
            f"{', '.join([_profile(session), *variables])}. With IAM Identity Center, sign in "
            "first: `aws sso login`. For the local cloud: --to local"
        ) from error


def next_step(error: Exception) -> str:
    """What to do about expired credentials; nothing for an error with another cause."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    is_expired = code.startswith(_EXPIRED)
    return "Renew the credentials. Then run the same command again." if is_expired else ""


def _use_chosen_profile(session: Session) -> None:
    """Let the profile that the user chose act, and nothing in its place.

    Raises `UsageError` if other tools, with the same variables, would not use the profile.
    """
    chosen = {key: os.environ[key] for key in _PROFILES if os.environ.get(key)}
    if chosen and not session.instance_variables().get("profile"):  # --profile overrides variables
        profiles = [f"{key}={value}" for key, value in chosen.items()]
        stronger = [key for key in _STRONGER_THAN_A_PROFILE if os.environ.get(key)]
        if stronger or len(set(chosen.values())) > 1:
            raise UsageError(
                f"{' and '.join(profiles + stronger)} choose different credentials. Nothing was "
                "done. Unset all but one, or name the profile with --profile=NAME. For the local "
                "cloud: --to local"
            )
        session.set_config_variable("profile", next(iter(chosen.values())))
    if session.profile:
        for provider in _FALLBACKS:
            session.get_component("credential_provider").remove(provider)


def _profile(session: Session) -> str:
    file = session.get_config_variable("config_file")
    return f"the profile {session.profile or 'default'} in {file}"
