"""The embedded local cloud: an AWS emulator for those without an account, and for the tests."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import boto3
import urllib3
from filelock import FileLock, Timeout

from tools import cdk
from tools.console import UserError, console
from tools.local_cloud.state import HOST, CloudState
from tools.project import ROOT

ACCOUNT = "000000000000"
REGION = "us-east-1"
# Seconds. A start takes one or two; a stop writes the state to the disk.
START_LIMIT = 60.0
STOP_LIMIT = 60.0


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    directory: Path
    port: int
    account: str
    certificate: Path
    shared: bool = field(default=False, compare=False)
    """Whether another process serves it, and will go on to."""

    @property
    def url(self) -> str:
        """The endpoint of every service. An IP address, so that S3 needs no names in DNS."""
        return f"https://{HOST}:{self.port}"

    def is_gone(self) -> bool:
        """Whether nothing listens there any more; a cloud that is only busy still does."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` for commands that shall reach this cloud, and can reach no real account."""
        return cdk.without_aws(base) | {
            "AWS_ENDPOINT_URL": self.url,
            # The root key of an account is its number; any secret will do.
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "NO_PROXY": HOST,
            # The CLI remembers there which key belongs to which account.
            "CDK_HOME": str(self.directory / "cdk"),
        }

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make `environment` this process's own, for boto3 and for the commands it starts."""
        before = dict(os.environ)
        try:
            _become(self.environment(before))
            # Else boto3 goes on with the credentials that it has found first.
            boto3.DEFAULT_SESSION = None
            yield
        finally:
            _become(before)
            boto3.DEFAULT_SESSION = None


@contextmanager
def local_cloud(directory: Path, *, port: int = 0, account: str = ACCOUNT) -> Iterator[LocalCloud]:
    """A local cloud with its state in `directory`, on `port` of 127.0.0.1 (0: any free one).

    Starts it, and stops it in every case, its state saved; if one is served there already, uses it
    and leaves it running. Raises `UserError` when it cannot start or its state cannot be saved.
    """
    state = CloudState(directory.resolve(), version("ministack"))
    if running := _running(state):
        yield running
        return
    server = _start(state, port, account)
    try:
        running = _wait_until_ready(state, server)
    except BaseException:
        _end(server)
        raise
    try:
        yield running
    except BaseException:
        # What is already under way says more than this does.
        if trouble := _stop(state, server):
            console.print(trouble, style="red", markup=False)
        raise
    if trouble := _stop(state, server):
        raise UserError(trouble)


def _start(state: CloudState, port: int, account: str) -> subprocess.Popen[bytes]:
    with state.log.open("wb") as log:
        return subprocess.Popen(
            [
                # -u: what a full disk does not take is not tried again at exit, which would replace
                # the exit status.
                *(sys.executable, "-u", "-m", "tools.local_cloud.server", str(state.directory)),
                *("--port", str(port), "--account", account),
            ],
            cwd=ROOT,
            env=cdk.without_aws(os.environ),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # A Ctrl-C is for this process, which then stops the server in order.
            start_new_session=True,
        )


def _become(environment: Mapping[str, str]) -> None:
    # Key by key: another thread may be starting a command just now, and needs its PATH.
    for key in os.environ.keys() - environment.keys():
        del os.environ[key]
    os.environ.update(environment)


def _running(state: CloudState) -> LocalCloud | None:
    try:
        with FileLock(state.lock, timeout=0):
            return None
    except Timeout:
        endpoint = state.find()
    except OSError as error:
        raise UserError(f"The local cloud cannot be kept in {state.directory}: {error}") from error
    if endpoint is None or not _answers(state, endpoint.port):
        raise UserError(
            f"Another process is starting or stopping the local cloud in {state.directory}; try "
            "again when it has."
        )
    return LocalCloud(
        state.directory, endpoint.port, endpoint.account, state.certificate, shared=True
    )


def _wait_until_ready(state: CloudState, server: subprocess.Popen[bytes]) -> LocalCloud:
    end = time.monotonic() + START_LIMIT
    while server.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
        endpoint = state.find()
        if endpoint and endpoint.process == server.pid and _answers(state, endpoint.port):
            notice = _said(state)
            if notice:
                console.print(notice, markup=False)
            return LocalCloud(state.directory, endpoint.port, endpoint.account, state.certificate)
    if server.returncode is None:
        raise UserError(
            f"The local cloud did not start within {START_LIMIT:.0f} seconds. {_said(state)}"
        )
    raise UserError(_why(state, server))


def _answers(state: CloudState, port: int) -> bool:
    with urllib3.PoolManager(ca_certs=str(state.certificate), retries=False) as pool:
        try:
            answer = pool.request("GET", f"https://{HOST}:{port}/_ministack/health", timeout=5)
        except urllib3.exceptions.HTTPError:
            return False
    return answer.status == 200


def _end(server: subprocess.Popen[bytes]) -> bool:
    # The end of its standard input tells the server to save its state and go.
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        return False
    return True


def _stop(state: CloudState, server: subprocess.Popen[bytes]) -> str | None:
    if not _end(server):
        return (
            f"The local cloud did not stop within {STOP_LIMIT:.0f} seconds and was killed; it goes "
            f"back to its last saved state. {_said(state)}"
        )
    if server.returncode:
        return f"The local cloud did not stop in order.\n{_why(state, server)}"
    return None


def _why(state: CloudState, ended: subprocess.Popen[bytes]) -> str:
    return _said(state) or (
        f"The local cloud ended with status {ended.returncode} and could not write the reason to "
        f"{state.log}: is the disk full? What was saved before is as it was: make room, and run "
        "the same command again."
    )


def _said(state: CloudState) -> str:
    return state.log.read_text(errors="replace").strip()
