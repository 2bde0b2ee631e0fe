"""Data libraries work under both roles on the local cloud, and cannot delete."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from stacks.core.environment import Environment
from tests.accounts import administrator, entered, role_session
from tools.deployment.__main__ import main
from tools.local_cloud.client import local_cloud
from tools.project import ROOT

PROJECT = Path(__file__).parent
LIBRARIES = ("pandas", "pyarrow", "polars", "awswrangler", "boto3")
ROLES = ("LambdaExecutionRole", "FargateTaskRole")


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python in the libraries' locked environment."""
    folder = ROOT / "build" / "clients"
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    command = ["uv", "sync", "--quiet", "--frozen", "--project", str(PROJECT)]
    subprocess.run(command, env=environment, check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """A task's environment variables with each role, on a deployed local cloud."""
    folder = tmp_path_factory.mktemp("cloud")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEALTH_OPS_CLOUD", str(folder))
        assert main(["deploy", "--to=local"]) == 0
    with local_cloud(folder) as running, entered(running):
        exports = boto3.client("cloudformation").list_exports()["Exports"]
        arns = {export["Name"].partition(":")[2]: export["Value"] for export in exports}
        admin = administrator(boto3.Session(), "admin")
        found = {}
        for role in ROLES:
            given = role_session(arns[f"{role}Arn"], admin).get_credentials()
            assert given is not None
            found[role] = {
                **os.environ,
                "AWS_ACCESS_KEY_ID": given.access_key,
                "AWS_SECRET_ACCESS_KEY": given.secret_key,
                "AWS_SESSION_TOKEN": str(given.token),
                "SSL_CERT_FILE": str(running.certificate),  # read by polars
            }
        yield found


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_reads_and_writes_under_a_role_and_cannot_delete(
    library: str, role: str, python: Path, credentials: dict[str, dict[str, str]]
) -> None:
    script = Path(__file__).with_name("libraries.py")
    done = subprocess.run(
        [python, script, library, Environment().resource_name("data")],
        env=credentials[role],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
