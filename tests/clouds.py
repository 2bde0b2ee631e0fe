"""Fixtures for end-to-end tests: shared local clouds, and the deployment tools in this process.

`tests/conftest.py` registers this module as a plugin.
"""

import io
import itertools
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
from botocore.loaders import JSONFileLoader
from filelock import FileLock

from stacks.core.environment import Environment
from tests.accounts import ADMINISTRATOR, entered
from tools.cdk_cli import node
from tools.cdk_cli.assembly import StackArtifact, read_stacks
from tools.deployment.__main__ import main
from tools.local_cloud.client import LocalCloud, local_cloud
from tools.local_cloud.folder import STATE
from tools.project import ROOT
from tools.variables import replaced_variables

ACCOUNT = "111122223333"
NUMBERS = itertools.count(1)
FIRST_DEPLOY = "first-deploy.txt"
# test_execution bootstraps with the recorded policies.
BOOTSTRAP = ("--to=aws", "--yes", f"--cloudformation-execution-policies={ADMINISTRATOR}")


class Done(NamedTuple):
    """A command's exit status, and its whole output."""

    status: int
    output: str


class Project(NamedTuple):
    """A cloud assembly copy with another project name, so that tests share an account."""

    folder: Path
    stacks: dict[str, StackArtifact]
    bucket: str
    repository: str


Tools = Callable[..., Done]


def as_aws(variables: dict[str, str]) -> dict[str, str]:
    """The variables with which the tools use a local cloud account as an AWS account."""
    files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    return {key: value for key, value in variables.items() if key not in files}


def type_answer(answer: str, assembly: Path, *arguments: str, **environment: str) -> Done:
    """Run the tools on a terminal and type `answer` after each question."""
    terminal, end = pty.openpty()
    output = ""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.deployment", *arguments, f"--app={assembly}"],
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb", "COLUMNS": "200", **environment},
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    ) as process:
        os.close(end)
        with suppress(OSError):  # Linux raises EIO when the other end is closed.
            while text := os.read(terminal, 4096).decode(errors="replace"):
                output += text
                if output.endswith((": ", "(n):")):
                    os.write(terminal, f"{answer}\n".encode())
    os.close(terminal)
    return Done(process.returncode, output)


@pytest.fixture(scope="session")
def _unmeasured() -> str:
    """Disable coverage in child processes, because coverage slows them; return its setting."""
    return os.environ.pop("COVERAGE_PROCESS_CONFIG", "")


@pytest.fixture
def measured(_unmeasured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable coverage in the servers that a test starts."""
    if _unmeasured:
        monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", _unmeasured)


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Cache botocore's service models, which each botocore session would parse again."""
    with pytest.MonkeyPatch.context() as patch:
        load = cache(partial(JSONFileLoader.load_file, JSONFileLoader()))
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: load(path))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers in this run share."""
    base = tmp_path_factory.getbasetemp()
    # A worker's folder is in the run's folder.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def assembly(shared: Path, _unmeasured: str) -> Path:
    """The cloud assembly with the foundation's stacks; every end-to-end test depends on it."""
    folder = shared / "assembly"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            command = [sys.executable, "-m", "tests.foundation"]
            environment = {**os.environ, "CDK_OUTDIR": str(folder)}
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return folder


@pytest.fixture(scope="session")
def tools(assembly: Path) -> Tools:
    """Run a deployment verb in this process, with variables added."""

    def run(*arguments: str, app: Path = assembly, **environment: str) -> Done:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        output = io.StringIO()
        try:
            with (
                replaced_variables(os.environ | environment),
                redirect_stdout(output),
                redirect_stderr(output),
            ):
                status = main([*arguments, *([] if arguments[0] == "cloud" else [f"--app={app}"])])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Done(status, output.getvalue())

    return run


@pytest.fixture(scope="session")
def deployed_once(shared: Path, tools: Tools) -> Path:
    """A local cloud's folder with the deployed foundation and a bootstrapped account.

    One worker prepares it, because that takes longer than most tests; the others copy its state.
    """
    folder = shared / "prepared"
    with FileLock(f"{folder}.lock"):
        if not (folder / FIRST_DEPLOY).exists():
            node.install(ROOT)  # otherwise the first deploy prints a line about it
            with local_cloud(folder) as running:
                first = tools("deploy", "--to=local", WEALTH_OPS_CLOUD=str(folder))
                assert first.status == 0, first.output
                variables = running.variables({}, account=ACCOUNT)
                own = {"WEALTH_OPS_CLOUD": str(shared / "unused")}
                done = tools("bootstrap", *BOOTSTRAP, **as_aws(variables) | own)
                assert done.status == 0, done.output
            (folder / FIRST_DEPLOY).write_text(first.output)
    return folder


@pytest.fixture(scope="session")
def cloud(deployed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The worker's local cloud with the deployed foundation.

    A test must not change other tests' resources.
    """
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copytree(deployed_once / STATE, folder / STATE)
    with local_cloud(folder) as running:
        yield running


@pytest.fixture(scope="session")
def here(cloud: LocalCloud) -> dict[str, str]:
    """The variables that make the tools use the worker's local cloud."""
    return {"WEALTH_OPS_CLOUD": str(cloud.directory)}


@pytest.fixture(scope="session")
def unbootstrapped(
    cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Root user variables for an account in the shared cloud, used as an AWS account.

    WEALTH_OPS_CLOUD is an empty folder: with the target `aws`, no local cloud may start.
    """
    own = tmp_path_factory.mktemp("own")
    variables = cloud.variables({}, account="999988887777") | {"WEALTH_OPS_CLOUD": str(own)}
    yield as_aws(variables)
    assert {path.name for path in own.iterdir()} <= {"operation.lock"}


@pytest.fixture(scope="session")
def aws_account(unbootstrapped: dict[str, str]) -> dict[str, str]:
    """Root user variables for a bootstrapped account."""
    return unbootstrapped | {"AWS_ACCESS_KEY_ID": ACCOUNT}


@pytest.fixture
def project(assembly: Path, tmp_path: Path, cloud: LocalCloud) -> Project:
    """The environment with a project name that no other test uses, and its roles' boundary."""
    folder = shutil.copytree(assembly, tmp_path / "assembly")
    old, new = Environment().project, f"test{next(NUMBERS)}"
    for path in folder.glob("*.json"):
        text = path.read_text().replace(old, new)
        # The CDK CLI publishes a template once under its hash, 64 hexadecimal digits.
        path.write_text(re.sub(r"\b[0-9a-f]{64}\b", lambda found: f"{found[0][:50]}{new}", text))
    environment = Environment(project=new)
    prefix, _, name = environment.boundary_name.rpartition("/")
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    with entered(cloud, account=ACCOUNT):
        # A deploy of the account environment creates it.
        boto3.client("iam").create_policy(
            PolicyName=name,
            Path=f"/{prefix}/",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
        )
    return Project(
        folder,
        stacks={stack.id: stack for stack in read_stacks(folder)},
        bucket=environment.resource_name("data"),
        repository=environment.resource_name("ecr"),
    )


@pytest.fixture(scope="module")
def entered_cloud(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The local cloud with the deployed foundation; boto3 uses the root user."""
    with entered(cloud):
        yield cloud
