"""The Lambda function ingest: stores prices as an object, and the latest one as an item."""

import os

import boto3
from pydantic import BaseModel

from modules.data_bucket.keys import Tier, object_key


class Prices(BaseModel):
    """An asset's prices, oldest first."""

    asset: str
    prices: list[float]


def handler(event: dict[str, object], context: object) -> dict[str, object]:
    """Store the event's prices; raises `ValidationError` for an event without prices."""
    found = Prices.model_validate(event)
    key = object_key(Tier.RAW, found.asset)
    body = found.model_dump_json().encode()
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body)
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    table.put_item(Item={"asset": found.asset, "latest": str(found.prices[-1])})
    return {"key": key}
