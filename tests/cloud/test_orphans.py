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

import psutil
import pytest

from tools.cdk_cli import node
from tools.local_cloud.folder import HOST, PORT, STATE
from tools.project import ROOT

# Seconds in which a process appears, or disappears.
LIMIT = 15.0
# The standard output of the started command, in the folder of the test.
OUTPUT = "output"
INSTALLATION = """
import signal, sys
from pathlib import Path
from tools.cdk_cli import node
signal.signal(signal.SIGINT, signal.default_int_handler)
node.ROOT = Path(sys.argv[1])  # with a separate file lock
node.install(node.ROOT)
"""

Start = Callable[..., subprocess.Popen[bytes]]


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_for_line(process: subprocess.Popen[bytes], *words: str) -> None:
    """Wait until the command line of one descendant contains all `words`."""

    def lines() -> Iterator[str]:
        for each in descendants(process):
            with suppress(psutil.NoSuchProcess):
                yield " ".join(each.cmdline())

    wait_for(lambda: any(all(word in line for word in words) for line in lines()))


def assert_all_end(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """End `process` with a signal, and assert that its descendants end.

    Sends SIGINT to the process group, as a terminal does, and other signals to `process` alone.
    """
    found = descendants(process)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait(LIMIT)
    assert psutil.wait_procs(found, LIMIT)[1] == []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a Python command, and kill its remaining processes at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        with (tmp_path / OUTPUT).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
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


def test_a_killed_deploy_leaves_no_process(start: Start, assembly: Path, tmp_path: Path) -> None:
    deploy = start(
        *("-m", "tools.deployment", "deploy", "--to=local", f"--app={assembly}"),
        WEALTH_OPS_CLOUD=str(tmp_path),
    )
    wait_for_line(deploy, "aws-cdk/bin/cdk", str(assembly))
    wait_for_line(deploy, "tools.local_cloud.server", str(tmp_path))
    assert_all_end(deploy)
    assert not (tmp_path / PORT).exists()


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nox_leaves_no_process_and_the_state_is_saved(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    # UV: the noxfile does not start `uv run`.
    nox = start("-m", "nox", "-s", "cloud", WEALTH_OPS_CLOUD=str(tmp_path), UV="uv")
    wait_for(lambda: "Ctrl-C stops the server" in (tmp_path / OUTPUT).read_text())
    assert_all_end(nox, number)
    assert not (tmp_path / PORT).exists()
    assert list((tmp_path / STATE).glob("*.json"))


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
