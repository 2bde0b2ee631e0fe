"""The roles do what the permission table says, in real calls under their own credentials."""

import io
import json
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from tests.cloud import probe as probe_module
from tests.cloud.permissions import (
    ACCOUNT,
    FARGATE,
    LAMBDA,
    LAYER,
    OTHER_ROLE,
    REPOSITORY,
    TABLE,
    Row,
    as_markdown,
    cases,
)
from tests.cloud.probe import Call, probe
from tools.local_cloud.client import LocalCloud
from tools.project import ROOT

REFUSED = {"AccessDenied", "AccessDeniedException"}
OTHER_ACCOUNT = "222233334444"


@pytest.fixture(scope="module")
def roles(deployed_cloud: LocalCloud) -> dict[str, str]:
    """The ARN of each role, read from the exports."""
    del deployed_cloud
    exports = boto3.client("cloudformation").list_exports()["Exports"]
    found = {export["Name"]: export["Value"] for export in exports}
    return {role: found[f"wealth-ops-identity-dev:{role}Arn"] for role in (LAMBDA, FARGATE)}


@pytest.fixture(scope="module")
def admin(deployed_cloud: LocalCloud) -> boto3.Session:
    """An administrator of the account who is not its root."""
    del deployed_cloud
    iam = boto3.client("iam")
    iam.create_user(UserName="admin")
    iam.attach_user_policy(
        UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def things(deployed_cloud: LocalCloud) -> None:
    """What the calls are made on: ours, and the like of ours that the roles must not touch."""
    del deployed_cloud
    boto3.client("s3").create_bucket(Bucket="another")
    for name, region in ((TABLE, "us-east-1"), ("another", "us-east-1"), (TABLE, "eu-west-1")):
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
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
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
    for group in ("/aws/lambda/wealth-ops-f", "/wealth-ops/train", "/aws/lambda/another"):
        boto3.client("logs").create_log_group(logGroupName=group)


@pytest.fixture(scope="module")
def answers(
    roles: dict[str, str], admin: boto3.Session, things: None
) -> dict[tuple[str, int], str]:
    """What AWS answered to each row of the table, by role and row number."""
    del things
    calls = {
        role: [
            (index, aimed(row.call, at=roles[FARGATE if role == LAMBDA else LAMBDA]))
            for index, (who, row) in enumerate(cases())
            if who == role
        ]
        for role in (LAMBDA, FARGATE)
    }
    said = {
        LAMBDA: by_function(roles[LAMBDA], [call for _, call in calls[LAMBDA]]),
        FARGATE: by_task(roles[FARGATE], admin, [call for _, call in calls[FARGATE]]),
    }
    return {
        (role, index): answer
        for role in (LAMBDA, FARGATE)
        for (index, _), answer in zip(calls[role], said[role], strict=True)
    }


def aimed(call: Call, at: str) -> Call:
    """The call on the other role, whose name is known only once it is deployed."""
    parameters = {k: at if v == OTHER_ROLE else v for k, v in call.parameters.items()}
    return call._replace(parameters=parameters)


def by_function(role: str, calls: list[Call]) -> list[str]:
    """Let a Lambda function that runs as `role` make the calls."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(str(probe_module.__file__), "probe.py")
    client = boto3.client("lambda")
    client.create_function(
        FunctionName="wealth-ops-probe",
        Runtime="python3.13",
        Role=role,
        Handler="probe.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=120,
    )
    client.get_waiter("function_active_v2").wait(FunctionName="wealth-ops-probe")
    response = client.invoke(
        FunctionName="wealth-ops-probe", Payload=json.dumps({"calls": calls}).encode()
    )
    answers = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, answers
    return list(answers)


def by_task(role: str, admin: boto3.Session, calls: list[Call]) -> list[str]:
    """Make the calls with credentials of `role`, as a task of ECS would get them.

    No task can run here, so for a moment the role trusts an administrator as well; what it may do
    is not changed by that.
    """
    name = role.rpartition("/")[2]
    iam = boto3.client("iam")
    trust = json.loads(json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]))
    also = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/admin"},
    }
    iam.update_assume_role_policy(
        RoleName=name,
        PolicyDocument=json.dumps(trust | {"Statement": [*trust["Statement"], also]}),
    )
    try:
        given = admin.client("sts").assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return probe(calls, session)


def test_the_table_has_eighty_rows_and_half_of_them_are_refusals() -> None:
    refusals = [row for _, row in cases() if not row.allowed]
    assert len(cases()) >= 80
    assert len(refusals) * 2 >= len(cases())


@pytest.mark.parametrize(
    ("index", "role", "row"),
    [
        pytest.param(
            index, role, row, id=f"{role}-{row.call.service}-{row.call.operation}-{row.resource}"
        )
        for index, (role, row) in enumerate(cases())
    ],
)
def test_the_call_ends_as_the_table_says(
    answers: dict[tuple[str, int], str], index: int, role: str, row: Row
) -> None:
    answer = answers[role, index]
    if row.allowed:
        assert answer == "ok"
    else:
        assert answer in REFUSED, "only a refusal proves that the role may not"


def test_the_table_for_people_is_this_table() -> None:
    assert (ROOT / "docs" / "permissions.md").read_text() == as_markdown(), (
        "write it anew: uv run python -m tests.cloud.permissions > docs/permissions.md"
    )


def test_a_role_reads_the_stream_of_its_own_table_and_of_no_other(
    roles: dict[str, str], answers: dict[tuple[str, int], str]
) -> None:
    assert answers
    iam = boto3.client("iam")
    for stream, decision in (
        (f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{TABLE}/stream/2026", "allowed"),
        (f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/another/stream/2026", "implicitDeny"),
    ):
        for role in roles.values():
            result = iam.simulate_principal_policy(
                PolicySourceArn=role, ActionNames=["dynamodb:GetRecords"], ResourceArns=[stream]
            )
            assert result["EvaluationResults"][0]["EvalDecision"] == decision


@pytest.mark.parametrize("role", [LAMBDA, FARGATE])
def test_nobody_of_the_account_and_no_other_account_assumes_a_role(
    roles: dict[str, str], admin: boto3.Session, role: str
) -> None:
    stranger = boto3.Session(OTHER_ACCOUNT, "any")
    iam = stranger.client("iam")
    try:
        iam.create_user(UserName="stranger")
        iam.attach_user_policy(
            UserName="stranger", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    for session in (admin, boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])):
        with pytest.raises(ClientError, match="AccessDenied"):
            session.client("sts").assume_role(RoleArn=roles[role], RoleSessionName="me")


HERE = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/train/1"


@pytest.mark.parametrize(
    ("role", "service", "account", "source", "decision"),
    [
        (LAMBDA, "lambda", ACCOUNT, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", "Allow"),
        (LAMBDA, "ecs-tasks", ACCOUNT, HERE, "ImplicitDeny"),
        (LAMBDA, "ec2", ACCOUNT, HERE, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", ACCOUNT, HERE, "Allow"),
        (FARGATE, "lambda", ACCOUNT, HERE, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", OTHER_ACCOUNT, HERE, "ImplicitDeny"),
        (FARGATE, "ecs-tasks", ACCOUNT, HERE.replace(ACCOUNT, OTHER_ACCOUNT), "ImplicitDeny"),
        (FARGATE, "ecs-tasks", ACCOUNT, HERE.replace("us-east", "eu-west"), "ImplicitDeny"),
    ],
)
def test_simulated_a_service_assumes_its_own_role_for_this_account_only(
    roles: dict[str, str], role: str, service: str, account: str, source: str, decision: str
) -> None:
    # A service cannot be made to ask here (Lambda does, in the table above; no task can run), so
    # the engine that decides on the local cloud is given the deployed trust policy.
    found = boto3.client("iam").get_role(RoleName=roles[role].rpartition("/")[2])["Role"]
    request = EvalContext(
        principal_arn=f"{service}.amazonaws.com",
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="*",
        region="us-east-1",
        service_context={"aws:sourceaccount": account, "aws:sourcearn": source},
    )
    trust = json.loads(json.dumps(found["AssumeRolePolicyDocument"]))
    trust["Statement"] = [statement | {"Resource": "*"} for statement in trust["Statement"]]
    answer = evaluate_resource_policy(trust, request, service=f"{service}.amazonaws.com")
    assert answer.decision == decision
