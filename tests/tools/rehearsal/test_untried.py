"""The local cloud ignores what the table says that it ignores.

If one of these tests fails, MiniStack learned to apply the property: delete its row in
tools/rehearsal/untried.py and in docs/rehearsal.md.
"""

from collections.abc import Callable, Iterator, Mapping

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.tools.rehearsal.recorded import ENVIRONMENT, KEYS, Changes, changed, recorded
from tools.cdk_cli.assembly import Json
from tools.local_cloud.client import REGION
from tools.rehearsal import stacks
from tools.rehearsal.steps import deploy, of
from tools.rehearsal.untried import NOT_APPLIED, TAKES_DAYS

DAY: Json = {"Status": "Enabled", "ExpirationInDays": 1}
KMS: Json = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
LOCK: Json = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
ARCHIVE: Json = {"Id": "a", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS"}]}
COPY: Json = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::other"}}
BACKUPS: Mapping[str, Json] = {
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}
}
KEY = "arn:aws:kms:us-east-1:111122223333:key/none"
# The properties that the upgrade of a store sets.
VALUES: dict[tuple[str, str], Json] = {
    ("Bucket", "LifecycleConfiguration"): {"Rules": [DAY]},
    ("Bucket", "IntelligentTieringConfigurations"): [ARCHIVE],
    ("Bucket", "BucketEncryption"): {"ServerSideEncryptionConfiguration": [KMS]},
    ("Bucket", "OwnershipControls"): {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    ("Bucket", "ObjectLockConfiguration"): {"ObjectLockEnabled": "Enabled", "Rule": LOCK},
    ("Bucket", "ReplicationConfiguration"): {"Role": "any", "Rules": [COPY]},
    ("Bucket", "VersioningConfiguration"): {"Status": "Suspended"},
    ("Table", "TimeToLiveSpecification"): {"AttributeName": "day", "Enabled": True},
    ("Table", "PointInTimeRecoverySpecification"): BACKUPS["PointInTimeRecoverySpecification"],
    ("Table", "SSESpecification"): {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
    ("GlobalTable", "Replicas"): [{"Region": REGION, **BACKUPS}, {"Region": "eu-west-1"}],
    ("LogGroup", "KmsKeyId"): KEY,
}


@pytest.fixture(scope="module")
def session(accounts: Iterator[str]) -> boto3.Session:
    """The services of an account whose stores set VALUES in an upgrade."""
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
            for (store, name), value in VALUES.items()
        },
    )
    account = next(accounts)
    for templates in (base, new):
        *_, stack = stacks.read(recorded({"Store": templates["Store"]}, account))
        assert deploy(stack) == ""
    return of(stack)


def name(session: boto3.Session, store: str) -> str:
    """The name of a store."""
    (bucket,) = session.client("s3").list_buckets()["Buckets"]
    return bucket["Name"].replace("-bucket", f"-{store}")


def calls(session: boto3.Session) -> dict[tuple[str, str], Callable[[], object]]:
    """For each of VALUES, the call that shows whether it is applied."""
    s3 = session.client("s3")
    dynamodb = session.client("dynamodb")
    logs = session.client("logs")
    bucket, table, many = (name(session, store) for store in ("bucket", "table", "global"))

    def encryption() -> bool:
        found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        default = found["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return default["SSEAlgorithm"] == "aws:kms"

    def ownership() -> bool:
        found = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
        return found["Rules"][0]["ObjectOwnership"] == "ObjectWriter"

    def backups() -> bool:
        found = dynamodb.describe_continuous_backups(TableName=table)
        recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        return recovery["PointInTimeRecoveryStatus"] == "ENABLED"

    def time_to_live() -> bool:
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        return found["TimeToLiveStatus"] == "ENABLED"

    return {
        ("Bucket", "LifecycleConfiguration"): lambda: s3.get_bucket_lifecycle_configuration(
            Bucket=bucket
        ),
        ("Bucket", "IntelligentTieringConfigurations"): lambda: (
            "IntelligentTieringConfigurationList"
            in s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)
        ),
        ("Bucket", "BucketEncryption"): encryption,
        ("Bucket", "OwnershipControls"): ownership,
        ("Bucket", "ObjectLockConfiguration"): lambda: s3.get_object_lock_configuration(
            Bucket=bucket
        ),
        ("Bucket", "ReplicationConfiguration"): lambda: s3.get_bucket_replication(Bucket=bucket),
        ("Bucket", "VersioningConfiguration"): lambda: (
            s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
        ),
        ("Table", "TimeToLiveSpecification"): time_to_live,
        ("Table", "PointInTimeRecoverySpecification"): backups,
        ("Table", "SSESpecification"): lambda: is_refused(lambda: dynamodb.scan(TableName=table)),
        ("GlobalTable", "Replicas"): lambda: dynamodb.describe_table(TableName=many)["Table"].get(
            "Replicas"
        ),
        ("LogGroup", "KmsKeyId"): lambda: (
            not logs.filter_log_events(logGroupName=name(session, "logs"))
        ),
    }


def is_refused(call: Callable[[], object]) -> bool:
    """Whether a store cannot be read, because its key does not exist."""
    try:
        call()
    except ClientError:
        return True
    return False


def is_applied(call: Callable[[], object]) -> bool:
    try:
        return bool(call())
    except ClientError:  # for example NoSuchLifecycleConfiguration
        return False


@pytest.mark.parametrize(("store", "property_"), VALUES)
def test_the_local_cloud_ignores_a_property(
    session: boto3.Session, store: str, property_: str
) -> None:
    assert not is_applied(calls(session)[store, property_])


def test_each_row_is_measured_or_takes_days() -> None:
    measured = {key for key, reason in NOT_APPLIED.items() if reason != TAKES_DAYS}
    assert {(kind.split("::")[2], name) for kind, name in measured} == VALUES.keys()
