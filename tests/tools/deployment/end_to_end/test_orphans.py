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


def assert_all_end(process: psutil.Popen, interrupt: Callable[[], None]) -> None:
    """Interrupt a process, and assert that its descendants end."""
    found = process.children(recursive=True)
    interrupt()
    process.wait(LIMIT)
    assert psutil.wait_procs(found, LIMIT)[1] == []


def test_ctrl_c_ends_a_deploy_and_leaves_no_process(
    start: Start, assembly: Path, tmp_path: Path
) -> None:
    deploy = start("tools.deployment", "deploy", "--to=local", f"--app={assembly}")
    wait_for(lambda: len(deploy.children()) == 2)  # the server and the CDK CLI
    # As a terminal does: the server and the CDK CLI get the signal, too.
    assert_all_end(deploy, lambda: os.killpg(deploy.pid, signal.SIGINT))
    assert deploy.returncode == 130
    assert not (tmp_path / PORT).exists()


@pytest.mark.usefixtures("measured")
def test_a_signal_to_nox_alone_leaves_no_process_and_the_state_is_saved(
    start: Start, tmp_path: Path
) -> None:
    nox = start("nox", "-s", "cloud")
    wait_for(lambda: "Ctrl-C stops the server" in (tmp_path / "output").read_text())
    assert_all_end(nox, nox.terminate)
    assert not (tmp_path / PORT).exists()
    assert list((tmp_path / STATE).glob("*.json"))
