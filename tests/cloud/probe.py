"""Makes AWS calls and returns the error codes. Also the handler of a Lambda function."""

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
    """Make each call with the credentials of `session`; return "ok" or the error code of each.

    Omits parameters that an operation does not accept.
    """
    answers = []
    # It takes longer to create a client than to make a call.
    clients: dict[tuple[str, str | None], BaseClient] = {}
    for call in calls:
        key = (call.service, call.region)
        if key not in clients:
            clients[key] = session.client(call.service, region_name=call.region)  # type: ignore[call-overload] # any service
        client = clients[key]
        name = client.meta.method_to_api_mapping[call.operation]
        shape = client.meta.service_model.operation_model(name).input_shape
        taken = shape.members.keys() if shape else set()
        parameters = {key: value for key, value in call.parameters.items() if key in taken}
        try:
            getattr(client, call.operation)(**parameters)
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
        else:
            answers.append("ok")
    return answers


def handler(event: dict[str, list[list[str]]], _context: object) -> list[str]:
    """The entry point of the Lambda function. The event holds the calls as lists."""
    return probe([Call(*call) for call in event["calls"]], boto3.Session())  # type: ignore[arg-type] # as above
