"""The results of calls with the roles' credentials match docs/permissions.md."""

import io
import json
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from tests.cloud import permissions, probe
from tests.cloud.permissions import (
    ACCOUNT,
    BUCKET,
    DEPLOYED,
    FARGATE,
    KEY,
    LAMBDA,
    LAYER,
    OTHER,
    OTHER_REGION,
    OTHER_ROLE,
    OTHER_TABLE,
    REPOSITORY,
    TABLE,
    UPLOAD,
    Row,
    function_logs,
    task_logs,
)
from tests.cloud.probe import Call
from tests.support import administrator, task_session
from tools.local_cloud.client import LocalCloud

DENIED = {"AccessDenied", "AccessDeniedException"}
OTHER_ACCOUNT = "222233334444"
ROWS = permissions.rows()


@pytest.fixture(scope="module")
def roles(deployed_cloud: LocalCloud) -> dict[str, str]:
    """The ARN of each role, from the exports."""
    assert deployed_cloud.port
    exports = boto3.client("cloudformation").list_exports()["Exports"]
    found = {export["Name"]: export["Value"] for export in exports}
    return {
        role: found[DEPLOYED.export_name("identity", f"{role}Arn")] for role in permissions.ROLES
    }


@pytest.fixture(scope="module")
def admin(roles: dict[str, str]) -> boto3.Session:
    assert roles
    return administrator(boto3.Session(), "admin")


@pytest.fixture(scope="module")
def resources(roles: dict[str, str]) -> None:
    """The resources of the table, and similar resources that the roles must not use."""
    assert roles
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
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="another")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/json", "size": 1, "digest": f"sha256:{'0' * 64}"},
        "layers": [{"mediaType": "application/tar", "size": 1, "digest": LAYER}],
    }
    for repository in (REPOSITORY, "another"):
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="v1")
    ours = {
        logs(environment)
        for environment in (DEPLOYED, OTHER)
        for logs in (function_logs, task_logs)
    }
    for group in (*ours, "/aws/lambda/another"):
        boto3.client("logs").create_log_group(logGroupName=group)


@pytest.fixture(scope="module")
def answers(roles: dict[str, str], admin: boto3.Session, resources: None) -> list[str]:
    """The result of the call of each row of the table."""
    del resources
    found = {}
    for role, arn in roles.items():
        upload = boto3.client("s3").create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
        (other,) = {*roles.values()} - {arn}
        deployed = {OTHER_ROLE: other, UPLOAD: upload}
        calls = [
            row.call._replace(
                parameters={k: deployed.get(str(v), v) for k, v in row.call.parameters.items()}
            )
            for row in ROWS
            if row.role == role
        ]
        if role == LAMBDA:
            found[role] = iter(as_function(arn, calls))
        else:
            found[role] = iter(probe.probe(calls, task_session(arn, admin)))
    return [next(found[row.role]) for row in ROWS]


def as_function(role: str, calls: list[Call]) -> list[str]:
    """The answers to calls of a Lambda function that runs as `role`."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(str(probe.__file__), "probe.py")
    client = boto3.client("lambda")
    name = DEPLOYED.resource_name("probe")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="probe.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=120,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    response = client.invoke(FunctionName=name, Payload=json.dumps({"calls": calls}).encode())
    answers = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, answers
    return list(answers)


def test_the_table_has_eighty_rows_and_half_of_them_are_denials() -> None:
    assert len(ROWS) >= 80
    assert sum(not row.allowed for row in ROWS) * 2 >= len(ROWS)


@pytest.mark.parametrize(
    ("index", "row"),
    [
        pytest.param(
            i, row, id=f"{row.role}-{row.call.service}-{row.call.operation}-{row.resource}"
        )
        for i, row in enumerate(ROWS)
    ],
)
def test_the_result_of_a_call_matches_the_table(answers: list[str], index: int, row: Row) -> None:
    if row.allowed:
        assert answers[index] == "ok"
    else:
        assert answers[index] in DENIED, "another error does not prove that AWS denies the call"


DYNAMODB = f"arn:aws:dynamodb:{DEPLOYED.region}:{ACCOUNT}:table"
LOGS = f"arn:aws:logs:{DEPLOYED.region}:{ACCOUNT}:log-group:"
NAMED_ALIKE = f"by-{DEPLOYED.name}"


@pytest.mark.parametrize(
    ("role", "action", "resource", "decision"),
    [
        *(
            (role, action, f"{DYNAMODB}/{resource}", decision)
            for role in permissions.ROLES
            for action, resource, decision in (
                ("dynamodb:GetRecords", f"{TABLE}/stream/2026", "allowed"),
                ("dynamodb:GetRecords", f"{OTHER_TABLE}/stream/2026", "implicitDeny"),
                ("dynamodb:GetRecords", "another/stream/2026", "implicitDeny"),
                ("dynamodb:Query", f"{TABLE}/index/by-asset", "allowed"),
                ("dynamodb:Query", f"{OTHER_TABLE}/index/by-asset", "implicitDeny"),
                ("dynamodb:Query", f"{OTHER_TABLE}/index/{NAMED_ALIKE}", "explicitDeny"),
            )
        ),
        *(
            (LAMBDA, "logs:PutLogEvents", f"{LOGS}{function_logs(environment)}{stream}", decision)
            for environment, stream, decision in (
                (DEPLOYED, ":log-stream:2026/[$LATEST]1", "allowed"),
                (OTHER, ":log-stream:2026/[$LATEST]1", "implicitDeny"),
                (OTHER, f":log-stream:{NAMED_ALIKE}", "explicitDeny"),
            )
        ),
    ],
)
def test_simulated_a_role_uses_indexes_and_streams_of_its_environment_only(
    roles: dict[str, str], role: str, action: str, resource: str, decision: str
) -> None:
    # The local cloud checks the ARN of the table or log group only.
    answer = boto3.client("iam").simulate_principal_policy(
        PolicySourceArn=roles[role], ActionNames=[action], ResourceArns=[resource]
    )
    assert answer["EvaluationResults"][0]["EvalDecision"] == decision


@pytest.mark.parametrize("role", permissions.ROLES)
def test_no_user_of_this_or_another_account_assumes_a_role(
    roles: dict[str, str], admin: boto3.Session, role: str
) -> None:
    stranger = administrator(boto3.Session(OTHER_ACCOUNT, "any"), f"stranger-{role}")
    for session in (admin, stranger):
        with pytest.raises(ClientError, match="AccessDenied"):
            session.client("sts").assume_role(RoleArn=roles[role], RoleSessionName="me")


def simulate(policy: object, service: str, action: str, account: str, source: str) -> str:
    """The decision of a deployed trust or resource policy about a call of an AWS service.

    `account` and `source` are the account and ARN for which the service makes the call.
    """
    document = json.loads(policy) if isinstance(policy, str) else json.loads(json.dumps(policy))
    # These policies name no resource: they apply to the resource that holds them.
    document["Statement"] = [each | {"Resource": "*"} for each in document["Statement"]]
    request = EvalContext(
        principal_arn=f"{service}.amazonaws.com",
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn="*",
        region=DEPLOYED.region,
        service_context={"aws:sourceaccount": account, "aws:sourcearn": source},
    )
    answer = evaluate_resource_policy(document, request, service=f"{service}.amazonaws.com")
    return str(answer.decision)


TASK = f"arn:aws:ecs:{DEPLOYED.region}:{ACCOUNT}:task/train/1"
FUNCTIONS = f"arn:aws:lambda:{DEPLOYED.region}:{ACCOUNT}:function:"
FUNCTION = f"{FUNCTIONS}{DEPLOYED.resource_name('train')}"


@pytest.mark.parametrize(
    ("role", "service", "account", "source", "decision"),
    [
        (LAMBDA, "lambda", ACCOUNT, FUNCTION, "Allow"),
        (LAMBDA, "ecs-tasks", ACCOUNT, TASK, "ImplicitDeny"),
        (LAMBDA, "ec2", ACCOUNT, TASK, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", ACCOUNT, TASK, "Allow"),
        (FARGATE, "lambda", ACCOUNT, TASK, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", OTHER_ACCOUNT, TASK, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", ACCOUNT, TASK.replace(ACCOUNT, OTHER_ACCOUNT), "ImplicitDeny"),
        (
            FARGATE,
            "ecs-tasks",
            ACCOUNT,
            TASK.replace(DEPLOYED.region, OTHER_REGION),
            "ImplicitDeny",
        ),
    ],
)
def test_simulated_a_service_assumes_its_own_role_for_this_account_only(
    roles: dict[str, str], role: str, service: str, account: str, source: str, decision: str
) -> None:
    found = boto3.client("iam").get_role(RoleName=roles[role].rpartition("/")[2])["Role"]
    trust = found["AssumeRolePolicyDocument"]
    assert simulate(trust, service, "sts:AssumeRole", account, source) == decision


@pytest.mark.parametrize(
    ("service", "action", "account", "source", "decision"),
    [
        ("lambda", "BatchGetImage", ACCOUNT, FUNCTION, "Allow"),
        ("lambda", "GetDownloadUrlForLayer", ACCOUNT, FUNCTION, "Allow"),
        ("lambda", "PutImage", ACCOUNT, FUNCTION, "ImplicitDeny"),
        ("lambda", "BatchDeleteImage", ACCOUNT, FUNCTION, "ImplicitDeny"),
        ("ecs-tasks", "BatchGetImage", ACCOUNT, FUNCTION, "ImplicitDeny"),
        ("lambda", "BatchGetImage", OTHER_ACCOUNT, FUNCTION, "ImplicitDeny"),
        *(
            ("lambda", "BatchGetImage", ACCOUNT, source, "ImplicitDeny")
            for source in (
                FUNCTION.replace(ACCOUNT, OTHER_ACCOUNT),
                FUNCTION.replace(DEPLOYED.region, OTHER_REGION),
                f"{FUNCTIONS}{OTHER.resource_name('train')}",
                f"{FUNCTIONS}another-{DEPLOYED.name}",
            )
        ),
    ],
)
def test_simulated_lambda_pulls_images_for_functions_of_this_environment_only(
    roles: dict[str, str], service: str, action: str, account: str, source: str, decision: str
) -> None:
    assert roles
    policy = boto3.client("ecr").get_repository_policy(repositoryName=REPOSITORY)["policyText"]
    assert simulate(policy, service, f"ecr:{action}", account, source) == decision
