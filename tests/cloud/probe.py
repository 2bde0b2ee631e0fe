"""Makes AWS calls and says how each ended; runs inside a Lambda function, too, as its handler."""

from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from botocore.client import BaseClient


class Call(NamedTuple):
    """One call of an AWS API."""

    service: str
    operation: str
    parameters: dict[str, object]
    region: str | None = None


def probe(calls: list[Call], session: boto3.Session) -> list[str]:
    """Make each call with the credentials of `session`; "ok" or the error code of each."""
    answers = []
    for call in calls:
        client: BaseClient = session.client(call.service, region_name=call.region)  # type: ignore[call-overload] # any service
        try:
            getattr(client, call.operation)(**call.parameters)
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
        else:
            answers.append("ok")
    return answers


def handler(event: dict[str, list[list[str]]], _context: object) -> list[str]:
    """The entry point of the Lambda function; JSON has made lists of the calls."""
    return probe([Call(*call) for call in event["calls"]], boto3.Session())  # type: ignore[arg-type] # as above
