"""Folders are domains and environments, and domains without required files are reported."""

from pathlib import Path

import pytest

from tools import project

FILES = [
    "apps/dev/app.py",
    "apps/notes/readme.md",
    "stacks/__init__.py",
    "stacks/core/base.py",
    *(f"stacks/alerts/{name}.py" for name in ("app", "exports", "stack")),
    "stacks/alerts/jobs/app.py",
    *(f"tests/alerts/{name}" for name in ("exports.txt", "test_stack.py")),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folders_are_domains_and_environments(root: Path) -> None:
    assert project.domains(root) == ["alerts"]
    assert project.environments(root) == ["dev"]
    assert project.incomplete(["alerts", "dev", "core"], root) == []


@pytest.mark.parametrize(
    "missing",
    [["stacks/alerts/app.py"], ["tests/alerts/test_stack.py", "tests/alerts/exports.txt"]],
)
def test_missing_files_of_a_domain_are_reported_in_one_sentence(
    root: Path, missing: list[str]
) -> None:
    for file in missing:
        (root / file).unlink()
    assert project.incomplete(["alerts"], root) == [
        f"The domain 'alerts' is incomplete: create {' and '.join(missing)}, as in another domain."
    ]
