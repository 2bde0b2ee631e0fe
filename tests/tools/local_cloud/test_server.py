"""The server process: refused calls, Lambda functions, and stops."""

import io
import json
import socket
import sysconfig
import threading
import time
import zipfile
from pathlib import Path
from typing import Any, Literal

import boto3
import psutil
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from tests.accounts import entered
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.local_cloud.folder import HOST, STATE, TEMPORARY
from tools.local_cloud.server import listen
from tools.project import ROOT

pytestmark = pytest.mark.usefixtures("measured")
FUNCTION = """
import boto3, botocore.exceptions, os, time

def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket="functions", Key=f"raw/{event['seconds']}", Body=b"x")
    time.sleep(event["seconds"])
    try:
        s3.delete_object(Bucket="functions", Key="raw/0")
    except botocore.exceptions.ClientError as error:
        return {"refused": error.response["Error"]["Code"], "environment": dict(os.environ)}
"""
POISON = {
    "AWS_PROFILE": "work",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL": "https://192.0.2.1",
    "HTTPS_PROXY": "http://192.0.2.1",
    "LAMBDA_EXECUTOR": "docker",
    "LAMBDA_STRICT": "1",
    "MINISTACK_REGION": "eu-west-1",
    "PYTHONPATH": str(ROOT),
    "SERVICES": "sqs",
    "SSL_CERT_FILE": "/nowhere",
    "TOKEN": "secret",
    "TZ": "Asia/Tokyo",
}


def make_function(
    cloud: LocalCloud,
    name: str,
    allowed: tuple[str, str],
    files: dict[str, str],
    runtime: Literal["python3.13", "nodejs24.x"] = "python3.13",
) -> None:
    """Create a function with `work.handler` in `files`; `allowed` is an action and a resource."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust = {"Statement": [{**statement, "Principal": {"Service": "lambda.amazonaws.com"}}]}
    action, resource = allowed
    allow = {"Effect": "Allow", "Action": action, "Resource": resource}
    with entered(cloud):
        iam = boto3.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(
            RoleName=name, PolicyName="allow", PolicyDocument=json.dumps({"Statement": [allow]})
        )
        functions = boto3.client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=role["Role"]["Arn"],
            Handler="work.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
        )
        functions.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 1}
        )


def invoke(cloud: LocalCloud, name: str) -> dict[str, Any]:
    """A function's result, or its error."""
    with entered(cloud):
        answer = boto3.client("lambda").invoke(FunctionName=name)["Payload"]
        return dict(json.load(answer))


# Calls


def test_an_unsigned_call_is_refused(cloud: LocalCloud) -> None:
    with entered(cloud):
        iam = boto3.client("iam", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        iam.list_roles()


def test_a_call_without_tls_or_without_the_certificate_fails(cloud: LocalCloud) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", cloud.url.replace("https", "http") + "/_ministack/health")
        with pytest.raises(urllib3.exceptions.SSLError):
            pool.request("GET", cloud.url + "/_ministack/health")


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    with listen(0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_server_listens_on_one_port_of_this_machine_only(cloud: LocalCloud) -> None:
    assert cloud.server
    listening = [
        connection.laddr
        for connection in psutil.Process(cloud.server.pid).net_connections("inet")
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)  # NONE: UDP
    ]
    assert listening == [(HOST, cloud.port)]


# Lambda functions


def test_a_python_function_imports_its_bundle_and_what_aws_includes_and_nothing_else(
    cloud: LocalCloud,
) -> None:
    work = """
import boto3, importlib, six

def error(name):
    try:
        importlib.import_module(name)
    except ImportError as error:
        return type(error).__name__

def handler(event, context):
    boto3.client("s3").list_buckets()
    return {"six": six.__file__, "errors": {name: error(name) for name in NAMES}}
"""
    names = ["awscrt", "pip", "pytest", "rich", "stacks", "tools"]
    six = Path(sysconfig.get_path("purelib")) / "six.py"  # which boto3 needs
    files = {"work.py": f"NAMES = {names}{work}", "six.py": six.read_text()}
    make_function(cloud, "bundled", ("s3:ListAllMyBuckets", "*"), files)
    answer = invoke(cloud, "bundled")
    assert answer["six"].endswith("/code/six.py")
    assert answer["errors"] == dict.fromkeys(names, "ModuleNotFoundError")
    # MiniStack unpacks a bundle and does not remove it: not in the user's folder for such files.
    assert list((cloud.directory / TEMPORARY).glob("*bundled*"))


def test_a_node_function_imports_what_the_functions_of_the_cdk_need(cloud: LocalCloud) -> None:
    # The functions for `ec2.Vpc` and `auto_delete_objects` import these packages.
    work = """
const { EC2 } = require("@aws-sdk/client-ec2");
require("@aws-sdk/client-s3");
exports.handler = async () => {
  const { Vpcs } = await new EC2({}).describeVpcs({});
  return { version: process.version, vpcs: Vpcs.length };
};
"""
    make_function(cloud, "vpc", ("ec2:DescribeVpcs", "*"), {"work.js": work}, "nodejs24.x")
    answer = invoke(cloud, "vpc")
    assert answer["version"].startswith("v24.")
    assert answer["vpcs"]


# Stacks


def test_a_stack_adopts_the_bucket_that_exists_but_replaces_no_table(tmp_path: Path) -> None:
    bucket = {"BucketName": "left"}
    table: dict[str, Any] = {
        "TableName": "taken",
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    adopting = {
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": bucket}
    }
    replacing = {
        "New": {"Type": "AWS::SNS::Topic"},
        "Table": {"Type": "AWS::DynamoDB::Table", "DependsOn": "New", "Properties": table},
    }
    with local_cloud(tmp_path) as cloud, entered(cloud):
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="left")
        s3.put_object(Bucket="left", Key="key", Body=b"x")
        tables = boto3.client("dynamodb")
        tables.create_table(**table)
        tables.put_item(TableName="taken", Item={"key": {"S": "one"}})
        stacks = boto3.client("cloudformation")
        for name, resources in {"adopting": adopting, "replacing": replacing}.items():
            stacks.create_change_set(
                StackName=name,
                ChangeSetName="change",
                ChangeSetType="CREATE",
                TemplateBody=json.dumps({"Resources": resources}),
                ImportExistingResources=name == "adopting",
            )
            stacks.execute_change_set(StackName=name, ChangeSetName="change")
        created = stacks.get_waiter("stack_create_complete")
        created.wait(StackName="adopting", WaiterConfig={"Delay": 1})
        with pytest.raises(WaiterError, match="ROLLBACK"):
            created.wait(StackName="replacing", WaiterConfig={"Delay": 1})
        events = stacks.describe_stack_events(StackName="replacing")["StackEvents"]
        assert any("already exists" in event.get("ResourceStatusReason", "") for event in events)
        assert s3.get_object(Bucket="left", Key="key")["Body"].read() == b"x"
        assert tables.scan(TableName="taken")["Items"] == [{"key": {"S": "one"}}]


# Stops


def test_a_function_has_the_rights_of_its_role_and_does_not_delay_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    with socket.socket() as silent, local_cloud(tmp_path) as cloud:
        silent.connect((HOST, cloud.port))
        make_function(
            cloud, "works", ("s3:PutObject", "arn:aws:s3:::functions/*"), {"work.py": FUNCTION}
        )
        with entered(cloud):
            functions = boto3.client("lambda", config=Config(retries={"max_attempts": 0}))
            s3 = boto3.client("s3")
        s3.create_bucket(Bucket="functions")
        answer = json.load(
            functions.invoke(FunctionName="works", Payload='{"seconds": 0}')["Payload"]
        )
        assert answer["refused"] == "AccessDenied"
        environment = answer["environment"]
        assert environment["AWS_ENDPOINT_URL"] == cloud.url
        assert environment["AWS_REGION"] == "us-east-1"
        assert not {key for key in POISON if environment.get(key) == POISON[key]}
        assert "AWS_PROFILE" not in environment

        def invoke_slowly() -> None:
            with pytest.raises(BotoCoreError):
                functions.invoke(FunctionName="works", Payload='{"seconds": 50}')

        invoking = threading.Thread(target=invoke_slowly)
        invoking.start()
        s3.get_waiter("object_exists").wait(
            Bucket="functions", Key="raw/50", WaiterConfig={"Delay": 1}
        )
        assert cloud.server
        workers = psutil.Process(cloud.server.pid).children(recursive=True)
        assert workers
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert "works" in (tmp_path / STATE / "lambda.json").read_text()
    invoking.join(5)
    assert not invoking.is_alive()
