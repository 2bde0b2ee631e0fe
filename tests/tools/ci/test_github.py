"""Requests to GitHub's API with the command `gh`."""

import os
from pathlib import Path

import pytest

from tools.ci import github
from tools.errors import UserError


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a command `gh` that records its arguments and prints the file `answer`."""
    (tmp_path / "gh").write_text(
        """#!/bin/sh
cd "${0%/*}" && echo "$*" >> requests
cat answer 2>/dev/null || { echo "gh: HTTP 502" >&2; exit 1; }
"""
    )
    (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "123/repository")  # an owner named like a number
    return tmp_path


@pytest.mark.parametrize(("answer", "commit"), [("", None), ("9 a\n10 b\n8 c\n", "b")])
def test_the_record_is_the_environments_newest_deployment_with_the_task(
    gh: Path, answer: str, commit: str | None
) -> None:
    (gh / "answer").write_text(answer)
    assert github.recorded("dev") == commit
    assert (gh / "requests").read_text() == (
        "api repos/123/repository/deployments --method GET -f environment=dev -f task=deployed "
        '--paginate --jq .[] | "\\(.id) \\(.sha)"\n'
    )


def test_a_record_is_a_successful_deployment_that_waits_for_no_check(gh: Path) -> None:
    (gh / "answer").write_text("7\n")
    github.record("dev", "1" * 40)
    created, status = (gh / "requests").read_text().splitlines()
    assert created == (
        f"api repos/123/repository/deployments -f ref={'1' * 40} -f environment=dev "
        "-f task=deployed -F auto_merge=false -F required_contexts[] --jq .id"
    )
    assert status == "api repos/123/repository/deployments/7/statuses -f state=success"


@pytest.mark.usefixtures("gh")
def test_a_failed_request_is_an_error_and_not_a_missing_record() -> None:
    with pytest.raises(UserError, match=r"deployments: gh: HTTP 502 Repeat the job\."):
        github.recorded("dev")
