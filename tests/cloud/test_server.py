"""The server process: refused calls, Lambda functions, and stops."""

import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import boto3
import psutil
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.cloud.conftest import server_of
from tests.support import entered
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.local_cloud.folder import HOST, PORT, STATE

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
    "SERVICES": "sqs",
    "SSL_CERT_FILE": "/nowhere",
    "TOKEN": "secret",
}


def make_function(cloud: LocalCloud) -> None:
    """Create a function that may only put objects."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("work.py", FUNCTION)
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust = {"Statement": [{**statement, "Principal": {"Service": "lambda.amazonaws.com"}}]}
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::functions/*"}
    with entered(cloud):
        boto3.client("s3").create_bucket(Bucket="functions")
        iam = boto3.client("iam")
        role = iam.create_role(RoleName="works", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(
            RoleName="works", PolicyName="put", PolicyDocument=json.dumps({"Statement": [allow]})
        )
        functions = boto3.client("lambda")
        functions.create_function(
            FunctionName="works",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="work.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
        )
        functions.get_waiter("function_active_v2").wait(
            FunctionName="works", WaiterConfig={"Delay": 1}
        )


# Calls


def test_an_unsigned_call_is_refused(cloud: LocalCloud) -> None:
    with entered(cloud):
        boto3.client("s3").create_bucket(Bucket="private")
        boto3.client("s3").put_object(Bucket="private", Key="key", Body=b"x")
        unsigned = Config(signature_version=UNSIGNED)
        s3 = boto3.client("s3", config=unsigned)
        iam = boto3.client("iam", config=unsigned)
        dynamodb = boto3.client("dynamodb", config=unsigned)
    calls: dict[str, Callable[[], object]] = {
        "AccessDenied": lambda: s3.get_object(Bucket="private", Key="key"),
        "MissingAuthenticationToken": lambda: iam.list_roles(),
        "MissingAuthenticationTokenException": lambda: dynamodb.list_tables(),
    }
    for code, call in calls.items():
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == code


def test_a_call_without_tls_or_without_the_certificate_fails(cloud: LocalCloud) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", cloud.url.replace("https", "http") + "/_ministack/health")
        with pytest.raises(urllib3.exceptions.SSLError):
            pool.request("GET", cloud.url + "/_ministack/health")


def test_the_server_listens_on_one_port_of_this_machine_only(cloud: LocalCloud) -> None:
    listening = [
        connection.laddr
        for connection in server_of(cloud).net_connections("inet")
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)  # NONE: UDP
    ]
    assert listening == [(HOST, cloud.port)]


# Lambda functions, and stops


def test_a_function_has_the_rights_of_its_role_and_does_not_delay_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    with socket.socket() as silent, local_cloud(tmp_path) as cloud:
        silent.connect((HOST, cloud.port))
        make_function(cloud)
        with entered(cloud):
            functions = boto3.client("lambda", config=Config(retries={"max_attempts": 0}))
            s3 = boto3.client("s3")
        answer = json.load(
            functions.invoke(FunctionName="works", Payload='{"seconds": 0}')["Payload"]
        )
        assert answer["refused"] == "AccessDenied"
        environment = answer["environment"]
        assert environment["AWS_ENDPOINT_URL"] == cloud.url
        assert environment["AWS_REGION"] == "us-east-1"
        assert not {key for key in POISON if environment.get(key) == POISON[key]}
        assert "AWS_PROFILE" not in environment

        def invoke() -> None:
            with pytest.raises(BotoCoreError):
                functions.invoke(FunctionName="works", Payload='{"seconds": 50}')

        invoking = threading.Thread(target=invoke)
        invoking.start()
        s3.get_waiter("object_exists").wait(
            Bucket="functions", Key="raw/50", WaiterConfig={"Delay": 1}
        )
        workers = server_of(cloud).children(recursive=True)
        assert workers
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert "works" in (tmp_path / STATE / "lambda.json").read_text()
    invoking.join(5)
    assert not invoking.is_alive()


def test_a_signal_stops_the_server_in_order(tmp_path: Path) -> None:
    with local_cloud(tmp_path) as cloud:
        with entered(cloud):
            boto3.client("s3").create_bucket(Bucket="mine")
        server = server_of(cloud)
        server.terminate()
        server.wait(20)
    assert "mine" in (tmp_path / STATE / "s3.json").read_text()
    assert not (tmp_path / PORT).exists()
