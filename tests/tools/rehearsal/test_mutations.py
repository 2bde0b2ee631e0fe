"""Rehearsals lose data in dangerous changes, and keep all data in harmless changes.

A rehearsal takes a second, so one tries several changes, each of a resource of its own.
docs/rehearsal.md lists the changes.
"""

import json
import re
from collections.abc import Callable
from functools import cache

import pytest

from tests.tools.rehearsal.conftest import Rehearse
from tests.tools.rehearsal.recorded import (
    ENVIRONMENT,
    RETAIN,
    TABLE,
    Changes,
    changed,
    only,
    table,
)
from tools.guard.changes import compare
from tools.guard.destructive import destructive_changes
from tools.rehearsal.report import Kind, Report
from tools.rehearsal.untried import IGNORED, TAKES_DAYS

STORE = "Store.Resources"
BUCKET, LOGS, REPOSITORY = f"{STORE}.Bucket", f"{STORE}.Logs", f"{STORE}.Repository"
NAMED, UNNAMED = f"{STORE}.Table", f"{STORE}.Unnamed"
NEVER = {"Never": {"Fn::Equals": ["yes", "no"]}}

# Each rehearsal's changes, by description.
DANGEROUS: dict[str, dict[str, Changes]] = {
    "removed": {
        "Bucket is removed": {BUCKET: None, "Store.Outputs": None},
        "Table is removed": {NAMED: None},
        "Unnamed is removed": {UNNAMED: None},
        "Repository is removed": {REPOSITORY: None},
        "Logs is removed": {LOGS: None},
    },
    "replaced": {
        "Bucket has another name": {f"{BUCKET}.Properties.BucketName": "NAME-b"},
        "Table has another name": {f"{NAMED}.Properties.TableName": "NAME-b"},
        "Unnamed has other keys": {f"{UNNAMED}.Properties": TABLE},
        "Repository has another name": {f"{REPOSITORY}.Properties.RepositoryName": "NAME-b"},
        "Logs has another name": {f"{LOGS}.Properties.LogGroupName": "NAME-b"},
    },
    "moved": {
        "Bucket has a condition that is false": {
            "Store.Conditions": NEVER,
            f"{BUCKET}.Condition": "Never",
            "Store.Outputs.Arn.Condition": "Never",
        },
        "Unnamed has a local index": {
            f"{UNNAMED}.Properties.LocalSecondaryIndexes": [
                {
                    "IndexName": "hashes",
                    "KeySchema": [
                        {"AttributeName": "day", "KeyType": "HASH"},
                        {"AttributeName": "hash", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ]
        },
        "Repository has other encryption and no name": {
            f"{REPOSITORY}.Properties": {"EncryptionConfiguration": {"EncryptionType": "KMS"}}
        },
        "Logs is in another stack": {
            LOGS: None,
            "Zoo": {
                "Resources": {
                    "Logs": {
                        "Type": "AWS::Logs::LogGroup",
                        "Properties": {"LogGroupName": "NAME-logs"},
                    }
                }
            },
        },
    },
}
LOST = {
    "Bucket": "8 of 8 object versions are lost",
    "Table": "2 of 2 items are lost",
    "Unnamed": "2 of 2 items are lost",
    "Repository": "2 of 2 images are lost",
    "Logs": "2 of 2 log events are lost",
}
HARMLESS: dict[str, Changes] = {
    "Store has a description": {"Store.Description": "Stores"},
    "Store has another export": {
        "Store.Outputs.Name": {
            "Value": {"Ref": "Bucket"},
            "Export": {"Name": "NAME-store:BucketName"},
        }
    },
    "Store has another table": {f"{STORE}.Other": table(TableName="NAME-other")},
    "Store is retained": {
        f"{name}.{policy}": "Retain"
        for name in (BUCKET, NAMED, UNNAMED, REPOSITORY, LOGS)
        for policy in RETAIN
    },
    "Bucket has tags": {f"{BUCKET}.Properties.Tags": [{"Key": "Stack", "Value": "store"}]},
    "Bucket expires old versions": {
        f"{BUCKET}.Properties.LifecycleConfiguration": {
            "Rules": [
                {
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                }
            ]
        }
    },
    "Bucket is private": {
        f"{BUCKET}.Properties.PublicAccessBlockConfiguration": {"BlockPublicAcls": True}
    },
    "Table has deletion protection": {f"{NAMED}.Properties.DeletionProtectionEnabled": True},
    "Table has a stream": {
        f"{NAMED}.Properties.StreamSpecification": {"StreamViewType": "KEYS_ONLY"}
    },
    "Unnamed has another index": {
        f"{UNNAMED}.Properties.GlobalSecondaryIndexes": [
            {
                "IndexName": "days",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    },
    "Repository scans images": {
        f"{REPOSITORY}.Properties.ImageScanningConfiguration": {"ScanOnPush": True}
    },
    "Logs keeps events for a year": {f"{LOGS}.Properties.RetentionInDays": 365},
    "Roles has another role": {
        "Roles.Resources.Another": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        }
    },
    "Policy allows another action": {
        "Roles.Resources.Policy.Properties.PolicyDocument.Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetBucketTagging"],
                "Resource": {"Fn::ImportValue": "NAME-store:BucketArn"},
            }
        ]
    },
    "Zoo is another stack": {"Zoo": {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}},
}
# What only the guard finds: the local cloud shows no loss, or a loss comes later.
ONLY_GUARD: dict[str, Changes] = {
    "Bucket has no name": {f"{BUCKET}.Properties.BucketName": None},
    "Bucket expires objects": {
        f"{BUCKET}.Properties.LifecycleConfiguration": {
            "Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]
        }
    },
    "Bucket suspends versioning": {
        f"{BUCKET}.Properties.VersioningConfiguration": {"Status": "Suspended"}
    },
    "Table expires items": {
        f"{NAMED}.Properties.TimeToLiveSpecification": {"AttributeName": "day", "Enabled": True}
    },
    "Unnamed has no backups": {
        f"{UNNAMED}.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": False
    },
    "Repository expires images": {
        f"{REPOSITORY}.Properties.LifecyclePolicy": {
            "LifecyclePolicyText": json.dumps(
                {"rules": [{"selection": {"countType": "imageCountMoreThan", "countNumber": 1}}]}
            )
        }
    },
    "Logs expires events": {f"{LOGS}.Properties.RetentionInDays": 1},
}
# Those that the report does not name, because they lose data only in a later change.
LATER: dict[str, Changes] = {
    "Repository is not retained": {f"{REPOSITORY}.DeletionPolicy": None},
    "Table has no deletion protection": {f"{NAMED}.Properties.DeletionProtectionEnabled": None},
}
BEFORE: Changes = {
    f"{REPOSITORY}.DeletionPolicy": "Retain",
    f"{NAMED}.Properties.DeletionProtectionEnabled": True,
    f"{UNNAMED}.Properties.PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
}


def merged(changes: dict[str, Changes]) -> Changes:
    return {path: value for each in changes.values() for path, value in each.items()}


@pytest.fixture(scope="module")
def dangerous(rehearsal: Rehearse) -> Callable[[str], Report]:
    """The report of one rehearsal in DANGEROUS."""
    return cache(lambda name: rehearsal(merged(DANGEROUS[name])))


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name in DANGEROUS for change in DANGEROUS[name]]
)
def test_a_dangerous_change_loses_data(
    dangerous: Callable[[str], Report], name: str, change: str
) -> None:
    store = change.split()[0]
    assert f"upgrade: {LOST[store]}" in dangerous(name).found[Kind.LOST][f"test/Store/{store}"]


def test_a_name_that_another_resource_has_is_refused_without_loss(rehearsal: Rehearse) -> None:
    changes: Changes = {NAMED: None, f"{STORE}.Other": table(TableName="NAME-table")}
    ((failure,),) = rehearsal(changes, only("Table")).found[Kind.LOST].values()
    assert re.search("the deploy fails: .* already exists", failure)


def test_the_local_cloud_deletes_a_protected_table(rehearsal: Rehearse) -> None:
    base: Changes = {f"{NAMED}.Properties.DeletionProtectionEnabled": True}
    report = rehearsal({NAMED: None}, {**only("Table"), **base})
    assert report.found[Kind.LOST] == {"test/Store/Table": [f"upgrade: {LOST['Table']}"]}


def test_harmless_changes_lose_nothing(rehearsal: Rehearse) -> None:
    report = rehearsal(merged(HARMLESS), compares=True)
    assert report.found[Kind.LOST] == {}
    # What the change adds; the base does not have it.
    assert report.found[Kind.CHANGED].keys() == {"test/Store/Other", "test/Roles/Another"}
    assert report.markdown({}).splitlines()[-1] == (
        "**Nothing was lost in the upgrade and on the way back (object versions: 8, items: 4, "
        "images: 2, log events: 2, exports: 1, decisions of roles: 4), but read above what was "
        "not rehearsed.**"
    )


def test_only_the_guard_finds_some_dangerous_changes(rehearsal: Rehearse) -> None:
    changes = merged({**ONLY_GUARD, **LATER})
    report = rehearsal(changes, BEFORE, compares=True)
    assert report.found[Kind.LOST] == {}
    assert report.found[Kind.UNTRIED] == {
        "test/Store/Bucket": [
            "AWS may replace it for its BucketName; the local cloud does not",
            f"LifecycleConfiguration changes: {IGNORED}",
            "VersioningConfiguration changes: the local cloud never suspends versioning",
        ],
        "test/Store/Table": [f"TimeToLiveSpecification changes: {IGNORED}"],
        "test/Store/Unnamed": [f"PointInTimeRecoverySpecification changes: {IGNORED}"],
        "test/Store/Repository": [f"LifecyclePolicy changes: {TAKES_DAYS}"],
        "test/Store/Logs": [f"RetentionInDays changes: {TAKES_DAYS}"],
    }
    old = changed(ENVIRONMENT, BEFORE)
    new = changed(old, changes)
    found = compare({"test/Store": (old["Store"], new["Store"])})  # type: ignore[dict-item]
    stores = {change.split()[0] for change in (*ONLY_GUARD, *LATER)}
    export = "NAME-store:BucketArn"  # its value changes with the bucket's name
    assert destructive_changes(found, {}).keys() == {f"test/Store/{store}" for store in stores} | {
        export
    }
