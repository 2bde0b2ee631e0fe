"""The identity stack is an app of its own."""

import runpy
from pathlib import Path

import pytest


def test_it_synthesizes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    runpy.run_module("stacks.identity.app")
    assert [path.name for path in tmp_path.glob("*.template.json")] == [
        "IdentityStack.template.json"
    ]
