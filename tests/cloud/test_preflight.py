"""A deploy is refused if a retained resource with a physical name exists outside its stack."""

import json
import os
from pathlib import Path

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT
from tools.assembly import StackArtifact
from tools.console import UserError
from tools.deployment.operation import Operation
from tools.deployment.options import Options
from tools.deployment.preflight import refuse_existing
from tools.local_cloud.client import LocalCloud
from tools.targets import Target

NAME = "preflight"
TYPES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}


def refuse(folder: Path, kind: str, **properties: object) -> None:
    resource = {"Type": kind, "DeletionPolicy": "Retain", "Properties": properties}
    others = {"Type": kind, "Properties": properties}
    template = {"Resources": {"A": others, "B": resource | {"Properties": {}}, "C": resource}}
    (folder / "A.json").write_text(json.dumps(template))
    stack = StackArtifact("A", "a", None, "us-east-1", frozenset(), "A.json")
    target = Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    refuse_existing(Operation(Options("deploy"), target, folder, [stack]), stack)


@pytest.mark.parametrize("kind", TYPES)
def test_an_existing_resource_is_refused(cloud: LocalCloud, tmp_path: Path, kind: str) -> None:
    with cloud.entered(account=ACCOUNT):
        name = f"{NAME}-{kind.rpartition('::')[2].lower()}"
        refuse(tmp_path, kind, **{TYPES[kind]: name})
        match kind:
            case "AWS::S3::Bucket":
                boto3.client("s3").create_bucket(Bucket=name)
            case "AWS::ECR::Repository":
                boto3.client("ecr").create_repository(repositoryName=name)
            case "AWS::Logs::LogGroup":
                boto3.client("logs").create_log_group(logGroupName=name)
            case _:
                boto3.client("dynamodb").create_table(
                    TableName=name,
                    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                )
        with pytest.raises(UserError, match=f"{kind} {name} exists, but its stack a does not"):
            refuse(tmp_path, kind, **{TYPES[kind]: name})


def test_cloud_control_finds_a_resource_of_another_type(cloud: LocalCloud, tmp_path: Path) -> None:
    with cloud.entered(account=ACCOUNT):
        control = boto3.client("cloudcontrol")
        properties = {"Name": f"/{NAME}", "Type": "String", "Value": "1"}
        refuse(tmp_path, "AWS::SSM::Parameter", **properties)
        control.create_resource(TypeName="AWS::SSM::Parameter", DesiredState=json.dumps(properties))
        with pytest.raises(UserError, match="AWS::SSM::Parameter /preflight exists"):
            refuse(tmp_path, "AWS::SSM::Parameter", **properties)


def test_a_resource_that_the_principal_may_not_read_is_reported_and_not_refused(
    cloud: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cloud.entered(account=ACCOUNT):
        bucket = f"own-{ACCOUNT}"
        boto3.client("s3").create_bucket(Bucket=bucket)
        root, iam = os.environ["AWS_ACCESS_KEY_ID"], boto3.client("iam")
        iam.create_user(UserName="reads-nothing")
        key = iam.create_access_key(UserName="reads-nothing")["AccessKey"]
        os.environ["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
        os.environ["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
        for kind, name in (("AWS::ECR::Repository", "any"), ("AWS::S3::Bucket", bucket)):
            refuse(tmp_path, kind, **{TYPES[kind]: name})
            assert f"Not checked whether {kind} {name} exists already: " in capsys.readouterr().out
        # With s3:ListAllMyBuckets, the check finds the bucket in the account of the principal.
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        boto3.client("iam", aws_access_key_id=root, aws_secret_access_key="any").put_user_policy(
            UserName="reads-nothing", PolicyName="list", PolicyDocument=policy
        )
        with pytest.raises(UserError, match=f"{bucket} exists, but its stack a does not"):
            refuse(tmp_path, "AWS::S3::Bucket", BucketName=bucket)
