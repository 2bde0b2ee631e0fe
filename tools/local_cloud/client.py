"""Start, find and stop the local cloud."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import urllib3

from tools.console import say
from tools.errors import UserError
from tools.local_cloud.folder import CERTIFICATE, HOST, LOG, PORT, create
from tools.project import ROOT
from tools.variables import without_aws

ACCOUNT = "000000000000"
REGION = "us-east-1"
# Seconds. A start takes one or two; a stop writes the state to the disk.
START_LIMIT = 60.0
STOP_LIMIT = 20.0


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud. It holds as many accounts and regions as you use."""

    directory: Path
    port: int
    server: subprocess.Popen[bytes] | None = field(default=None, compare=False)
    """The server that this process started, or None if another process started the server."""

    @property
    def url(self) -> str:
        """The endpoint for every service: an IP address, so that S3 needs no DNS names."""
        return f"https://{HOST}:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificates that clients trust."""
        return self.directory / CERTIFICATE

    def variables(
        self, base: Mapping[str, str], *, account: str = ACCOUNT, region: str = REGION
    ) -> dict[str, str]:
        """`base` with variables for the root user in `account`, and without a way to reach AWS."""
        return without_aws(base) | {
            "AWS_ENDPOINT_URL": self.url,
            # MiniStack accepts any account number as its root access key.
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CA_BUNDLE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            # Programs that read both names prefer the lower-case name.
            "NO_PROXY": HOST,
            "no_proxy": HOST,
            # The CDK CLI caches the account of each access key in this folder.
            "CDK_HOME": str(self.directory / "cdk"),
        }


@contextmanager
def local_cloud(directory: Path, *, port: int = 0) -> Iterator[LocalCloud]:
    """Yield the local cloud in `directory`, served on 127.0.0.1 at `port` (0: any free port).

    Uses the folder's running server, or starts a server and stops it at the end.
    Raises `UserError` if the server cannot start or save the state.
    """
    directory = directory.resolve()
    if running := _find(directory):
        yield running
        return
    server = _start(directory, port)
    try:
        yield _wait_until_ready(directory, server)
    finally:
        _stop(server)
    _check_saved(directory, server)


def _find(directory: Path) -> LocalCloud | None:
    """The local cloud in `directory` if its server answers."""
    try:
        port = int((directory / PORT).read_text())
    except (OSError, ValueError):
        return None
    cloud = LocalCloud(directory, port)
    with urllib3.PoolManager(ca_certs=str(cloud.certificate), retries=False) as pool:
        try:
            answer = pool.request("GET", f"{cloud.url}/_ministack/health", timeout=5)
        except urllib3.exceptions.HTTPError:
            return None
    return cloud if answer.status == 200 else None


def _start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    with (create(directory) / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.local_cloud.server", str(directory), str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C reaches only this process, which then stops the server.
            start_new_session=True,
        )


def _wait_until_ready(directory: Path, server: subprocess.Popen[bytes]) -> LocalCloud:
    end = time.monotonic() + START_LIMIT
    while server.poll() is None and time.monotonic() < end:
        if cloud := _find(directory):
            if notice := (directory / LOG).read_text(errors="replace").strip():
                say(notice)
            return replace(cloud, server=server)
        time.sleep(0.05)
    reason = (directory / LOG).read_text(errors="replace").strip()
    raise UserError(
        "The local cloud did not start. "
        f"{reason or 'It gave no answer and no reason. The disk may be full.'}"
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()  # The server stops when its standard input ends.
    try:
        server.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _check_saved(directory: Path, server: subprocess.Popen[bytes]) -> None:
    """Raise `UserError` unless the server, which has ended, saved the whole state."""
    if server.returncode:
        raise UserError(
            f"The local cloud did not save its whole state within {STOP_LIMIT:.0f} seconds. If "
            f"{directory / LOG} does not say why, the disk may be full. The next start moves this "
            "state to another folder and begins with an empty cloud, which a deploy rebuilds."
        )
