"""Run all tests with the pinned Node and without the user's AWS, git and terminal settings."""

import importlib
import json
import os
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

# First, because it removes settings that the next modules would read.
from tests import environment  # noqa: F401 (imported for its effect)
from tools.cdk_cli import cdk

pytest_plugins = ["tests.clouds"]

# Before a test module imports aws_cdk, which starts Node.
os.environ.update(cdk.VARIABLES)


@pytest.fixture(scope="session", autouse=True)
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for cloud assemblies in tests that do not set CDK_OUTDIR themselves."""
    folder = tmp_path_factory.mktemp("cdk.out")
    os.environ["CDK_OUTDIR"] = str(folder)
    return folder


@pytest.fixture
def check_app(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Check the stack and the exports that a domain's `app.py` synthesizes.

    Skips cdk-nag and CloudFormation's rules, which take seconds. The `synth` sessions check them.
    snapshots/ records the full export names, with the names of the project and the environment.
    """
    from stacks.core.environment import construct_id
    from stacks.core.exports import Export
    from tests.stacks import skip_validation

    folder = request.path.parent
    skip_validation(monkeypatch)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))

    def check() -> None:
        runpy.run_module(f"stacks.{folder.name}.app")
        (template,) = tmp_path.glob("*.template.json")
        assert template.name == f"{construct_id(folder.name)}.template.json", (
            f"Build the stack with domain={folder.name!r}, the name of the folder. To rename a "
            "domain, follow docs/changing.md#rename-a-domain."
        )

        outputs = json.loads(template.read_text())["Outputs"].values()
        published = {output["Export"]["Name"].partition(":")[2] for output in outputs}
        exports = vars(importlib.import_module(f"stacks.{folder.name}.exports")).values()
        declared = {value.key for value in exports if isinstance(value, Export)}
        assert published == declared, (
            "exports.py must declare the exports that the stack publishes."
        )
        assert published == {*(folder / "exports.txt").read_text().split()}, (
            "exports.txt must list the exports that the stack publishes. Add a new export. Remove "
            "an export only if no stack imports the export: CloudFormation does not delete an "
            "imported export."
        )

    return check
