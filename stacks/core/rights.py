"""Each environment's recorded rights: what CloudFormation and the environment's roles may do.

`nox -s snapshots` records them beside the templates, and stacks/execution deploys them.
Does not import the CDK.
"""

import json
from pathlib import Path
from typing import NotRequired, TypedDict

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"
FILE = "execution-policy.json"


type Condition = dict[str, dict[str, str | list[str]]]


class Statement(TypedDict):
    """An IAM policy statement. An ARN may hold `${AWS::Partition}` and `${AWS::AccountId}`."""

    Effect: str
    Action: list[str]
    Resource: list[str]
    Condition: NotRequired[Condition]


class Rights(TypedDict):
    """An environment's rights.

    `execution` holds the managed policies with which CloudFormation deploys, `drift` those with
    which it detects drift, and `boundary` the limit for every role that it creates.
    """

    boundary: list[Statement]
    drift: list[list[Statement]]
    execution: list[list[Statement]]


def find_rights(environment: str) -> Rights | None:
    """An environment's recorded rights; None without a record, as for the account itself."""
    file = SNAPSHOTS / environment / FILE
    return json.loads(file.read_text()) if file.exists() else None


def read_rights(environment: str) -> Rights:
    """An environment's recorded rights. Raises `ValueError` if there is no record."""
    if rights := find_rights(environment):
        return rights
    raise ValueError(
        f"snapshots/{environment}/{FILE} does not exist. Record it with `uv run nox -s snapshots "
        f"-- {environment}`."
    )
