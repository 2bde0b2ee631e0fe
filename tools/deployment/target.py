"""Choose the target: AWS or the local cloud."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import boto3
from botocore.session import Session

from tools.deployment import credentials
from tools.errors import UsageError
from tools.variables import replaced_variables

Kind = Literal["aws", "local"]
NAMES: Mapping[Kind, str] = {"aws": "AWS", "local": "local cloud"}
VARIABLE = "WEALTH_OPS_TARGET"


@dataclass(frozen=True)
class Choice:
    """The kind of target, and the reason for it."""

    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"{NAMES[self.kind]} ({self.why})"


@dataclass(frozen=True)
class Target:
    """An account of AWS or of the local cloud, and the principal that acts there.

    `variables` are the environment variables with which boto3 and the CDK CLI use the account.
    """

    kind: Kind
    account: str
    principal: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def partition(self) -> str:
        """The partition of the account, for example `aws`."""
        return self.principal.split(":")[1]

    def __str__(self) -> str:
        account = f"account {self.account}"
        if self.kind == "local":
            return f"{NAMES['local']}, {account}"
        endpoint = self.variables.get("AWS_ENDPOINT_URL")
        where = f" at {endpoint}" if endpoint else ""
        return f"{NAMES['aws']}{where}, {account} as {self.principal}"


def choose(to: str | None, session: Session, *, interactive: bool) -> Choice:
    """The target of `to` (from --to), of WEALTH_OPS_TARGET, or of the credentials, in this order.

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
        return Choice(kind, f"set by {source}")
    method, problem = credentials.find_method(session)
    if method and interactive:
        return Choice("aws", f"AWS credentials found: {method}")
    if method:
        raise UsageError(
            f"AWS credentials found: {method}. But there is no terminal for the question. Nothing "
            "was done. Name the target: --to aws or --to local."
        )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        raise UsageError(f"{problem} On GitHub Actions, select the local cloud with --to local.")
    return Choice("local", problem.rstrip("."))


def aws_target(session: Session, *, interactive: bool) -> Target:
    """The account of the credentials, resolved once for boto3 and the CDK CLI.

    Raises `UserError` with the host, command, variable or file to fix.
    """
    with credentials.explained(session):
        variables = credentials.resolve(session, interactive=interactive)
        with replaced_variables(variables):
            sts = boto3.Session().client("sts", region_name=variables["AWS_REGION"])
            caller = sts.get_caller_identity()
    return Target("aws", caller["Account"], caller["Arn"], variables)
