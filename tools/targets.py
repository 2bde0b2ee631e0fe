"""Choosing where to deploy: AWS or the local cloud, and never the wrong one."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.session import get_session

from tools.console import UserError

Place = Literal["aws", "local"]
NAMES: Mapping[Place, str] = {"aws": "AWS", "local": "local cloud"}
VARIABLE = "WEALTH_OPS_TARGET"


@dataclass(frozen=True)
class Choice:
    """Where to go, and why."""

    place: Place
    why: str

    def __str__(self) -> str:
        return f"{NAMES[self.place]} ({self.why})"


@dataclass(frozen=True)
class Target:
    """A place to deploy to, which this process's environment leads to."""

    place: Place
    account: str
    session: boto3.Session

    def __str__(self) -> str:
        endpoint = os.environ.get("AWS_ENDPOINT_URL") if self.place == "aws" else None
        at = f" at {endpoint}" if endpoint else ""
        return f"{NAMES[self.place]}{at}, account {self.account}"


def choose(to: str | None, *, interactive: bool) -> Choice:
    """Choose the place: `to` (from --to), else WEALTH_OPS_TARGET, else by what is found.

    Without either, AWS where credentials resolve and a person can be asked, else the local cloud;
    on GitHub Actions never the local cloud, so that a green job cannot have deployed nothing.
    Raises `UserError` for an unknown place, and where AWS would be used without anyone's consent.
    """
    named, source = (to, "--to") if to else (os.environ.get(VARIABLE), VARIABLE)
    if named:
        place = next((place for place in NAMES if place == named), None)
        if place is None:
            raise UserError(f"{source} is {named!r}; it must be one of: {', '.join(NAMES)}.", 2)
        return Choice(place, f"{source} says so")
    if method := _credential_method():
        if interactive:
            return Choice("aws", f"AWS credentials found ({method})")
        raise UserError(
            f"AWS credentials found ({method}), but there is no terminal to ask on, so nothing was "
            "done. Say where to go: --to aws or --to local.",
            2,
        )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        raise UserError(
            "No AWS credentials found, and on GitHub Actions the local cloud is used only when "
            "asked for: --to local.",
            2,
        )
    return Choice("local", "no AWS credentials found")


def aws_target() -> Target:
    """The AWS account of the person's credentials; AWS_ENDPOINT_URL is honoured.

    Raises `UserError` when there are no credentials or AWS refuses them.
    """
    try:
        session = boto3.Session()
        # Any region answers; STS needs one where the person has configured none.
        sts = session.client("sts", region_name=session.region_name or "us-east-1")
        account = sts.get_caller_identity()["Account"]
    except EndpointConnectionError as error:
        raise UserError(f"AWS cannot be reached: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"AWS does not accept the credentials: {error}\n"
            "Renew them (for example with `aws sso login`), choose others (AWS_PROFILE), or use "
            "the local cloud: --to local."
        ) from error
    return Target("aws", account, session)


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _credential_method() -> str | None:
    # The metadata service of EC2 is left out: asking it takes seconds on a laptop, and a machine's
    # own role is no sign that the person at it meant AWS. `--to aws` does ask it.
    try:
        resolver = get_session().get_component("credential_provider")
        resolver.remove("iam-role")
        credentials = resolver.load_credentials()
    except BotoCoreError as error:
        raise UserError(
            f"The AWS configuration does not work: {error}\n"
            "Mend it, or use the local cloud: --to local.",
            2,
        ) from error
    return credentials.method if credentials else None
