"""The repository's environments, each synthesized once."""

import runpy
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.stacks import skip_validation
from tools import project


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run an app in this repository, e.g. `apps.dev.app`, in this process; return its assembly."""

    def run(module: str) -> Path:
        folder = tmp_path_factory.mktemp(module)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CDK_OUTDIR", str(folder))
            skip_validation(patch)
            runpy.run_module(module)
        return folder

    return run


@pytest.fixture(scope="session")
def assemblies(synthesize: Callable[[str], Path]) -> Mapping[str, Path]:
    """Each environment's cloud assembly."""
    return {name: synthesize(f"apps.{name}.app") for name in project.environments()}
