"""The local cloud ignores what the table says that it ignores.

If one of these tests fails, MiniStack learned to apply the property: delete its row in
tools/rehearsal/untried.py and in docs/rehearsal.md.
"""

from collections.abc import Callable, Mapping

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.tools.rehearsal.recorded import ENVIRONMENT, KEYS, Changes, changed, recorded
from tools.cdk_cli.assembly import Json
from tools.local_cloud.client import REGION
from tools.rehearsal import stacks
from tools.rehearsal.steps import deploy, of
from tools.rehearsal.untried import NOT_APPLIED, TAKES_DAYS

# No other test has an account with such a high number.
ACCOUNT = "000000099999"
BUCKET, TABLE, GLOBAL, LOGS = (
    f"test99999-{store}" for store in ("bucket", "table", "global", "logs")
)
DAY: Json = {"Status": "Enabled", "ExpirationInDays": 1}
KMS: Json = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
LOCK: Json = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
ARCHIVE: Json = {"Id": "a", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS"}]}
COPY: Json = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::other"}}
BACKUPS: Mapping[str, Json] = {
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}
}
KEY = "arn:aws:kms:us-east-1:111122223333:key/none"
# The answer to a read without the key.
REFUSED = "An error occurred"
# The property that the upgrade of a store sets, a call, and what its answer has if that is applied.
PROPERTIES: dict[tuple[str, str], tuple[Json, Callable[[boto3.Session], object], str]] = {
    ("Bucket", "LifecycleConfiguration"): (
        {"Rules": [DAY]},
        lambda session: session.client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET),
        "Rules",
    ),
    ("Bucket", "IntelligentTieringConfigurations"): (
        [ARCHIVE],
        lambda session: session.client("s3").list_bucket_intelligent_tiering_configurations(
            Bucket=BUCKET
        ),
        "IntelligentTieringConfigurationList",
    ),
    ("Bucket", "BucketEncryption"): (
        {"ServerSideEncryptionConfiguration": [KMS]},
        lambda session: session.client("s3").get_bucket_encryption(Bucket=BUCKET),
        "aws:kms",
    ),
    ("Bucket", "OwnershipControls"): (
        {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        lambda session: session.client("s3").get_bucket_ownership_controls(Bucket=BUCKET),
        "ObjectWriter",
    ),
    ("Bucket", "ObjectLockConfiguration"): (
        {"ObjectLockEnabled": "Enabled", "Rule": LOCK},
        lambda session: session.client("s3").get_object_lock_configuration(Bucket=BUCKET),
        "ObjectLockEnabled",
    ),
    ("Bucket", "ReplicationConfiguration"): (
        {"Role": "any", "Rules": [COPY]},
        lambda session: session.client("s3").get_bucket_replication(Bucket=BUCKET),
        "Rules",
    ),
    ("Bucket", "VersioningConfiguration"): (
        {"Status": "Suspended"},
        lambda session: session.client("s3").get_bucket_versioning(Bucket=BUCKET),
        "Suspended",
    ),
    ("Table", "TimeToLiveSpecification"): (
        {"AttributeName": "day", "Enabled": True},
        lambda session: session.client("dynamodb").describe_time_to_live(TableName=TABLE),
        "'ENABLED'",
    ),
    ("Table", "PointInTimeRecoverySpecification"): (
        BACKUPS["PointInTimeRecoverySpecification"],
        lambda session: session.client("dynamodb").describe_continuous_backups(TableName=TABLE),
        "'PointInTimeRecoveryStatus': 'ENABLED'",
    ),
    ("Table", "SSESpecification"): (
        {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        lambda session: session.client("dynamodb").scan(TableName=TABLE),
        REFUSED,
    ),
    ("GlobalTable", "Replicas"): (
        [{"Region": REGION, **BACKUPS}, {"Region": "eu-west-1"}],
        lambda session: session.client("dynamodb").describe_table(TableName=GLOBAL),
        "'Replicas': [{",
    ),
    ("LogGroup", "KmsKeyId"): (
        KEY,
        lambda session: session.client("logs").filter_log_events(logGroupName=LOGS),
        REFUSED,
    ),
}


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """The account whose stores set PROPERTIES in an upgrade."""
    stores = {"GlobalTable": "Global", "LogGroup": "Logs"}
    add: Changes = {
        "Store.Resources.Global": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {**KEYS, "TableName": "NAME-global"},
        }
    }
    base = changed(ENVIRONMENT, add)
    new = changed(
        base,
        {
            f"Store.Resources.{stores.get(store, store)}.Properties.{name}": value
            for (store, name), (value, _, _) in PROPERTIES.items()
        },
    )
    for templates in (base, new):
        (stack,) = stacks.read(recorded({"Store": templates["Store"]}, ACCOUNT))
        assert deploy(stack) == ""
    return of(stack)


@pytest.mark.parametrize(("store", "property_"), PROPERTIES)
def test_the_local_cloud_ignores_a_property(
    session: boto3.Session, store: str, property_: str
) -> None:
    _, call, applied = PROPERTIES[store, property_]
    try:
        answer = str(call(session))
    except ClientError as error:  # for example NoSuchLifecycleConfiguration
        answer = str(error)
    assert applied not in answer


def test_each_row_is_measured_or_takes_days() -> None:
    measured = {key for key, reason in NOT_APPLIED.items() if reason != TAKES_DAYS}
    assert {(kind.split("::")[2], name) for kind, name in measured} == PROPERTIES.keys()
