"""Synthesizing one app, and linting what came out."""

from pathlib import Path

import pytest

from tools import cdk, synth


def test_every_domain_and_every_environment_is_an_app() -> None:
    assert {"storage", "registry", "identity", "dev"} <= synth.apps().keys()
    assert synth.environments() == ["dev"]


def test_an_environment_lies_where_people_look_and_a_domain_apart() -> None:
    assert synth.assembly("dev") == cdk.ROOT / "cdk.out"
    assert synth.assembly("storage") == cdk.ROOT / "build/synth/storage"


def test_a_domain_is_synthesized_and_linted(capsys: pytest.CaptureFixture[str]) -> None:
    assert synth.main(["registry"]) == 0
    assert "registry: RegistryStack.template.json" in capsys.readouterr().out


def test_an_app_that_fails_is_answered_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('not like this')")
    app = Path("../" * len(cdk.ROOT.parts)) / str(tmp_path / "app.py").removeprefix("/")
    monkeypatch.setattr(synth, "apps", lambda: {"bad": cdk.ROOT / app})
    assert synth.main(["bad"]) == 1
    said = capsys.readouterr().out
    assert "not like this" in said
    assert "does not synthesize" in said


def test_a_template_that_does_not_pass_the_linter_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Bad.template.json").write_text('{"Resources": {"B": {"Type": "AWS::S3::Bukket"}}}')
    monkeypatch.setattr(synth, "synthesize", lambda _: tmp_path)
    assert synth.main(["bad"]) != 0
