"""Start, find and stop the local cloud."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from filelock import FileLock, Timeout

from tools import cdk
from tools.console import UserError, console
from tools.credentials import replaced_environment
from tools.local_cloud.folder import CERTIFICATE, ENDPOINT, HOST, LOCK, LOG, STATE
from tools.project import ROOT

ACCOUNT = "000000000000"
REGION = "us-east-1"
# Seconds. A start takes one or two; a stop writes the state to the disk.
START_LIMIT = 60.0
STOP_LIMIT = 20.0


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud. It holds any number of accounts and regions."""

    directory: Path
    port: int
    shared: bool = field(default=False, compare=False)
    """Whether another process serves the local cloud and continues to do so."""

    @property
    def url(self) -> str:
        """The endpoint of every service: an IP address, so that S3 needs no DNS names."""
        return f"https://{HOST}:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificates that clients trust."""
        return self.directory / CERTIFICATE

    def is_gone(self) -> bool:
        """Whether the server has ended; False for a busy server."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def environment(
        self, base: Mapping[str, str], *, account: str = ACCOUNT, region: str = REGION
    ) -> dict[str, str]:
        """`base` with variables for the root user of `account`, and without a way to reach AWS."""
        return cdk.without_aws(base) | {
            "AWS_ENDPOINT_URL": self.url,
            # MiniStack accepts the number of any account as its root access key.
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CA_BUNDLE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "NO_PROXY": HOST,
            # The CDK CLI caches the account of each access key in this folder.
            "CDK_HOME": str(self.directory / "cdk"),
        }

    @contextmanager
    def entered(self, *, account: str = ACCOUNT, region: str = REGION) -> Iterator[None]:
        """Use `environment` in this process, for boto3 and for commands that it starts."""
        with replaced_environment(self.environment(os.environ, account=account, region=region)):
            yield


@contextmanager
def local_cloud(directory: Path, *, port: int = 0) -> Iterator[LocalCloud]:
    """Yield the local cloud in `directory`, served on `port` of 127.0.0.1 (0: any free port).

    Uses the running server of the folder, or starts a server and stops it at the end.
    Raises `UserError` if the server cannot start, or cannot save its state.
    """
    directory = directory.resolve()
    if running := _find_running(directory):
        yield running
        return
    with _listen(port) as listener:
        cloud = LocalCloud(directory, listener.getsockname()[1])
        server = _start(cloud, listener.fileno())
    try:
        _wait_until_ready(cloud, server)
        yield cloud
    except BaseException:
        # The raised error is more useful than the failure of the stop.
        if failure := _stop(cloud, server):
            console.print(failure, style="red", markup=False)
        raise
    if failure := _stop(cloud, server):
        raise UserError(failure)


def _find_running(directory: Path) -> LocalCloud | None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / LOCK, timeout=0):
            return None
    except Timeout:
        cloud = LocalCloud(directory, _read_port(directory) or 0, shared=True)
    except OSError as error:
        raise UserError(f"The local cloud cannot use the folder {directory}: {error}") from error
    if not _answers(cloud):
        raise UserError(
            f"Another process is starting or stopping the local cloud in {directory}. Try again "
            "when it has finished."
        )
    return cloud


def _read_port(directory: Path) -> int | None:
    try:
        return int(json.loads((directory / ENDPOINT).read_text())["port"])
    except (FileNotFoundError, ValueError):
        return None  # The server has not written the file yet.


def _listen(port: int) -> socket.socket:
    try:
        if port not in range(2**16):
            raise OSError("Ports are numbers from 0 to 65535.")
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(
            f"The local cloud cannot listen on port {port}: {error}. Choose another port, or 0 for "
            "any free port."
        ) from error


def _start(cloud: LocalCloud, descriptor: int) -> subprocess.Popen[bytes]:
    arguments = (str(cloud.directory), str(descriptor), str(cloud.port))
    with (cloud.directory / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.local_cloud.server", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
            # Ctrl-C reaches only this process, which then stops the server.
            start_new_session=True,
        )


def _wait_until_ready(cloud: LocalCloud, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_LIMIT
    while server.poll() is None and time.monotonic() < end:
        if _read_port(cloud.directory) == cloud.port and _answers(cloud):
            if notice := _read_log(cloud):
                console.print(notice, markup=False)
            return
        time.sleep(0.05)
    raise UserError(f"The local cloud did not start (limit: {START_LIMIT:.0f} seconds).")


def _answers(cloud: LocalCloud) -> bool:
    with urllib3.PoolManager(ca_certs=str(cloud.certificate), retries=False) as pool:
        try:
            answer = pool.request("GET", f"{cloud.url}/_ministack/health", timeout=5)
        except urllib3.exceptions.HTTPError:
            return False
    return answer.status == 200


def _stop(cloud: LocalCloud, server: subprocess.Popen[bytes]) -> str | None:
    """Stop the server; return a sentence for the user if its state is not saved."""
    assert server.stdin is not None
    server.stdin.close()  # The server stops when its standard input ends.
    try:
        server.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    if not server.returncode:
        return None
    return (
        f"The local cloud ended with status {server.returncode} and did not save its state. The "
        f"next start moves {cloud.directory / STATE} to a folder beside it, and the cloud is empty "
        f"then. {_read_log(cloud) or 'Is the disk full?'}"
    )


def _read_log(cloud: LocalCloud) -> str:
    return (cloud.directory / LOG).read_text(errors="replace").strip()
