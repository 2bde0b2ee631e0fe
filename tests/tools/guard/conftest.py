"""A git repository whose snapshots record a stack with a bucket."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.guard.templates import resource, template
from tools.guard import __main__ as guard
from tools.guard import snapshots

ENABLED = template(
    Bucket=resource("S3::Bucket", "Retain", VersioningConfiguration={"Status": "Enabled"})
)
type Synthesize = Callable[[object], None]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository that records the stack `dev/Data`; its cloud assembly is in `cdk.out`."""
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "environments", lambda: ["dev"])
        monkeypatch.setattr(
            module, "synthesize_all", lambda names: dict.fromkeys(names, tmp_path / "cdk.out")
        )
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr("tools.guard.changes.install", lambda _: None)
    assembly = tmp_path / "cdk.out"
    assembly.mkdir()
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/us-east-1",
        "properties": {"templateFile": "Data.template.json", "terminationProtection": True},
    }
    artifacts = {"Data": artifact, "Tree": {"type": "cdk:tree"}}
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (assembly / "Data.template.json").write_text(json.dumps(ENABLED))
    assert snapshots.main() == 0
    git(tmp_path, "init", "-qb", "main")
    git(tmp_path, "add", "snapshots")
    git(tmp_path, "commit", "-qm", "Record")
    return tmp_path


@pytest.fixture
def synthesize(repository: Path) -> Synthesize:
    """Replace the template in the cloud assembly."""

    def write(content: object) -> None:
        (repository / "cdk.out" / "Data.template.json").write_text(json.dumps(content))

    return write
