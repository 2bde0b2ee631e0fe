"""Each whole environment deploys to a local cloud."""

from pathlib import Path

import pytest

from tests.clouds import Tools
from tools.cdk_cli import synth
from tools.cdk_cli.assembly import read_stacks
from tools.project import environments


@pytest.mark.parametrize("name", environments())
def test_an_environment_deploys_except_what_the_local_cloud_lacks(
    name: str, tools: Tools, here: dict[str, str], tmp_path: Path
) -> None:
    assembly = synth.synthesize_all([name], folder=tmp_path)[name]
    done = tools("deploy", "--to=local", "--environment", name, app=assembly, **here)
    # With every stack left out, nothing can be deployed.
    lacks_all = done.output.count("is left out: ") == len(read_stacks(assembly))
    assert done.status == int(lacks_all), done.output
