"""Run all tests with the pinned Node and without the user's AWS, git and terminal settings."""

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.support import skip_validation
from tools import cdk

if TYPE_CHECKING:  # not at run time: the tests of the tools need no CDK
    from aws_cdk.assertions import Template

# Before a test module imports aws_cdk, which starts Node.
_environment = cdk.without_aws(os.environ) | cdk.environment()
for _key in os.environ.keys() - _environment.keys():
    del os.environ[_key]
os.environ.update(_environment)
# With GIT_DIR, which git hooks set, a test would change the user's repository. The user's settings
# may sign commits or rename the first branch. GitHub's variables add reports to the job.
for _key in [key for key in os.environ if key.startswith(("GIT_", "GITHUB_"))]:
    del os.environ[_key]
os.environ |= {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": "nobody"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}
# Rich and argparse read the terminal's settings; the output of a test must not depend on them.
for _key in ("CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(_key, None)
# The CDK CLI sets this context, so tests get the same templates as a deploy.
os.environ["CDK_CONTEXT_JSON"] = '{"aws:cdk:enable-path-metadata": true}'


@pytest.fixture(scope="session", autouse=True)
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for the cloud assemblies of tests that do not set CDK_OUTDIR themselves."""
    folder = tmp_path_factory.mktemp("cdk.out")
    os.environ["CDK_OUTDIR"] = str(folder)
    return folder


@pytest.fixture
def run_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Run the `app.py` of a domain; return the ids of the stacks.

    Skips cdk-nag and CloudFormation's rules, which take seconds. The `synth` sessions apply them.
    """
    skip_validation(monkeypatch)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))

    def run(domain: str) -> list[str]:
        runpy.run_module(f"stacks.{domain}.app")
        return [path.name.partition(".")[0] for path in tmp_path.glob("*.template.json")]

    return run


@pytest.fixture
def check_exports(request: pytest.FixtureRequest) -> "Callable[[Template, ModuleType], None]":
    """Check that a stack publishes the exports that exports.py declares and exports.txt lists.

    snapshots/ records the full names, which contain the names of the project and the environment.
    """
    from stacks.core.exports import Export

    reviewed = {*(request.path.parent / "exports.txt").read_text().split()}

    def check(template: "Template", exports: ModuleType) -> None:
        outputs = template.to_json()["Outputs"].values()
        published = {output["Export"]["Name"].partition(":")[2] for output in outputs}
        declared = {value.key for value in vars(exports).values() if isinstance(value, Export)}
        assert published == declared, "exports.py declares other exports than the stack publishes."
        assert published == reviewed, (
            "exports.txt lists other exports than the stack publishes. List a new export, which "
            "other stacks may then import. Publish a missing export again, unless no stack imports "
            "it: CloudFormation refuses to remove an imported export."
        )

    return check
