"""A cloud assembly and a local cloud of the tests' own."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import synth
from tools.__main__ import main
from tools.local_cloud import LocalCloud, local_cloud


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dev environment, apart from where people look, who may be at work there."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("assembly")
        patch.setattr(synth, "assembly", lambda _: folder)
        return synth.synthesize("dev")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that the tests share, for what changes nothing that another test relies on."""
    with local_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def bootstrapped(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local cloud that was bootstrapped and stopped, for copying."""
    folder = tmp_path_factory.mktemp("bootstrapped") / "cloud"
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEALTH_OPS_CLOUD", str(folder))
        assert main(["bootstrap", "--to=local", f"--app={assembly}"]) == 0
    signal.signal(signal.SIGTERM, before)
    return folder


@pytest.fixture
def cloud_folder(bootstrapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tools keep the local cloud during a test: one that is bootstrapped."""
    shutil.copytree(bootstrapped, tmp_path / "cloud")
    monkeypatch.setenv("WEALTH_OPS_CLOUD", str(tmp_path / "cloud"))
    return tmp_path / "cloud"
