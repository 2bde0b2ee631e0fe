"""A git repository whose snapshots record a stack."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import git
from tools.guard import __main__ as guard
from tools.guard import snapshots

ENABLED = {
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
            "DeletionPolicy": "Retain",
        }
    }
}
type Synthesize = Callable[[object], None]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the snapshots of the environment `dev`, and its assembly."""
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "environments", lambda: ["dev"])
        monkeypatch.setattr(
            module, "synthesize_all", lambda names: dict.fromkeys(names, tmp_path / "cdk.out")
        )
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr("tools.guard.changes.install", lambda _: None)
    return tmp_path


@pytest.fixture
def synthesize(repository: Path) -> Synthesize:
    """Write the assembly of an app with one stack, whose template is given."""
    assembly = repository / "cdk.out"
    assembly.mkdir()
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/us-east-1",
        "properties": {"templateFile": "Data.template.json", "terminationProtection": True},
    }
    artifacts = {"Data": artifact, "Tree": {"type": "cdk:tree"}}
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))

    def write(template: object) -> None:
        (assembly / "Data.template.json").write_text(json.dumps(template))

    return write
