"""Each whole environment deploys to a local cloud."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clouds import Tools
from tools.cdk_cli.assembly import read_stacks
from tools.cdk_cli.synth import synthesize_all
from tools.project import environments


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Each environment's cloud assembly."""
    return synthesize_all(environments(), folder=tmp_path_factory.mktemp("assemblies"))


@pytest.mark.parametrize("name", environments())
def test_an_environment_deploys_except_what_the_local_cloud_lacks(
    name: str, tools: Tools, here: dict[str, str], assemblies: Mapping[str, Path]
) -> None:
    assembly = assemblies[name]
    done = tools("deploy", "--to=local", "--environment", name, app=assembly, **here)
    # With every stack left out, nothing can be deployed.
    lacks_all = done.output.count("is left out: ") == len(read_stacks(assembly))
    assert done.status == int(lacks_all), done.output
