"""A recorded environment whose stores are not retained, and changes to it."""

import json
from collections.abc import Mapping
from functools import reduce
from operator import getitem

from tools.cdk_cli.assembly import Json
from tools.local_cloud.client import REGION

# Values by path; None removes the value. NAME in a value is a name that no other rehearsal uses.
type Changes = Mapping[str, Json]

TABLE: Mapping[str, Json] = {
    "KeySchema": [{"AttributeName": "asset", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "asset", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
KEYS: Mapping[str, Json] = {
    "KeySchema": [
        {"AttributeName": "day", "KeyType": "HASH"},
        {"AttributeName": "hash", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "day", "AttributeType": "N"},
        {"AttributeName": "hash", "AttributeType": "B"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
VERSIONED = {"Status": "Enabled"}
ARN = {"Fn::ImportValue": "NAME-store:BucketArn"}
# An environment whose stores have no policy that retains them.
ENVIRONMENT: Mapping[str, Json] = {
    "Roles": {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    "Policies": [
                        {
                            "PolicyName": "all",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {
                                        "Effect": "Allow",
                                        "Action": ["s3:GetObject", "s3:PutObject"],
                                        "Resource": {"Fn::Join": ["", [ARN, "/*"]]},
                                    },
                                    {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
                                ],
                            },
                        }
                    ],
                },
            },
            "Policy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Roles": [{"Ref": "Role"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ARN}
                        ],
                    },
                },
            },
        },
    },
    "Store": {
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "NAME-bucket", "VersioningConfiguration": VERSIONED},
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {**TABLE, "TableName": "NAME-table"},
            },
            "Unnamed": {"Type": "AWS::DynamoDB::Table", "Properties": KEYS},
            "Repository": {
                "Type": "AWS::ECR::Repository",
                "Properties": {"RepositoryName": "NAME-repository", "EmptyOnDelete": True},
            },
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "NAME-logs"}},
        },
        "Outputs": {
            "Arn": {
                "Value": {"Fn::GetAtt": ["Bucket", "Arn"]},
                "Export": {"Name": "NAME-store:BucketArn"},
            },
        },
    },
}

RETAIN = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def table(**properties: Json) -> Json:
    """A table that is retained."""
    return {"Type": "AWS::DynamoDB::Table", "Properties": {**TABLE, **properties}, **RETAIN}


def only(store: str) -> Changes:
    """The changes that leave only one store, because each takes time to fill and to read."""
    stores = {"Bucket", "Table", "Unnamed", "Repository", "Logs"}
    others = dict.fromkeys(f"Store.Resources.{other}" for other in stores - {store})
    return {"Roles": None, "Store.Outputs": None, **others}


def changed(environment: Mapping[str, Json], changes: Changes) -> dict[str, Json]:
    """A copy of an environment's templates with changes."""
    copy = json.loads(json.dumps(environment))
    for path, value in changes.items():
        *parents, last = path.split(".")
        parent = reduce(getitem, parents, copy)
        if value is None:
            del parent[last]
        else:
            parent[last] = value
    found: dict[str, Json] = copy
    return found


def recorded(templates: Mapping[str, Json], account: str, region: str = REGION) -> dict[str, bytes]:
    """The files in snapshots/ that record the templates, for stacks in an account."""
    name = f"test{account.lstrip('0')}"
    settings = {
        key: {"environment": f"aws://{account}/{region}", "stackName": f"{name}-{key.lower()}"}
        for key in templates
    }
    files = {"stacks.json": settings} | {f"{key}.template.json": t for key, t in templates.items()}
    return {
        f"snapshots/test/{path}": json.dumps(content).replace("NAME", name).encode()
        for path, content in files.items()
    }
