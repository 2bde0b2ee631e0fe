"""The handler stores valid prices only."""

from unittest.mock import Mock

import boto3
import pytest
from pydantic import ValidationError

from modules.growth_ingest.ingest import handler


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """The S3 and DynamoDB clients."""
    monkeypatch.setenv("BUCKET", "data")
    monkeypatch.setenv("TABLE", "prices")
    monkeypatch.setattr(boto3, "client", (aws := Mock()).client)
    monkeypatch.setattr(boto3, "resource", aws.resource)
    return aws


def test_the_prices_and_the_latest_price_are_stored(aws: Mock) -> None:
    assert handler({"asset": "AAPL", "prices": [1, 2.5]}, None) == {"key": "raw/AAPL.parquet"}
    aws.client("s3").put_object.assert_called_once_with(
        Bucket="data", Key="raw/AAPL.parquet", Body=b'{"asset":"AAPL","prices":[1.0,2.5]}'
    )
    table = aws.resource("dynamodb").Table("prices")
    table.put_item.assert_called_once_with(Item={"asset": "AAPL", "latest": "2.5"})


def test_an_event_without_prices_is_refused(aws: Mock) -> None:
    with pytest.raises(ValidationError, match="prices"):
        handler({"asset": "AAPL"}, None)
    aws.client.assert_not_called()
