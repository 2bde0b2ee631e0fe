"""A deploy is refused if a retained resource with a physical name exists outside its stack."""

import json
import os
from pathlib import Path

import boto3
import pytest

from tests.cloud.conftest import ACCOUNT
from tests.support import entered
from tools.cdk_cli.assembly import StackArtifact
from tools.deployment.operation import Operation
from tools.deployment.options import Options
from tools.deployment.preflight import refuse_existing
from tools.deployment.target import Target
from tools.errors import UserError
from tools.local_cloud.client import LocalCloud

NAME = "preflight"
TABLE: dict[str, object] = {
    "TableName": NAME,
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
RESOURCES: dict[str, dict[str, object]] = {
    "AWS::DynamoDB::GlobalTable": TABLE | {"TableName": f"{NAME}-global"},
    "AWS::DynamoDB::Table": TABLE,
    "AWS::ECR::Repository": {"RepositoryName": NAME},
    "AWS::Logs::LogGroup": {"LogGroupName": NAME},
    "AWS::S3::Bucket": {"BucketName": NAME},
}
# The preflight check finds resources of other types with the Cloud Control API.
PARAMETER = {"Name": NAME, "Type": "String", "Value": "1"}


def refuse(folder: Path, kind: str, **properties: object) -> None:
    resource = {"Type": kind, "DeletionPolicy": "Retain", "Properties": properties}
    others = {"Type": kind, "Properties": properties}
    template = {"Resources": {"A": others, "B": resource | {"Properties": {}}, "C": resource}}
    (folder / "A.json").write_text(json.dumps(template))
    stack = StackArtifact("A", "a", None, "us-east-1", frozenset(), "A.json")
    target = Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    refuse_existing(Operation(Options("deploy"), target, folder, [stack]), stack)


def test_an_existing_resource_is_refused(cloud: LocalCloud, tmp_path: Path) -> None:
    checked = RESOURCES | {"AWS::SSM::Parameter": PARAMETER}
    with entered(cloud, account=ACCOUNT):
        for kind, properties in checked.items():
            refuse(tmp_path, kind, **properties)
        template = {
            f"R{index}": {"Type": kind, "Properties": properties}
            for index, (kind, properties) in enumerate(RESOURCES.items())
        }
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName="other", TemplateBody=json.dumps({"Resources": template})
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="other", WaiterConfig={"Delay": 1}
        )
        boto3.client("cloudcontrol").create_resource(
            TypeName="AWS::SSM::Parameter", DesiredState=json.dumps(PARAMETER)
        )
        for kind, properties in checked.items():
            with pytest.raises(UserError, match=f"{kind} {NAME}.* already exists, so the stack a"):
                refuse(tmp_path, kind, **properties)


def test_a_type_without_a_schema_is_reported_and_not_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(tmp_path, "Acme::Data::Store", Name=NAME)
    assert "Not checked whether Acme::Data::Store exists already: " in capsys.readouterr().out


def test_a_resource_that_the_principal_may_not_read_is_reported_and_not_refused(
    cloud: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with entered(cloud, account=ACCOUNT):
        bucket = f"own-{ACCOUNT}"
        boto3.client("s3").create_bucket(Bucket=bucket)
        iam = boto3.client("iam")
        iam.create_user(UserName="reads-nothing")
        key = iam.create_access_key(UserName="reads-nothing")["AccessKey"]
        os.environ["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
        os.environ["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
        refuse(tmp_path, "AWS::ECR::Repository", RepositoryName="any")
        refuse(tmp_path, "AWS::S3::Bucket", BucketName=bucket)
        output = capsys.readouterr().out
        for resource in ("AWS::ECR::Repository any", f"AWS::S3::Bucket {bucket}"):
            assert f"Not checked whether {resource} exists already: " in output
        # With s3:ListAllMyBuckets, the check finds the bucket in the account of the principal.
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="reads-nothing", PolicyName="list", PolicyDocument=policy)
        with pytest.raises(UserError, match=f"{bucket} already exists, so the stack a"):
            refuse(tmp_path, "AWS::S3::Bucket", BucketName=bucket)
