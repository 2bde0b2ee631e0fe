"""Synthesizing one app, and linting what came out."""

import os
from pathlib import Path

import pytest

from tools import cdk, project, synth
from tools.project import ROOT


def test_every_domain_and_every_environment_is_an_app() -> None:
    assert {"storage", "registry", "identity", "dev"} <= synth.apps().keys()
    assert project.environments() == ["dev"]


def test_an_environment_lies_where_people_look_and_a_domain_apart() -> None:
    assert synth.assembly("dev") == ROOT / "cdk.out"
    assert synth.assembly("storage") == ROOT / "build/synth/storage"


# Writes an assembly as the CDK would, which would take seconds.
APP = """
import json, os, pathlib
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir(parents=True, exist_ok=True)
template = {"Resources": {"One": {"Type": "AWS::SNS::Topic"}}}
(folder / "One.template.json").write_text(json.dumps(template))
(folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"One": {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/us-east-1",
    "properties": {"templateFile": "One.template.json"},
}}}))
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app of the repository, called "one"."""
    file = tmp_path / "app.py"
    file.write_text(APP)
    outside = Path("../" * len(ROOT.parts)) / str(file).removeprefix("/")
    monkeypatch.setattr(synth, "apps", lambda: {"one": ROOT / outside})
    monkeypatch.setattr(synth, "assembly", lambda _: tmp_path / "folder" / "out")
    return file


@pytest.fixture
def linter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of cfn-lint: keeps its arguments, and minds nothing."""
    file = tmp_path / "cfn-lint"
    file.write_text('#!/bin/sh\necho "$@" > "$0.asked"\n')
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return file


def test_an_app_is_synthesized_and_its_templates_are_linted(
    app: Path, linter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app.parent / "folder" / "out"
    folder.mkdir(parents=True)
    # Of a stack that the app had before, and of a nested one.
    (folder / "Gone.template.json").touch()
    (folder / "Nest.nested.template.json").touch()
    assert synth.main(["one"]) == 0
    nested, template = sorted(folder.glob("*.template.json"))
    assert (nested.name, template.name) == ("Nest.nested.template.json", "One.template.json")
    assert linter.with_name("cfn-lint.asked").read_text().split() == [str(nested), str(template)]
    assert "one: Nest.nested.template.json, One.template.json" in "".join(capsys.readouterr())


def test_an_app_that_fails_is_answered_with_what_it_said(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The tests themselves do not ask cdk-nag, whatever is synthesized for good does.
    app.write_text("import os; raise ValueError('asked: ' + os.environ['WEALTH_OPS_CDK_NAG'])")
    assert synth.main(["one"]) == 1
    said = "".join(capsys.readouterr())
    assert "ValueError: asked: on" in said  # and not in colours
    assert said.endswith("app.py does not synthesize.\n")


@pytest.mark.usefixtures("app")
def test_a_finding_that_can_be_accepted_is_answered_with_how(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Acknowledge with 'Pack::Rule'"  # as the CLI does
    monkeypatch.setattr(cdk, "command", lambda *_: ["sh", "-c", f'echo "{said}"; exit 1'])
    assert synth.main(["one"]) == 1
    assert "`acknowledge` in stacks/core/findings.py" in "".join(capsys.readouterr())


def test_a_template_that_does_not_pass_the_linter_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Bad.template.json").write_text('{"Resources": {"B": {"Type": "AWS::S3::Bukket"}}}')
    monkeypatch.setattr(synth, "synthesize", lambda _: tmp_path)
    assert synth.main(["bad"]) != 0
    said = "".join(capsys.readouterr())
    assert "AWS::S3::Bukket" in said
    assert "bad: Bad.template.json" not in said  # no word of success
