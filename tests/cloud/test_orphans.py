"""A command that is killed leaves nothing running, whatever it was waiting for just then."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tools.local_cloud.state import HOST
from tools.project import ROOT

# Seconds that a test waits for what comes at once, or for a server that saves its state first.
LIMIT = 15.0
SYNTHESIS = """
import os, sys
from pathlib import Path
from tools import cdk, synth
synth.apps = lambda: {"dev": ROOT / os.path.relpath(sys.argv[2], ROOT)}
synth.assembly = lambda _: Path(sys.argv[1])
synth.synthesize("dev")
"""
CALL = """
import sys
from pathlib import Path
import boto3
from tools.deployment.operation import Operation, Options
from tools.project import ROOT
from tools.targets import Target
op = Operation(Options("deploy"), Target("aws", "1", boto3.Session()), Path(sys.argv[1]), [])
op.cdk("Deploying", "deploy", "StorageStack")
"""

Family = dict[int, str]  # command lines by process
Start = Callable[..., subprocess.Popen[bytes]]


def processes() -> dict[int, tuple[int, str]]:
    """All there are: the parent of each, and its command line."""
    listing = subprocess.check_output(
        ["ps", "-Aww", "-o", "pid=", "-o", "ppid=", "-o", "args="], text=True
    )
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    return {int(pid): (int(parent), line) for pid, parent, line in rows}


def family(process: int) -> Family:
    """What `process` has started, and that in turn."""
    everything = processes()
    found: Family = {}
    parents = {process}
    while parents:
        children = {pid: line for pid, (parent, line) in everything.items() if parent in parents}
        found |= children
        parents = set(children)
    return found


def left(found: Family) -> Family:
    """Those that are still there: the same command line under the same number."""
    now = processes()
    return {pid: line for pid, line in found.items() if pid in now and now[pid][1] == line}


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a Python command, and kill whatever is left of it in the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: object, log: Path, **environment: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> Family:
    """Kill `process` alone; return what it had started and is still there some seconds later."""
    found = family(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not left(found))
    still = left(found)
    for pid in still:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return still


def test_a_killed_deploy_takes_the_cli_and_the_cloud_with_it(
    start: Start, assembly: Path, cloud_folder: Path
) -> None:
    log = cloud_folder.with_name("log")
    arguments = ("-m", "tools.deployment", "deploy", "--to=local", f"--app={assembly}")
    deploy = start(*arguments, log=log)
    wait_for(lambda: b"deploying..." in log.read_bytes())
    lines = " ".join(family(deploy.pid).values())
    assert "aws-cdk/bin/cdk deploy" in lines
    assert "tools.local_cloud.server" in lines
    assert kill(deploy) == {}


def test_a_cli_that_waits_for_the_network_ends_too(
    start: Start, assembly: Path, tmp_path: Path
) -> None:
    with socket.create_server((HOST, 0)) as deaf:
        deploy = start(
            *("-c", CALL, assembly),
            log=tmp_path / "log",
            AWS_ENDPOINT_URL=f"http://{HOST}:{deaf.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="any",
            AWS_SECRET_ACCESS_KEY="any",
            AWS_REGION="us-east-1",
        )
        deaf.settimeout(LIMIT)
        connection, _ = deaf.accept()
        with connection:
            assert "aws-cdk/bin/cdk deploy" in " ".join(family(deploy.pid).values())
            assert kill(deploy) == {}


def test_a_killed_synthesis_takes_the_app_with_it(start: Start, tmp_path: Path) -> None:
    slow = tmp_path / "an app.py"
    slow.write_text("import time; time.sleep(60)")
    synthesis = start("-c", SYNTHESIS, tmp_path / "cdk.out", slow, log=tmp_path / "log")

    def app() -> bool:
        lines = family(synthesis.pid).values()
        return any(line.startswith(sys.executable) and slow.name in line for line in lines)

    wait_for(app)
    assert app()
    assert kill(synthesis) == {}
