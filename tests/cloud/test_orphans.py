"""An interrupted or killed command leaves no process."""

import json
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

from tools import node
from tools.local_cloud.folder import ENDPOINT, HOST, STATE
from tools.project import ROOT

# Seconds in which a process appears, or disappears.
LIMIT = 15.0
SYNTHESIS = """
import os, sys
from pathlib import Path
from tools import synth
from tools.project import ROOT
synth.apps = lambda: {"dev": ROOT / os.path.relpath(sys.argv[2], ROOT)}
synth.assembly = lambda _: Path(sys.argv[1])
synth.synthesize("dev")
"""
INSTALLATION = """
import signal, sys
from pathlib import Path
from tools import node
signal.signal(signal.SIGINT, signal.default_int_handler)
node.ROOT = Path(sys.argv[1])  # with a separate file lock
node.install(node.ROOT)
"""
CALL = """
import sys
from pathlib import Path
from tools.deployment.operation import Operation
from tools.deployment.options import Options
from tools.targets import Target
op = Operation(Options("deploy"), Target("aws", "1", "arn:aws:iam::1:root"), Path(sys.argv[1]), [])
op.cdk("Deploying", "deploy", "StorageStack")
"""

Family = dict[int, str]  # command lines by process
Start = Callable[..., subprocess.Popen[bytes]]


def family(ancestor: int) -> Family:
    """All descendants of a process."""
    listing = subprocess.check_output(["ps", "-Aww", "-o", "pid=,ppid=,args="], text=True)
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    found: Family = {}
    parents = {ancestor}
    while parents:
        children = {int(pid): line for pid, parent, line in rows if int(parent) in parents}
        found |= children
        parents = set(children)
    return found


def left(found: Family) -> Family:
    """The processes of `found` that still run: same number, same command line."""
    listing = subprocess.check_output(["ps", "-Aww", "-o", "pid=,args="], text=True)
    now = dict(line.strip().split(maxsplit=1) for line in listing.splitlines())
    return {pid: line for pid, line in found.items() if now.get(str(pid)) == line}


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a Python command, and kill its remaining processes at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_line(process: subprocess.Popen[bytes], *words: str) -> None:
    """Wait until the command line of one descendant contains all `words`."""
    wait_for(
        lambda: any(all(word in line for word in words) for line in family(process.pid).values())
    )


def assert_all_end(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """Send a signal to `process` alone, or SIGINT to its group as a terminal does."""
    found = family(process.pid)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait(LIMIT)
    wait_for(lambda: not left(found))


def test_a_killed_deploy_leaves_no_process(start: Start, assembly: Path, tmp_path: Path) -> None:
    deploy = start(
        *("-m", "tools.deployment", "deploy", "--to=local", f"--app={assembly}"),
        WEALTH_OPS_CLOUD=str(tmp_path),
    )
    wait_for_line(deploy, "aws-cdk/bin/cdk", str(assembly))
    wait_for_line(deploy, "tools.local_cloud.server", str(tmp_path))
    assert_all_end(deploy)
    assert not (tmp_path / ENDPOINT).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nox_leaves_no_process_and_the_state_is_saved(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    # UV: the noxfile does not start `uv run`.
    nox = start("-m", "nox", "-s", "cloud", WEALTH_OPS_CLOUD=str(tmp_path), UV="uv")
    wait_for((tmp_path / ENDPOINT).exists)
    wait_for_line(nox, "tools.local_cloud.server", str(tmp_path))
    assert_all_end(nox, number)
    assert not (tmp_path / ENDPOINT).exists()
    assert list((tmp_path / STATE).glob("*.json"))


def test_a_killed_deploy_ends_a_cli_that_waits_for_the_network(
    start: Start, assembly: Path
) -> None:
    with socket.create_server((HOST, 0)) as deaf:
        deploy = start(
            *("-c", CALL, assembly),
            AWS_ENDPOINT_URL=f"http://{HOST}:{deaf.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="any",
            AWS_SECRET_ACCESS_KEY="any",
            AWS_REGION="us-east-1",
        )
        deaf.settimeout(LIMIT)
        connection, _ = deaf.accept()
        with connection:
            wait_for_line(deploy, "aws-cdk/bin/cdk deploy")
            assert_all_end(deploy)


def test_a_killed_synthesis_leaves_no_app_process(start: Start, tmp_path: Path) -> None:
    slow = tmp_path / "an app.py"
    slow.write_text("import time; time.sleep(60)")
    synthesis = start("-c", SYNTHESIS, tmp_path / "cdk.out", slow)
    wait_for(
        lambda: any(
            line.startswith(sys.executable) and slow.name in line
            for line in family(synthesis.pid).values()
        )
    )
    assert_all_end(synthesis)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_npm_ci_leaves_no_process_and_no_installation(
    start: Start, tmp_path: Path, number: int
) -> None:
    # npm links the package `here` at once, and waits for the package `slow` until the test ends.
    with socket.create_server((HOST, 0)) as server:
        url = f"http://{HOST}:{server.getsockname()[1]}/slow.tgz"
        root = {"name": "root", "dependencies": {"here": "file:here", "slow": url}}
        packages = {
            "": root,
            "here": {"version": "1.0.0"},
            "node_modules/here": {"resolved": "here", "link": True},
            "node_modules/slow": {"version": "1.0.0", "resolved": url},
        }
        (tmp_path / "here").mkdir()
        for name, content in {
            "package.json": root,
            "package-lock.json": {"lockfileVersion": 3, "packages": packages},
            "here/package.json": {"name": "here", "version": "1.0.0"},
        }.items():
            (tmp_path / name).write_text(json.dumps(content))
        process = start("-c", INSTALLATION, tmp_path)
        server.settimeout(LIMIT)
        connection, _ = server.accept()
        with connection:
            wait_for_line(process, "npm ci")  # the process title of npm
            assert_all_end(process, number)
    assert not node._is_installed(tmp_path)
