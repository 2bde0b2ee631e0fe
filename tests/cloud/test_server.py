"""The server process: what it refuses, what it lets in, and how it ends."""

import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from filelock import FileLock

from tools.local_cloud.client import ACCOUNT, LocalCloud
from tools.local_cloud.server import Status, main
from tools.local_cloud.state import HOST, CloudState, Endpoint
from tools.project import ROOT

MEBIBYTE = 2**20
FUNCTION = """
import boto3, botocore.exceptions, os, time

def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket="functions", Key="raw/BTC.parquet", Body=b"x")
    time.sleep(event["seconds"])
    try:
        s3.delete_object(Bucket="functions", Key="raw/BTC.parquet")
    except botocore.exceptions.ClientError as error:
        return {"refused": error.response["Error"]["Code"], "environment": dict(os.environ)}
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def state(tmp_path: Path) -> CloudState:
    return CloudState(tmp_path / "cloud", version("ministack"))


@pytest.fixture
def start(state: CloudState) -> Iterator[Start]:
    """Start a server, with `patch` run before it, and wait until it is up or has ended."""
    started: list[subprocess.Popen[str]] = []

    def run(patch: str = "", environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        program = f"import sys\nfrom tools.local_cloud import server as cloud_server\n{patch}\n"
        program += "sys.exit(cloud_server.main(sys.argv[1:]))"
        server = subprocess.Popen(
            [
                *(sys.executable, "-c", program, str(state.directory)),
                *("--port", "0", "--account", ACCOUNT),
            ],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(server)
        while server.poll() is None and state.find() is None:
            time.sleep(0.02)
        return server

    yield run
    for server in started:
        server.kill()
        server.communicate()


def up(state: CloudState) -> LocalCloud:
    endpoint = state.find()
    assert endpoint is not None
    return LocalCloud(state.directory, endpoint.port, endpoint.account, state.certificate)


def make_function(cloud: LocalCloud) -> None:
    """A function that may put objects, and nothing else."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("code.py", "")
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


def children(process: int) -> list[int]:
    """Linux only."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def fill(cloud: LocalCloud) -> None:
    """More state of DynamoDB than a mebibyte."""
    with cloud.entered():
        dynamodb = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="big",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        for number in "123":
            item = {"id": {"S": number}, "text": {"S": "x" * 390_000}}
            dynamodb.put_item(TableName="big", Item=item)


def limit_files(process: int, size: int) -> None:
    """Let no file of `process` grow beyond `size` bytes: what a full disk does, without one."""
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


# What it refuses


@pytest.mark.parametrize("port", ["taken", "70000"])
def test_a_port_that_cannot_be_had_is_named(
    state: CloudState, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    with socket.create_server((HOST, 0)) as squatter:
        if port == "taken":
            port = str(squatter.getsockname()[1])
        status = main([str(state.directory), "--port", port, "--account", ACCOUNT])
    assert status == Status.PORT_TAKEN
    said = capsys.readouterr().err
    assert f"cannot be served on port {port}: " in said
    assert "Choose another port, or 0" in said
    assert not state.working.exists()


@pytest.mark.parametrize("holder", ["process 4711", "another process"])
def test_a_directory_in_use_is_refused_with_its_holder(
    state: CloudState, capsys: pytest.CaptureFixture[str], holder: str
) -> None:
    state.directory.mkdir()
    if holder == "process 4711":
        state.endpoint.write_text('{"port": 1, "account": "000000000000", "process": 4711}')
    with FileLock(state.lock, is_singleton=False):
        status = main([str(state.directory), "--port", "0", "--account", ACCOUNT])
    assert status == Status.LOCKED
    assert f"is in use by {holder}; end that one first" in capsys.readouterr().err


def test_a_state_of_another_version_is_refused(
    state: CloudState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.saved.mkdir(parents=True)
    (state.saved / "about.json").write_text('{"ministack": "0.1"}')
    status = main([str(state.directory), "--port", "0", "--account", ACCOUNT])
    assert status == Status.REFUSED
    assert "written by MiniStack 0.1" in capsys.readouterr().err


def test_a_directory_that_is_put_aside_while_it_is_served_is_not_written_anew(
    state: CloudState, start: Start, tmp_path: Path
) -> None:
    server = start()
    with up(state).entered():
        boto3.client("s3").create_bucket(Bucket="data")
        boto3.client("s3").put_object(Bucket="data", Key="raw/A.parquet", Body=b"1")
    state.directory.rename(tmp_path / "aside")
    # Another cloud is served in its place.
    state.directory.mkdir()
    state.announce(4711, ACCOUNT)
    server.terminate()
    assert server.wait(20) == Status.UNSAVED
    assert server.stderr is not None
    assert "was put aside while it was served" in server.stderr.read()
    assert not state.saved.exists()
    assert state.find() == Endpoint(4711, ACCOUNT, os.getpid())
    bodies = [path.read_bytes() for path in (tmp_path / "aside").rglob("A.parquet")]
    assert b"1" in bodies


def test_a_directory_that_is_a_file_is_refused(
    state: CloudState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.directory.write_text("")
    status = main([str(state.directory), "--port", "0", "--account", ACCOUNT])
    assert status == Status.REFUSED
    assert str(state.directory) in capsys.readouterr().err


def test_a_service_whose_state_ministack_cannot_read_is_not_begun_anew(
    state: CloudState, start: Start
) -> None:
    state.saved.mkdir(parents=True)
    (state.saved / "about.json").write_text(json.dumps({"ministack": state.version}))
    (state.saved / "iam.json").write_text('{"__ministack_format__": 999, "payload": {}}')
    server = start()
    assert server.wait(20) == Status.REFUSED
    assert server.stderr is not None
    assert "MiniStack cannot read the saved state; nothing was changed." in server.stderr.read()
    assert "999" in (state.saved / "iam.json").read_text()


# What it lets in


def test_nobody_gets_at_anything_without_a_signature(cloud: LocalCloud) -> None:
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


def test_nobody_gets_in_without_tls(cloud: LocalCloud) -> None:
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", cloud.url.replace("https", "http") + "/_ministack/health")


def test_its_certificate_is_trusted_only_by_who_was_given_it(cloud: LocalCloud) -> None:
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.SSLError):
        pool.request("GET", cloud.url + "/_ministack/health")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_this_machine_only_and_on_one_port(cloud: LocalCloud) -> None:
    endpoint = CloudState(cloud.directory, "").find()
    assert endpoint is not None
    sockets = {str(path.readlink()) for path in Path(f"/proc/{endpoint.process}/fd").iterdir()}
    listening = []
    for family in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            _, local, _, status, *rest = line.split()
            # 0A: listening; 07: a UDP socket, which always is.
            if f"socket:[{rest[5]}]" in sockets and status in ("0A", "07"):
                listening.append(local)
    assert listening == [f"0100007F:{cloud.port:04X}"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_function_has_its_roles_rights_and_nothing_of_the_persons_environment(
    state: CloudState, start: Start
) -> None:
    poison = {
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
    server = start(environment=poison)
    make_function(up(state))
    with up(state).entered():
        functions = boto3.client("lambda")
    answer = json.load(functions.invoke(FunctionName="works", Payload='{"seconds": 0}')["Payload"])
    assert answer["refused"] == "AccessDenied"
    environment = answer["environment"]
    assert environment["AWS_ENDPOINT_URL"] == up(state).url
    assert environment["AWS_REGION"] == "us-east-1"
    assert (
        not {
            key
            for key, value in poison.items()
            if environment.get(key) == value or key == "AWS_PROFILE"
        }
        & environment.keys()
    )
    workers = children(server.pid)
    assert workers
    server.communicate(timeout=20)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


# How it ends


@pytest.mark.parametrize(
    "signals", [[], [signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGINT] * 5]
)
def test_it_saves_at_the_end_of_its_input_and_at_any_number_of_signals(
    state: CloudState, start: Start, signals: list[signal.Signals]
) -> None:
    server = start()
    with up(state).entered():
        boto3.client("s3").create_bucket(Bucket="mine")
    for number in signals:
        server.send_signal(number)
        time.sleep(0.01)
    if not signals:
        assert server.stdin is not None
        server.stdin.close()
        server.stdin = None
    assert server.wait(20) == Status.SAVED
    assert "mine" in (state.saved / "s3.json").read_text()
    assert not state.endpoint.exists()
    assert server.stderr is not None
    assert server.stderr.read() == ""


def test_a_signal_before_it_is_up_ends_it_in_order(state: CloudState, start: Start) -> None:
    # Sent at the moment at which the handlers are there and nothing else is.
    patch = """
import os, signal, threading
start = threading.Thread.start
def signalled(thread):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread.start = start
    start(thread)
threading.Thread.start = signalled
"""
    assert start(patch).wait(20) == Status.SAVED
    assert state.saved.exists()


def test_what_is_under_way_is_dropped_so_that_the_state_is_saved_in_time(
    state: CloudState, start: Start
) -> None:
    server = start()
    make_function(up(state))
    with up(state).entered():
        functions = boto3.client("lambda", config=Config(retries={"max_attempts": 0}))
    broken = threading.Event()

    def invoke() -> None:
        try:
            functions.invoke(FunctionName="works", Payload='{"seconds": 50}')
        except BotoCoreError:
            broken.set()

    invoking = threading.Thread(target=invoke)
    invoking.start()
    silent = socket.create_connection((HOST, up(state).port))
    end = time.monotonic() + 20
    while not (state.objects / ACCOUNT / "functions" / "raw").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    begin = time.monotonic()
    _, said = server.communicate(timeout=20)
    assert time.monotonic() - begin < 8
    assert server.returncode == Status.SAVED
    assert said == ""
    assert "works" in (state.saved / "lambda.json").read_text()
    invoking.join(5)
    assert broken.is_set()
    silent.close()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit")
def test_a_full_disk_at_the_end_leaves_the_last_state(state: CloudState, start: Start) -> None:
    server = start()
    fill(up(state))
    server.communicate(timeout=20)
    before = {path.name: path.read_bytes() for path in state.saved.iterdir()}
    assert len(before["dynamodb.json"]) > MEBIBYTE
    server = start()
    with up(state).entered():
        boto3.client("s3").create_bucket(Bucket="new")
    limit_files(server.pid, MEBIBYTE)
    _, said = server.communicate(timeout=20)
    assert server.returncode == Status.UNSAVED
    assert "The state could not be saved, so it stays as it was before." in said
    assert said.count("failed to save dynamodb") == 1
    assert {path.name: path.read_bytes() for path in state.saved.iterdir()} == before


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit")
def test_an_object_that_the_disk_refused_is_named(state: CloudState, start: Start) -> None:
    server = start()
    with up(state).entered():
        s3 = boto3.client("s3")
    s3.create_bucket(Bucket="mine")
    limit_files(server.pid, MEBIBYTE)
    s3.put_object(Bucket="mine", Key="large", Body=b"x" * 2 * MEBIBYTE)
    _, said = server.communicate(timeout=20)
    assert server.returncode == Status.UNSAVED
    assert "Objects could not be written to the disk and are lost: " in said
    assert "mine/large" in said
    assert "mine" in (state.saved / "s3.json").read_text()


def test_a_ministack_that_breaks_off_is_not_taken_for_saved(
    state: CloudState, start: Start
) -> None:
    patch = """
from tools.project import ROOT
from tools.local_cloud import app as cloud_app
async def broken(*_): raise RuntimeError("no such service")
cloud_app.ministack.app = broken
"""
    server = start(patch)
    _, said = server.communicate(timeout=20)
    assert server.returncode == Status.UNSAVED
    assert "MiniStack broke off: RuntimeError('no such service')" in said
    assert not state.saved.exists()
