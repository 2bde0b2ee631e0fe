"""Data for the stores that stacks create: what is put in, and what is there.

To rehearse another type, add a row to STORES, and a change that loses its data to the tests.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from modules.data_bucket.keys import Tier, object_key

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

COPIES = 2
# The error codes of a store that does not exist.
MISSING = ("NoSuchBucket", "ResourceNotFoundException", "RepositoryNotFoundException")


@dataclass(frozen=True)
class Store:
    """How to put data into a store and read it; both take the store's physical id.

    What `read` returns identifies each piece of data together with its content.
    """

    noun: str
    put: Callable[[boto3.Session, str], None]
    read: Callable[[boto3.Session, str], set[str]]


def contents(store: Store, session: boto3.Session, name: str) -> set[str]:
    """All data in a store; nothing if the store does not exist."""
    try:
        return store.read(session, name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        return set()


def _put_objects(session: boto3.Session, name: str) -> None:
    s3 = session.client("s3")
    keys = [object_key(tier, "REHEARSAL") for tier in Tier]
    for key in keys:
        for number in range(COPIES):
            s3.put_object(Bucket=name, Key=key, Body=f"{number}")
    # Its older versions are below a delete marker.
    s3.delete_object(Bucket=name, Key=keys[-1])


def _read_objects(session: boto3.Session, name: str) -> set[str]:
    s3 = session.client("s3")
    found = set()
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for version in page.get("Versions", []):
            key, number = version["Key"], version["VersionId"]
            body = s3.get_object(Bucket=name, Key=key, VersionId=number)["Body"].read()
            found.add(f"{key} {number} {body!r}")
    return found


def _put_items(session: boto3.Session, name: str) -> None:
    dynamodb = session.client("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    names = [each["AttributeName"] for each in table["KeySchema"]]
    for number in range(COPIES):
        values: dict[str, AttributeValueTypeDef] = {
            "S": {"S": f"{number}"},
            "N": {"N": f"{number}"},
            "B": {"B": b"%d" % number},
        }
        key = {name: values[types[name]] for name in names}
        dynamodb.put_item(TableName=name, Item=key)


def _read_items(session: boto3.Session, name: str) -> set[str]:
    dynamodb = session.client("dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    return {f"{sorted(item.items())}" for page in pages for item in page["Items"]}


def _put_images(session: boto3.Session, name: str) -> None:
    ecr = session.client("ecr")
    # The local cloud does not ask for the layers.
    for number in range(COPIES):
        layer = {"mediaType": "application/json", "size": 1, "digest": f"sha256:{number:064}"}
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": layer,
            "layers": [layer],
        }
        text = json.dumps(manifest)
        ecr.put_image(repositoryName=name, imageManifest=text, imageTag=f"v{number}")


def _read_images(session: boto3.Session, name: str) -> set[str]:
    ecr = session.client("ecr")
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=name)
    images = [image for page in pages for image in page["imageDetails"]]
    return {f"{image['imageTags']} {image['imageDigest']}" for image in images}


def _put_events(session: boto3.Session, name: str) -> None:
    logs = session.client("logs")
    logs.create_log_stream(logGroupName=name, logStreamName="rehearsal")
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=name,
        logStreamName="rehearsal",
        logEvents=[{"timestamp": now, "message": f"{number}"} for number in range(COPIES)],
    )


def _read_events(session: boto3.Session, name: str) -> set[str]:
    logs = session.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
    return {f"{each['timestamp']} {each['message']}" for page in pages for each in page["events"]}


_TABLE = Store("items", _put_items, _read_items)
STORES = {
    "AWS::S3::Bucket": Store("object versions", _put_objects, _read_objects),
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::ECR::Repository": Store("images", _put_images, _read_images),
    "AWS::Logs::LogGroup": Store("log events", _put_events, _read_events),
}
