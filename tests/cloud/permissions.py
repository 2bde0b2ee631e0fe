"""The permission table as calls: what each role may do, and what it is refused.

`python -m tests.cloud.permissions` prints it for people; docs/permissions.md is that print.
"""

from typing import NamedTuple

from tests.cloud.probe import Call

ACCOUNT = "000000000000"
BUCKET = "wealth-ops-data-dev"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-us-east-1"
REPOSITORY = "wealth-ops-ecr-dev"
TABLE = "wealth-ops-prices"
LAMBDA, FARGATE = "LambdaExecutionRole", "FargateTaskRole"
BOTH = (LAMBDA, FARGATE)
KEY = {"asset": {"S": "AAPL"}}
IMAGE = [{"imageTag": "v1"}]
LAYER = f"sha256:{'1' * 64}"
# Stands for an ARN that is known only once the roles are deployed.
OTHER_ROLE = "the other role"
DEPLOY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-{ACCOUNT}-us-east-1"


class Row(NamedTuple):
    """Who does what to which resource, and whether it is allowed."""

    roles: tuple[str, ...]
    allowed: bool
    resource: str
    call: Call


def _rows(
    roles: tuple[str, ...],
    resource: str,
    service: str,
    *calls: tuple[str, dict[str, object]],
    allowed: bool = False,
    region: str | None = None,
) -> list[Row]:
    return [
        Row(roles, allowed, resource, Call(service, operation, parameters, region))
        for operation, parameters in calls
    ]


def _objects(bucket: str, key: str) -> list[tuple[str, dict[str, object]]]:
    where: dict[str, object] = {"Bucket": bucket, "Key": key}
    return [("put_object", where | {"Body": "1"}), ("get_object", where)]


def _table(name: str) -> list[tuple[str, dict[str, object]]]:
    table: dict[str, object] = {"TableName": name}
    return [
        ("put_item", table | {"Item": KEY}),
        ("get_item", table | {"Key": KEY}),
        ("describe_table", table),
    ]


def _pull(name: str) -> list[tuple[str, dict[str, object]]]:
    repository: dict[str, object] = {"repositoryName": name}
    return [
        ("batch_get_image", repository | {"imageIds": IMAGE}),
        ("batch_check_layer_availability", repository | {"layerDigests": [LAYER]}),
        ("get_download_url_for_layer", repository | {"layerDigest": LAYER}),
    ]


def _logs(group: str) -> list[tuple[str, dict[str, object]]]:
    stream: dict[str, object] = {"logGroupName": group, "logStreamName": "s"}
    return [
        ("create_log_stream", stream),
        ("put_log_events", stream | {"logEvents": [{"timestamp": 1, "message": "m"}]}),
    ]


_B: dict[str, object] = {"Bucket": BUCKET}
_O = _B | {"Key": "raw/AAPL.parquet"}
_R: dict[str, object] = {"repositoryName": REPOSITORY}
_NEW: dict[str, object] = {
    "TableName": "wealth-ops-new",
    "KeySchema": [{"AttributeName": "asset", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "asset", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}

TABLE_OF_PERMISSIONS: list[Row] = [
    # Objects of the data bucket: read and write, in every tier.
    *(
        row
        for tier in ("raw", "processed", "models", "artifacts")
        for row in _rows(
            BOTH, f"{BUCKET}/{tier}/", "s3", *_objects(BUCKET, f"{tier}/AAPL.parquet"), allowed=True
        )
    ),
    # Nothing that could lose or reveal more: no deletion, no listing, no old version, no settings.
    *_rows(
        BOTH,
        BUCKET,
        "s3",
        ("delete_object", _O),
        ("delete_object", _O | {"VersionId": "null"}),
        ("get_object", _O | {"VersionId": "null"}),
        ("get_object_tagging", _O),
        ("list_objects_v2", _B),
        ("list_object_versions", _B),
        ("get_bucket_policy", _B),
        ("put_bucket_policy", _B | {"Policy": "{}"}),
        ("delete_bucket_policy", _B),
        ("put_bucket_versioning", _B | {"VersioningConfiguration": {"Status": "Suspended"}}),
        ("put_bucket_lifecycle_configuration", _B | {"LifecycleConfiguration": {"Rules": []}}),
        ("delete_bucket_lifecycle", _B),
        ("delete_public_access_block", _B),
        ("delete_bucket", _B),
    ),
    *_rows(BOTH, "another bucket", "s3", *_objects("another", "raw/AAPL.parquet")),
    *_rows(BOTH, "the CDK's asset bucket", "s3", *_objects(ASSETS, "raw/AAPL.parquet")),
    *_rows(BOTH, "all buckets", "s3", ("list_buckets", {}), ("create_bucket", {"Bucket": "mine"})),
    # Tables of the project, with their indexes and streams, and no others.
    *_rows(BOTH, f"table {TABLE}", "dynamodb", *_table(TABLE), allowed=True),
    *_rows(
        BOTH,
        f"index of {TABLE}",
        "dynamodb",
        (
            "query",
            {
                "TableName": TABLE,
                "IndexName": "by-asset",
                "KeyConditionExpression": "asset = :a",
                "ExpressionAttributeValues": {":a": {"S": "AAPL"}},
            },
        ),
        allowed=True,
    ),
    *_rows(
        BOTH,
        "table wealth-ops-new",
        "dynamodb",
        ("create_table", _NEW),
        ("delete_table", {"TableName": "wealth-ops-new"}),
        allowed=True,
    ),
    *_rows(BOTH, "table another", "dynamodb", *_table("another")),
    *_rows(BOTH, "table another", "dynamodb", ("delete_table", {"TableName": "another"})),
    *_rows(BOTH, f"table {TABLE} of eu-west-1", "dynamodb", *_table(TABLE), region="eu-west-1"),
    *_rows(BOTH, "all tables", "dynamodb", ("list_tables", {})),
    # Images: tasks pull from the one repository; functions are given theirs by Lambda itself.
    *_rows((FARGATE,), "the registry", "ecr", ("get_authorization_token", {}), allowed=True),
    *_rows((FARGATE,), REPOSITORY, "ecr", *_pull(REPOSITORY), allowed=True),
    *_rows((FARGATE,), "another repository", "ecr", *_pull("another")),
    *_rows((LAMBDA,), "the registry", "ecr", ("get_authorization_token", {})),
    *_rows((LAMBDA,), REPOSITORY, "ecr", *_pull(REPOSITORY)),
    *_rows(
        BOTH,
        REPOSITORY,
        "ecr",
        ("put_image", _R | {"imageManifest": "{}", "imageTag": "v2"}),
        ("initiate_layer_upload", _R),
        ("batch_delete_image", _R | {"imageIds": IMAGE}),
        ("delete_repository", _R | {"force": True}),
        ("set_repository_policy", _R | {"policyText": "{}"}),
        ("delete_lifecycle_policy", _R),
        ("put_image_tag_mutability", _R | {"imageTagMutability": "MUTABLE"}),
    ),
    # Logs: each role writes to its own kind of log group, which others create.
    *_rows(
        (LAMBDA,),
        "/aws/lambda/wealth-ops-f",
        "logs",
        *_logs("/aws/lambda/wealth-ops-f"),
        allowed=True,
    ),
    *_rows((FARGATE,), "/wealth-ops/train", "logs", *_logs("/wealth-ops/train"), allowed=True),
    *_rows((LAMBDA,), "/wealth-ops/train", "logs", *_logs("/wealth-ops/train")),
    *_rows((FARGATE,), "/aws/lambda/wealth-ops-f", "logs", *_logs("/aws/lambda/wealth-ops-f")),
    *_rows(BOTH, "/aws/lambda/another", "logs", *_logs("/aws/lambda/another")),
    *_rows(
        BOTH,
        "log groups",
        "logs",
        ("create_log_group", {"logGroupName": "/wealth-ops/new"}),
        ("delete_log_group", {"logGroupName": "/wealth-ops/train"}),
        ("describe_log_groups", {}),
    ),
    # No way to become more: no identities, no other role, no keys, no parameters, no stacks.
    *_rows(
        BOTH,
        "identities",
        "iam",
        ("create_user", {"UserName": "me"}),
        ("create_access_key", {"UserName": "admin"}),
        (
            "attach_role_policy",
            {"RoleName": "any", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        ("put_role_policy", {"RoleName": "any", "PolicyName": "p", "PolicyDocument": "{}"}),
        ("list_roles", {}),
    ),
    *_rows(
        BOTH,
        "the CDK's deploy role",
        "sts",
        ("assume_role", {"RoleArn": DEPLOY_ROLE, "RoleSessionName": "me"}),
    ),
    *_rows(
        BOTH,
        "the other role",
        "sts",
        ("assume_role", {"RoleArn": OTHER_ROLE, "RoleSessionName": "me"}),
    ),
    *_rows(BOTH, "keys", "kms", ("create_key", {}), ("list_keys", {})),
    *_rows(
        BOTH,
        "parameters",
        "ssm",
        ("get_parameter", {"Name": "/cdk-bootstrap/hnb659fds/version"}),
        ("put_parameter", {"Name": "/p", "Value": "1", "Type": "String"}),
    ),
    *_rows(
        BOTH,
        "stacks",
        "cloudformation",
        ("delete_stack", {"StackName": "wealth-ops-storage-dev"}),
        ("describe_stacks", {}),
    ),
    *_rows(BOTH, "functions", "lambda", ("list_functions", {})),
]


def cases() -> list[tuple[str, Row]]:
    """Each row once for each of its roles."""
    return [(role, row) for row in TABLE_OF_PERMISSIONS for role in row.roles]


def as_markdown() -> str:
    """The table for people, in the order of the code."""
    lines = [
        "# What the roles may do",
        "",
        "Every row is a real call that the end-to-end tests make with the role's own credentials.",
        "",
        f"| resource | call | {LAMBDA} | {FARGATE} |",
        "| --- | --- | --- | --- |",
    ]
    verdicts: dict[tuple[str, str], dict[str, str]] = {}
    for role, row in cases():
        call = f"{row.call.service} `{row.call.operation}`"
        if "VersionId" in row.call.parameters:
            call += " of a version"
        verdicts.setdefault((row.resource, call), {})[role] = "yes" if row.allowed else "no"
    lines += [
        f"| {resource} | {call} | {by_role.get(LAMBDA, '')} | {by_role.get(FARGATE, '')} |"
        for (resource, call), by_role in verdicts.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
