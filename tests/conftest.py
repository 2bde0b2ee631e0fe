"""For all tests: the pinned Node, and none of the user's AWS, git or terminal settings."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tools import cdk

if TYPE_CHECKING:  # not at run time: the tests of the tools need no CDK
    from aws_cdk.assertions import Template

# Before anything imports aws_cdk, which starts Node.
_environment = cdk.without_aws(os.environ) | cdk.environment()
for _key in os.environ.keys() - _environment.keys():
    del os.environ[_key]
os.environ.update(_environment)
# A git hook sets GIT_DIR, and a user's settings sign commits or rename the first branch: a test
# would then act on the user's repository. GitHub's variables would send reports to the job.
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
# The rules of CloudFormation and cdk-nag are asked when a stack is synthesized for good (`nox -s
# synth`): they take longer to load than all else here.
os.environ["CDK_VALIDATION"] = "false"
os.environ["WEALTH_OPS_CDK_NAG"] = "off"
# As the CLI would, so that templates are what is deployed, to the byte.
os.environ["CDK_CONTEXT_JSON"] = '{"aws:cdk:enable-path-metadata": true}'


@pytest.fixture(scope="session", autouse=True)
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where apps are synthesized to, unless a test sets CDK_OUTDIR itself."""
    folder = tmp_path_factory.mktemp("cdk.out")
    os.environ["CDK_OUTDIR"] = str(folder)
    return folder


@pytest.fixture
def cdk_nag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets cdk-nag be asked by the apps of a test, as it is when they are deployed."""
    monkeypatch.delenv("WEALTH_OPS_CDK_NAG")


def export_faults(published: set[str], declared: set[str], reviewed: Path) -> list[str]:
    """The differences between the exports of a stack, its exports.py and its exports.txt.

    Each export is given by its key, the part of its name after the stack's: names hold the project
    and the environment, and are recorded in snapshots/.
    """
    lines = set(reviewed.read_text().split()) if reviewed.exists() else set()
    return [
        *(f"{key}: declared in exports.py, but not published." for key in declared - published),
        *(
            f"{key}: published, but not in {reviewed}. Add this line: other stacks may then import "
            "the export."
            for key in published - lines
        ),
        *(
            f"{key}: in {reviewed}, but not published. Stacks that import the export could no "
            "longer be deployed, and CloudFormation refuses to remove an export that is imported. "
            "Publish it again. Delete the line only if no stack imports the export."
            for key in lines - published
        ),
    ]


@pytest.fixture
def check_exports(request: pytest.FixtureRequest) -> "Callable[[Template, ModuleType], None]":
    """Checks that a stack publishes the exports that exports.py declares and exports.txt lists."""
    from stacks.core.exports import Export

    def check(template: "Template", exports: ModuleType) -> None:
        outputs = template.to_json()["Outputs"].values()
        published = {output["Export"]["Name"].partition(":")[2] for output in outputs}
        declared = {value.key for value in vars(exports).values() if isinstance(value, Export)}
        assert export_faults(published, declared, request.path.parent / "exports.txt") == []

    return check
