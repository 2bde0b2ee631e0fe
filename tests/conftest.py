"""For all tests: the pinned Node, none of the person's AWS configuration, and hypothesis."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tools import cdk

# Before anything imports aws_cdk, which starts Node.
_environment = cdk.without_aws(os.environ) | cdk.environment()
for _key in os.environ.keys() - _environment.keys():
    del os.environ[_key]
os.environ.update(_environment)

settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session", autouse=True)
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where apps are synthesized to, unless a test sets CDK_OUTDIR itself."""
    folder = tmp_path_factory.mktemp("cdk.out")
    os.environ["CDK_OUTDIR"] = str(folder)
    return folder


@pytest.fixture
def reviewed_exports(request: pytest.FixtureRequest) -> set[str]:
    """The exports that others may rely on: exports.txt in the folder of the test.

    Removing or renaming a line breaks whoever imports it, in this repository or in another.
    """
    return set((request.path.parent / "exports.txt").read_text().split())
