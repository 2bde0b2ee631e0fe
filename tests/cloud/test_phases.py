"""A table, a function and a state machine work beside the unchanged foundation."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from modules.data_bucket.keys import Tier, object_key
from stacks.core.environment import Environment
from tests.cloud.conftest import Tools
from tests.cloud.phases import HANDLER, STATE_MACHINE_ARN
from tests.support import entered
from tools.guard.snapshots import templates
from tools.local_cloud.client import LocalCloud
from tools.project import ROOT
from tools.security import scans


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of tests/cloud/phases.py, in a copy of the repository with its module."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("src", "stacks"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("cdk.json", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    (copy / "src" / "modules" / "phases").mkdir()
    (copy / "src" / "modules" / "phases" / "handler.py").write_text(HANDLER)
    folder = tmp_path_factory.mktemp("phases")
    paths = f"{copy}{os.pathsep}{copy / 'src'}"
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "tests.cloud.phases"]
    subprocess.run(command, cwd=copy, env=environment, check=True)
    return folder


def test_the_templates_of_the_foundation_stay_the_same(phases: Path, assembly: Path) -> None:
    grown, foundation = templates(phases), templates(assembly)
    assert {name: grown[name] for name in foundation} == foundation
    assert len(grown) == len(foundation) + 2


def test_cfn_lint_finds_only_an_obsolete_dependency_of_a_cdk_construct(
    phases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "W3005" in scans.IGNORED
    monkeypatch.setattr(scans, "IGNORED", ["no rule"])
    findings = scans.cfn_lint(scans.ScannedAssembly(phases), informational=False)
    assert [(finding.id, finding.path) for finding in findings] == [
        ("cfn-lint::W3005", "IngestionStack/StateMachine")
    ]


def test_a_state_machine_writes_an_object_and_an_item_as_the_lambda_role(
    phases: Path, cloud: LocalCloud, here: dict[str, str], tools: Tools
) -> None:
    done = tools("deploy", "--to=local", app=phases, **here)
    assert done.status == 0, done.output
    environment = Environment()
    with entered(cloud):
        exports = boto3.client("cloudformation").list_exports()["Exports"]
        values = {export["Name"]: export["Value"] for export in exports}
        key = object_key(Tier.RAW, "PHASES")
        execute(values[STATE_MACHINE_ARN.name(environment)], {"asset": "PHASES"})
        bucket = boto3.resource("s3").Bucket(environment.resource_name("data"))
        assert bucket.Object(key).get()["Body"].read() == b"PAR1"
        table = boto3.resource("dynamodb").Table(environment.resource_name("prices"))
        assert table.scan()["Items"] == [{"asset": "PHASES", "key": key}]
        assert table.latest_stream_arn


def execute(state_machine: str, payload: dict[str, str]) -> None:
    """Run a state machine to its end. Fails unless the execution succeeds within a minute."""
    client = boto3.client("stepfunctions")
    arguments = {"stateMachineArn": state_machine, "input": json.dumps(payload)}
    execution = client.start_execution(**arguments)["executionArn"]
    end = time.monotonic() + 60
    while (state := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end, state
        time.sleep(0.1)
    assert state["status"] == "SUCCEEDED", state
