"""Choose the target: AWS or the local cloud."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import boto3
from botocore.session import Session

from tools.console import say
from tools.deployment import credentials
from tools.errors import UsageError, UserError
from tools.variables import replaced_variables

Kind = Literal["aws", "local"]
NAMES: Mapping[Kind, str] = {"aws": "AWS", "local": "local cloud"}
VARIABLE = "WEALTH_OPS_TARGET"


@dataclass(frozen=True)
class Target:
    """An account on AWS or the local cloud, and the principal that acts there.

    `variables` are the environment variables with which boto3 and the CDK CLI use the account.
    `chosen_region` is the region that the user set.
    """

    kind: Kind
    account: str
    principal: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen_region: str | None = None

    @property
    def partition(self) -> str:
        """The account's partition, for example `aws`."""
        return self.principal.split(":")[1]

    def __str__(self) -> str:
        account = f"account {self.account}"
        if self.kind == "local":
            return f"{NAMES['local']}, {account}"
        endpoint = self.variables.get("AWS_ENDPOINT_URL")
        where = f" at {endpoint}" if endpoint else ""
        return f"{NAMES['aws']}{where}, {account} as {self.principal}"


def choose(to: str | None, session: Session, *, interactive: bool) -> tuple[Kind, str]:
    """The target that --to, WEALTH_OPS_TARGET or the credentials choose, in this order; and why.

    Credentials select AWS if the user can be asked; without credentials, the target is the local
    cloud. On GitHub Actions, only --to or WEALTH_OPS_TARGET selects the local cloud, because a
    successful job must have deployed. Raises `UserError` for an unknown target, and if the user
    cannot be asked about AWS.
    """
    named, source = (to, "--to") if to else (os.environ.get(VARIABLE), VARIABLE)
    if named:
        kind = next((kind for kind in NAMES if kind == named), None)
        if kind is None:
            raise UsageError(f"{source} is {named!r}. Known targets: {', '.join(NAMES)}.")
        return kind, f"set by {source}"
    try:
        method = credentials.find_method(session)
        problem = "No AWS credentials found."
    except UserError as error:
        if session.profile:  # the user chose it
            raise
        method = None
        problem = f"No usable AWS credentials: {error.__cause__}."
    if method and interactive:
        return "aws", f"AWS credentials found: {method}"
    if method:
        raise UsageError(
            f"AWS credentials found: {method}. But there is no terminal for the question. Nothing "
            "was done. Name the target: --to aws or --to local."
        )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        raise UsageError(f"{problem} On GitHub Actions, select the local cloud with --to local.")
    return "local", problem.rstrip(".")


def aws_target(session: Session) -> Target:
    """The credentials' account, resolved once for boto3 and the CDK CLI.

    Raises `UserError` with the profile and the variables to check.
    """
    with credentials.explained(session):
        variables = credentials.resolve(session)
        with replaced_variables(variables):
            sts = boto3.Session().client("sts", region_name=variables["AWS_REGION"])
            caller = sts.get_caller_identity()
        region = session.get_config_variable("region")
    return Target("aws", caller["Account"], caller["Arn"], variables, region)


def announce(target: Target, regions: Collection[str]) -> None:
    """Print the target for an operation on stacks in `regions`.

    Also prints the region that the user set, if no stack has it. On GitHub Actions, such a region
    is an error, because nobody reads the line.
    """
    names = ", ".join(sorted(regions))
    say(f"{target}, region {names}")
    if not target.chosen_region or target.chosen_region in regions:
        return
    difference = (
        f"Your AWS region is {target.chosen_region}, but the stacks are in {names}: apps/ sets the "
        "region."
    )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        raise UsageError(f"{difference} Nothing was done. Change one of the two.")
    say(difference)
