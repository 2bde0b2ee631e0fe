"""The dev environment, synthesized once."""

import json
import runpy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from stacks.core import app
from tools import project


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run an app of this repository in this process, e.g. `apps.dev.app`; returns its assembly."""

    def run(module: str) -> Path:
        folder = tmp_path_factory.mktemp(module)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CDK_OUTDIR", str(folder))
            patch.setattr(app, "new_app", partial(app.new_app, validate=False))
            runpy.run_module(module)
        return folder

    return run


@pytest.fixture(scope="session")
def dev(synthesize: Callable[[str], Path]) -> Path:
    return synthesize("apps.dev.app")


@pytest.fixture(scope="session")
def manifest(dev: Path) -> dict[str, dict[str, object]]:
    artifacts: dict[str, dict[str, object]] = json.loads((dev / "manifest.json").read_text())[
        "artifacts"
    ]
    return artifacts


@pytest.fixture(scope="session")
def domains() -> list[str]:
    return project.domains()
