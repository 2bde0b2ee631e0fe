"""An interrupted command leaves no process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tools.local_cloud.folder import PORT, STATE
from tools.project import ROOT

# Seconds in which a process appears, or disappears.
LIMIT = 15.0
Start = Callable[..., psutil.Popen]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command that uses the local cloud, and write its output to the test's file."""
    started: list[psutil.Popen] = []

    def run(*words: str) -> psutil.Popen:
        # UV: the noxfile does not start `uv run`.
        variables = {"PYTHONUNBUFFERED": "1", "UV": "uv", "WEALTH_OPS_CLOUD": str(tmp_path)}
        with (tmp_path / "output").open("wb") as output:
            process = psutil.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def assert_all_end(process: psutil.Popen, number: int) -> None:
    """End `process` with a signal, and assert that its descendants end.

    Sends SIGINT to the process group, as a terminal does, and other signals to `process` alone.
    """
    found = process.children(recursive=True)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait(LIMIT)
    assert psutil.wait_procs(found, LIMIT)[1] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deploy_leaves_no_process(
    start: Start, assembly: Path, tmp_path: Path, number: signal.Signals
) -> None:
    deploy = start("tools.deployment", "deploy", "--to=local", f"--app={assembly}")
    wait_for(lambda: len(deploy.children()) == 2)  # the server and the CDK CLI
    assert_all_end(deploy, number)
    assert deploy.returncode == 130
    assert not (tmp_path / PORT).exists()


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nox_leaves_no_process_and_the_state_is_saved(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    nox = start("nox", "-s", "cloud")
    wait_for(lambda: "Ctrl-C stops the server" in (tmp_path / "output").read_text())
    assert_all_end(nox, number)
    assert not (tmp_path / PORT).exists()
    assert list((tmp_path / STATE).glob("*.json"))
