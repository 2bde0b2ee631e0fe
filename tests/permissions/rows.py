"""The rows in docs/permissions.md as AWS calls.

A call has those parameters from its resource and operation that the operation accepts. To test
another call, add a row to the document.
"""

from dataclasses import replace
from typing import NamedTuple

from stacks.core.environment import Environment
from tests.accounts import LAYER
from tools.project import ROOT

TABLE_FILE = ROOT / "docs" / "permissions.md"
ROLES = LAMBDA, FARGATE = "LambdaExecutionRole", "FargateTaskRole"
ACCOUNT, OTHER_REGION = "000000000000", "eu-west-1"
# The environment that the tests deploy, and another environment in the same account and project,
# whose name begins with the same letters.
DEPLOYED = Environment()
OTHER = replace(DEPLOYED, name=f"{DEPLOYED.name}2")

BUCKET, REPOSITORY = DEPLOYED.resource_name("data"), DEPLOYED.resource_name("ecr")
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{DEPLOYED.region}"
DEPLOY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-{ACCOUNT}-{DEPLOYED.region}"
TABLE, OTHER_TABLE = DEPLOYED.resource_name("assets"), OTHER.resource_name("assets")
KEY = "raw/AAPL.parquet"


def function_logs(environment: Environment) -> str:
    return f"/aws/lambda/{environment.resource_name('f')}"


def task_logs(environment: Environment) -> str:
    return f"/{environment.project}/{environment.name}/train"


# Replaced by values that exist only after the deploy.
OTHER_ROLE, UPLOAD = "<ARN of the other role>", "<id of an upload>"

type Parameters = dict[str, object]

RESOURCES: dict[str, Parameters] = {
    **{
        f"data bucket, {tier}/": {"Bucket": BUCKET, "Key": f"{tier}/AAPL.parquet"}
        for tier in ("raw", "processed", "models", "artifacts")
    },
    "data bucket": {"Bucket": BUCKET, "Key": KEY},
    "old version of an object in the data bucket": {
        "Bucket": BUCKET,
        "Key": KEY,
        "VersionId": "null",
    },
    "another bucket": {"Bucket": "another", "Key": KEY},
    "the CDK's asset bucket": {"Bucket": ASSETS, "Key": KEY},
    "all buckets": {"Bucket": "mine"},
    "table of this environment": {"TableName": TABLE},
    "index of the table": {"TableName": TABLE},
    "new table of this environment": {"TableName": DEPLOYED.resource_name("new")},
    "table of another environment": {"TableName": OTHER_TABLE},
    "table of another project": {"TableName": "another"},
    "table of another region": {"TableName": TABLE},
    "the registry": {},
    "repository": {"repositoryName": REPOSITORY},
    "another repository": {"repositoryName": "another"},
    "log group of a function": {"logGroupName": function_logs(DEPLOYED)},
    "log group of a task": {"logGroupName": task_logs(DEPLOYED)},
    "log group of another environment's function": {"logGroupName": function_logs(OTHER)},
    "log group of another environment's task": {"logGroupName": task_logs(OTHER)},
    "log group of another project's function": {"logGroupName": "/aws/lambda/another"},
    "identities": {"UserName": "admin", "RoleName": "any"},
    "the CDK's deploy role": {"RoleArn": DEPLOY_ROLE},
    "the other role": {"RoleArn": OTHER_ROLE},
    "stacks": {"StackName": DEPLOYED.stack_name("storage")},
    # Calls on these resources have only their operation's parameters.
    **{name: {} for name in ("all tables", "all log groups", "keys", "parameters", "functions")},
}
OPERATIONS: dict[str, Parameters] = {
    "put_object": {"Body": "1"},
    "copy_object": {"Key": "models/AAPL.parquet", "CopySource": {"Bucket": BUCKET, "Key": KEY}},
    "abort_multipart_upload": {"UploadId": UPLOAD},
    "put_bucket_policy": {"Policy": "{}"},
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Suspended"}},
    "put_bucket_lifecycle_configuration": {"LifecycleConfiguration": {"Rules": []}},
    "put_item": {"Item": {"asset": {"S": "AAPL"}}},
    "get_item": {"Key": {"asset": {"S": "AAPL"}}},
    "query": {
        "IndexName": "by-asset",
        "KeyConditionExpression": "asset = :a",
        "ExpressionAttributeValues": {":a": {"S": "AAPL"}},
    },
    "create_table": {
        "KeySchema": [{"AttributeName": "asset", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "asset", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
    "create_backup": {"BackupName": "before-a-change"},
    "update_continuous_backups": {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}
    },
    "update_table": {"DeletionProtectionEnabled": False},
    "batch_get_image": {"imageIds": [{"imageTag": "v1"}]},
    "batch_check_layer_availability": {"layerDigests": [LAYER]},
    "get_download_url_for_layer": {"layerDigest": LAYER},
    "put_image": {"imageManifest": "{}", "imageTag": "v2"},
    "batch_delete_image": {"imageIds": [{"imageTag": "v1"}]},
    "delete_repository": {"force": True},
    "set_repository_policy": {"policyText": "{}"},
    "put_image_tag_mutability": {"imageTagMutability": "MUTABLE"},
    "create_log_stream": {"logStreamName": "s"},
    "put_log_events": {
        "logStreamName": "s",
        "logEvents": [{"timestamp": 1, "message": "m"}],
    },
    "attach_role_policy": {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "put_role_policy": {"PolicyName": "p", "PolicyDocument": "{}"},
    "assume_role": {"RoleSessionName": "me"},
    "get_parameter": {"Name": "/cdk-bootstrap/hnb659fds/version"},
    "put_parameter": {"Name": "/p", "Value": "1", "Type": "String"},
}


class Row(NamedTuple):
    """A call that one role makes on a resource, and whether AWS allows the call."""

    role: str
    resource: str
    service: str
    operation: str
    allowed: bool

    @property
    def name(self) -> str:
        """The row's test name."""
        return f"{self.role}-{self.service}-{self.operation}-{self.resource}"

    @property
    def region(self) -> str:
        """The call's region."""
        return OTHER_REGION if self.resource.endswith("of another region") else DEPLOYED.region

    @property
    def parameters(self) -> Parameters:
        """The call's parameters, and others that the operation does not accept."""
        return RESOURCES[self.resource] | OPERATIONS.get(self.operation, {})


def rows() -> list[Row]:
    """Each row in the document, once for each role."""
    found = []
    for line in TABLE_FILE.read_text().split("| --- |\n")[-1].splitlines():
        resource, service, operation, *verdicts = (cell.strip() for cell in line[1:-1].split("|"))
        for role, verdict in zip(ROLES, verdicts, strict=True):
            allowed = {"yes": True, "no": False}[verdict]
            found.append(Row(role, resource, service, operation.strip("`"), allowed))
    return found
