"""The server process: refused calls, Lambda functions, and stops."""

import io
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.cloud.conftest import server_of
from tools.console import UserError
from tools.local_cloud import folder
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.local_cloud.folder import ENDPOINT, HOST, STATE

pytestmark = pytest.mark.usefixtures("measured")
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc and prlimit")
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
    with cloud.entered():
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


def children(process: int) -> list[Path]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [Path("/proc", child) for path in lists for child in path.read_text().split()]


def is_running(process: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (process / "cmdline").read_bytes() != b""  # It is empty if the process has ended.
    return False


# Calls


def test_an_unsigned_call_is_refused(cloud: LocalCloud) -> None:
    with cloud.entered():
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


@ONLY_LINUX
def test_the_server_listens_on_one_port_of_this_machine_only(cloud: LocalCloud) -> None:
    files = Path(f"/proc/{server_of(cloud)}/fd").iterdir()
    sockets = {str(path.readlink()) for path in files}
    listening = []
    for family in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            _, local, _, status, *rest = line.split()
            # 0A: a listening TCP socket; 07: any UDP socket.
            if f"socket:[{rest[5]}]" in sockets and status in ("0A", "07"):
                listening.append(local)
    assert listening == [f"0100007F:{cloud.port:04X}"]


# Lambda functions, and stops


@ONLY_LINUX
def test_a_function_has_the_rights_of_its_role_and_does_not_delay_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in POISON.items():
        monkeypatch.setenv(key, value)
    with socket.socket() as silent, local_cloud(tmp_path) as cloud:
        silent.connect((HOST, cloud.port))
        make_function(cloud)
        with cloud.entered():
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
        workers = children(server_of(cloud))
        assert workers
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    while any(map(is_running, workers)):
        assert time.monotonic() - begin < 5
        time.sleep(0.01)
    assert "works" in (tmp_path / STATE / "lambda.json").read_text()
    invoking.join(5)
    assert not invoking.is_alive()


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM] * 5])
def test_a_signal_stops_the_server_in_order(tmp_path: Path, signals: list[signal.Signals]) -> None:
    with local_cloud(tmp_path) as cloud:
        with cloud.entered():
            boto3.client("s3").create_bucket(Bucket="mine")
        for number in signals:
            os.kill(server_of(cloud), number)
    assert "mine" in (tmp_path / STATE / "s3.json").read_text()
    assert not (tmp_path / ENDPOINT).exists()


def test_a_state_that_is_not_saved_is_an_error(tmp_path: Path) -> None:
    # Coverage cannot measure this branch in the next test, whose server cannot write files.
    (tmp_path / ENDPOINT).touch()
    assert folder.finish(tmp_path, is_saved=False) == 1
    assert (tmp_path / ENDPOINT).exists()


@ONLY_LINUX
def test_a_full_disk_at_the_stop_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill() -> None:
        with local_cloud(tmp_path) as cloud:
            with cloud.entered():
                boto3.client("s3").create_bucket(Bucket="mine")
            limit = (20, resource.RLIM_INFINITY)
            resource.prlimit(server_of(cloud), resource.RLIMIT_FSIZE, limit)

    with pytest.raises(UserError, match="ended with status 1 and did not save its state"):
        fill()
    with local_cloud(tmp_path) as cloud, cloud.entered():
        assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert "The old state of the local cloud was moved" in "".join(capsys.readouterr())
