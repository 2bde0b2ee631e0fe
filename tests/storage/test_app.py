"""The app of the storage domain synthesizes only the storage stack."""

import runpy
from pathlib import Path

import pytest


@pytest.mark.usefixtures("unvalidated_apps")
def test_the_app_contains_only_this_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    runpy.run_module("stacks.storage.app")
    assert [path.name for path in tmp_path.glob("*.template.json")] == [
        "StorageStack.template.json"
    ]
