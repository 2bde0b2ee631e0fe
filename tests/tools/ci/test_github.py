"""Requests to GitHub's API with the command `gh`, and a step's outputs."""

import json
import os
from pathlib import Path

import pytest

from tests.tools.ci.conftest import GitHub
from tools.ci import github as module
from tools.errors import UserError


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command `gh` that prints the file `answer`, or the file `error`, and fails."""
    (tmp_path / "gh").write_text(
        """#!/bin/sh
cd "${0%/*}" && echo "$@" > arguments && cat > body
cat answer 2>/dev/null || { cat error >&2; exit 1; }
"""
    )
    (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "123/repository")
    return tmp_path


def answer(gh: Path, nodes: object) -> None:
    (gh / "answer").write_text(
        json.dumps({"data": {"repository": {"deployments": {"nodes": nodes}}}})
    )


def test_the_record_is_the_newest_deployment_with_the_task(gh: Path) -> None:
    nodes = [("one", "deploy"), ("two", module.TASK), ("three", module.TASK), ("four", None)]
    answer(gh, [{"commitOid": name, "task": task} for name, task in nodes])
    assert module.recorded("dev") == "two"
    answer(gh, [])
    assert module.recorded("dev") is None
    assert (gh / "arguments").read_text() == "api --method POST graphql --input -\n"


def test_the_query_asks_for_the_newest_deployments_of_the_environment(gh: Path) -> None:
    answer(gh, [])
    module.recorded("dev")
    body = json.loads((gh / "body").read_text())
    # Strings, also if the owner's name is a number.
    assert body["variables"] == {"owner": "123", "name": "repository", "environment": "dev"}
    assert "environments: [$environment]" in body["query"]
    assert "orderBy: {field: CREATED_AT, direction: DESC}" in body["query"]


def test_an_answer_without_deployments_is_an_error(gh: Path) -> None:
    answer(gh, None)
    with pytest.raises(UserError, match="GitHub returned no deployments for 'dev'"):
        module.recorded("dev")


def test_a_failed_request_is_an_error_with_the_reason_of_gh(gh: Path) -> None:
    (gh / "error").write_text("gh: HTTP 502\n")
    with pytest.raises(UserError, match=r"^gh api graphql: gh: HTTP 502 Repeat the job\."):
        module.recorded("dev")


def test_outputs_are_lines_of_text_or_json(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    module.write_outputs({"text": "", "list": ["a", "b"], "deploys": False})
    assert github.outputs() == {"text": "", "list": '["a", "b"]', "deploys": "false"}
    monkeypatch.delenv("GITHUB_OUTPUT")
    module.write_outputs({"text": "text"})
    assert github.outputs() == {}
