"""Folders are domains and environments, and domains without required files are reported."""

import os
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


@pytest.mark.parametrize(
    ("cores", "gigabytes", "expected"), [(8, 32, 8), (8, 7, 3), (4, 1, 1), (1, 64, 1)]
)
def test_the_workers_are_bounded_by_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, gigabytes: int, expected: int
) -> None:
    values = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gigabytes * 2**18}
    monkeypatch.setattr(os, "sysconf", values.__getitem__)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert project.workers() == expected
    assert project.workers(for_each_core=2) == min(2 * cores, max(1, gigabytes // 2))
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert project.workers() == expected


def test_settings_of_the_user_that_change_the_result_of_a_check_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PYTEST_ADDOPTS", "PYTHONOPTIMIZE", "COVERAGE_RCFILE", "RUFF_CONFIG"):
        monkeypatch.setenv(name, "1")
        assert name in project.settings_of_checks()
    assert {"PATH", "HOME", "UV_DEFAULT_INDEX"} & {*project.settings_of_checks()} == set()
