"""Calls with the roles' credentials return what docs/permissions.md says."""

import json
from functools import cache

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from tests.accounts import administrator, put_image, role_session
from tests.permissions.rows import (
    ACCOUNT,
    BUCKET,
    DEPLOYED,
    FARGATE,
    KEY,
    LAMBDA,
    OTHER,
    OTHER_REGION,
    OTHER_ROLE,
    OTHER_TABLE,
    REPOSITORY,
    ROLES,
    TABLE,
    UPLOAD,
    Parameters,
    Row,
    function_logs,
    rows,
    task_logs,
)
from tools.local_cloud.client import LocalCloud

DENIED = {"AccessDenied", "AccessDeniedException"}
OTHER_ACCOUNT = "222233334444"
ROWS = rows()


@pytest.fixture(scope="module")
def roles(entered_cloud: LocalCloud) -> dict[str, str]:
    """Each role's ARN, from the exports."""
    cloudformation = boto3.client("cloudformation", endpoint_url=entered_cloud.url)
    exports = cloudformation.list_exports()["Exports"]
    found = {export["Name"]: export["Value"] for export in exports}
    return {role: found[DEPLOYED.export_name("identity", f"{role}Arn")] for role in ROLES}


def create_resources() -> None:
    """Create the table's resources, and similar resources that the roles must not use."""
    boto3.client("s3").create_bucket(Bucket="another")
    tables = [(name, DEPLOYED.region) for name in (TABLE, OTHER_TABLE, "another")]
    for name, region in (*tables, (TABLE, OTHER_REGION)):
        boto3.client("dynamodb", region_name=region).create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "asset", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "asset", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-asset",
                    "KeySchema": [{"AttributeName": "asset", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
    boto3.client("ecr").create_repository(repositoryName="another")
    for repository in (REPOSITORY, "another"):
        put_image(repository)
    groups = [logs(each) for each in (DEPLOYED, OTHER) for logs in (function_logs, task_logs)]
    for group in (*groups, "/aws/lambda/another"):
        boto3.client("logs").create_log_group(logGroupName=group)


@pytest.fixture(scope="module")
def outcomes(roles: dict[str, str]) -> dict[str, str]:
    """Each row's outcome, keyed by row name."""
    create_resources()
    admin = administrator(boto3.Session(), "admin")
    found = {}
    for role, arn in roles.items():
        upload = boto3.client("s3").create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
        (other,) = {*roles.values()} - {arn}
        deployed = {OTHER_ROLE: other, UPLOAD: upload}
        # It takes longer to create a client than to make a call.
        client = cache(role_session(arn, admin).client)
        for row in ROWS:
            if row.role == role:
                parameters = {k: deployed.get(str(v), v) for k, v in row.parameters.items()}
                found[row.name] = call(client(row.service, row.region), row.operation, parameters)
    return found


def call(client: BaseClient, operation: str, parameters: Parameters) -> str:
    """Call `operation` with the parameters that it accepts; return "ok" or the error code."""
    name = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(name).input_shape
    accepted = shape.members.keys() if shape else set()
    try:
        getattr(client, operation)(**{k: v for k, v in parameters.items() if k in accepted})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_the_table_has_eighty_rows_and_half_of_them_are_denials() -> None:
    assert len(ROWS) >= 80
    assert sum(not row.allowed for row in ROWS) * 2 >= len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_result_of_a_call_matches_the_table(outcomes: dict[str, str], row: Row) -> None:
    if row.allowed:
        assert outcomes[row.name] == "ok"
    else:
        assert outcomes[row.name] in DENIED, "another error does not prove that AWS denies the call"


@pytest.mark.parametrize("role", ROLES)
def test_no_user_of_this_or_another_account_assumes_a_role(
    roles: dict[str, str], role: str
) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        user = administrator(boto3.Session(account, "any"), f"stranger-{role}")
        with pytest.raises(ClientError, match="AccessDenied"):
            user.client("sts").assume_role(RoleArn=roles[role], RoleSessionName="me")


# In a call, the local cloud checks only a log group's ARN, or that of a table given by name. Each
# row: action, resource and decision.
NAMED_ALIKE = f"by-{DEPLOYED.name}"
TABLES = f"arn:aws:dynamodb:{DEPLOYED.region}:{ACCOUNT}:table"
FUNCTION_LOGS = f"arn:aws:logs:{DEPLOYED.region}:{ACCOUNT}:log-group:{function_logs(DEPLOYED)}"
OTHER_LOGS = f"arn:aws:logs:{DEPLOYED.region}:{ACCOUNT}:log-group:{function_logs(OTHER)}"
BOTH_ROLES = [
    ("dynamodb:GetRecords", f"{TABLES}/{TABLE}/stream/2026", "allowed"),
    ("dynamodb:GetRecords", f"{TABLES}/{OTHER_TABLE}/stream/2026", "implicitDeny"),
    ("dynamodb:Query", f"{TABLES}/{TABLE}/index/by-asset", "allowed"),
    ("dynamodb:Query", f"{TABLES}/{OTHER_TABLE}/index/by-asset", "implicitDeny"),
    ("dynamodb:Query", f"{TABLES}/{OTHER_TABLE}/index/{NAMED_ALIKE}", "explicitDeny"),
    ("dynamodb:PutResourcePolicy", f"{TABLES}/{TABLE}", "explicitDeny"),
    ("dynamodb:DeleteResourcePolicy", f"{TABLES}/{TABLE}/stream/2026", "explicitDeny"),
    ("dynamodb:RestoreTableFromBackup", f"{TABLES}/{TABLE}/backup/2026", "allowed"),
    ("dynamodb:DeleteBackup", f"{TABLES}/{TABLE}/backup/2026", "explicitDeny"),
]
LAMBDA_ONLY = [
    ("logs:PutLogEvents", f"{FUNCTION_LOGS}:log-stream:2026/[$LATEST]1", "allowed"),
    ("logs:PutLogEvents", f"{OTHER_LOGS}:log-stream:2026/[$LATEST]1", "implicitDeny"),
    ("logs:PutLogEvents", f"{OTHER_LOGS}:log-stream:{NAMED_ALIKE}", "explicitDeny"),
]


@pytest.mark.parametrize(
    ("role", "action", "resource", "decision"),
    [(role, *row) for role in ROLES for row in BOTH_ROLES]
    + [(LAMBDA, *row) for row in LAMBDA_ONLY],
)
def test_simulated_a_role_uses_tables_and_log_streams_of_its_environment_without_sharing_them(
    roles: dict[str, str], role: str, action: str, resource: str, decision: str
) -> None:
    answer = boto3.client("iam").simulate_principal_policy(
        PolicySourceArn=roles[role], ActionNames=[action], ResourceArns=[resource]
    )
    assert answer["EvaluationResults"][0]["EvalDecision"] == decision


def elsewhere(arn: str) -> list[str]:
    """The same resource in another account and in another region."""
    return [arn.replace(ACCOUNT, OTHER_ACCOUNT), arn.replace(DEPLOYED.region, OTHER_REGION)]


TASK = f"arn:aws:ecs:{DEPLOYED.region}:{ACCOUNT}:task/train/1"
FUNCTIONS = f"arn:aws:lambda:{DEPLOYED.region}:{ACCOUNT}:function"
FUNCTION = f"{FUNCTIONS}:{DEPLOYED.resource_name('train')}"


@pytest.mark.parametrize(
    ("holder", "service", "action", "source", "decision"),
    [
        (LAMBDA, "lambda", "sts:AssumeRole", FUNCTION, "Allow"),
        (LAMBDA, "ecs-tasks", "sts:AssumeRole", TASK, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", "sts:AssumeRole", TASK, "Allow"),
        (FARGATE, "lambda", "sts:AssumeRole", FUNCTION, "ImplicitDeny"),
        *(
            (FARGATE, "ecs-tasks", "sts:AssumeRole", task, "ImplicitDeny")
            for task in elsewhere(TASK)
        ),
        (REPOSITORY, "lambda", "ecr:BatchGetImage", FUNCTION, "Allow"),
        (REPOSITORY, "lambda", "ecr:GetDownloadUrlForLayer", f"{FUNCTION}:3", "Allow"),
        (REPOSITORY, "lambda", "ecr:PutImage", FUNCTION, "ImplicitDeny"),
        (REPOSITORY, "ecs-tasks", "ecr:BatchGetImage", FUNCTION, "ImplicitDeny"),
        *(
            (REPOSITORY, "lambda", "ecr:BatchGetImage", function, "ImplicitDeny")
            for function in (
                *elsewhere(FUNCTION),
                f"{FUNCTIONS}:{OTHER.resource_name('train')}",
                f"{FUNCTIONS}:another-{DEPLOYED.name}:3",
            )
        ),
    ],
)
def test_simulated_a_service_uses_a_role_or_the_repository_for_this_environment_only(
    roles: dict[str, str], holder: str, service: str, action: str, source: str, decision: str
) -> None:
    if holder == REPOSITORY:
        found = boto3.client("ecr").get_repository_policy(repositoryName=REPOSITORY)
        policy = json.loads(found["policyText"])
    else:
        role = boto3.client("iam").get_role(RoleName=roles[holder].rpartition("/")[2])["Role"]
        policy = json.loads(json.dumps(role["AssumeRolePolicyDocument"]))
    # The policy names no resource: it applies to the resource that holds it.
    policy["Statement"] = [each | {"Resource": "*"} for each in policy["Statement"]]
    account = source.split(":")[4]
    sent = {"aws:sourcearn": source}
    # AWS does not document that Lambda sends the account when it pulls an image.
    if holder != REPOSITORY:
        sent["aws:sourceaccount"] = account
    request = EvalContext(
        principal_arn=f"{service}.amazonaws.com",
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn="*",
        region=DEPLOYED.region,
        service_context=sent,
    )
    answer = evaluate_resource_policy(policy, request, service=f"{service}.amazonaws.com")
    assert answer.decision == decision
