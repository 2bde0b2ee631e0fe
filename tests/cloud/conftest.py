"""Throw-away clouds, and the tools as a person runs them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import synth
from tools.assembly import read_stacks
from tools.deployment.__main__ import main
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.project import ROOT

ACCOUNT = "111122223333"


class Done(NamedTuple):
    """How a command ended, and everything that it printed."""

    status: int
    output: str


Tools = Callable[..., Done]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dev environment, synthesized once, and apart from where a person may be at work."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("assembly")
        patch.setattr(synth, "assembly", lambda _: folder)
        return synth.synthesize("dev")


@pytest.fixture(scope="session")
def ids(assembly: Path) -> list[str]:
    """The ids of all stacks of the dev environment, of later phases, too, as they are deployed."""
    return [stack.id for stack in read_stacks(assembly)]


@pytest.fixture(scope="session")
def tools(assembly: Path) -> Tools:
    """Run `python -m tools.deployment …`, without a terminal."""

    def run(*arguments: str, app: Path = assembly, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "tools.deployment", *arguments, f"--app={app}"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    return run


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Makes the tools use a local cloud of the tests' own."""
    return {"WEALTH_OPS_CLOUD": str(tmp_path_factory.mktemp("local") / "cloud")}


@pytest.fixture(scope="session")
def deployed(tools: Tools, local: dict[str, str]) -> Path:
    """The directory of a local cloud to which everything was deployed."""
    done = tools("deploy", "--to", "local", **local)
    assert done.status == 0, done.output
    return Path(local["WEALTH_OPS_CLOUD"])


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that the tests share, for what changes nothing that another test relies on."""
    with local_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def deployed_cloud(deployed: Path) -> Iterator[LocalCloud]:
    """The deployed cloud, served for a module of tests, whose boto3 talks to it as root."""
    with local_cloud(deployed) as running, running.entered():
        yield running


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Makes the tools take a second local cloud for a real AWS account."""
    with local_cloud(tmp_path_factory.mktemp("account")) as running:
        environment = running.environment({}, account=ACCOUNT)
        del environment["AWS_CONFIG_FILE"], environment["AWS_SHARED_CREDENTIALS_FILE"]
        yield environment


@pytest.fixture(scope="session")
def bootstrapped(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local cloud that was bootstrapped and stopped, for copying."""
    folder = tmp_path_factory.mktemp("bootstrapped") / "cloud"
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEALTH_OPS_CLOUD", str(folder))
        assert main(["bootstrap", "--to=local", f"--app={assembly}"]) == 0
    for number, handler in before.items():
        signal.signal(number, handler)
    return folder


@pytest.fixture
def cloud_folder(bootstrapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tools keep the local cloud during a test: one that is bootstrapped."""
    shutil.copytree(bootstrapped, tmp_path / "cloud")
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(tmp_path / "cloud"))
    return tmp_path / "cloud"
