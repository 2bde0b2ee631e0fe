"""Folders are domains and environments."""

import os
from pathlib import Path

import pytest

from tools import project

FILES = [
    "apps/dev/app.py",
    "apps/notes/readme.md",
    "stacks/__init__.py",
    "stacks/core/base.py",
    "stacks/alerts/stack.py",
    "stacks/alerts/jobs/app.py",
]


def test_folders_are_domains_and_environments(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert project.domains(tmp_path) == ["alerts"]
    assert project.environments(tmp_path) == ["dev"]


@pytest.mark.parametrize(
    ("cores", "gigabytes", "expected"), [(8, 32, 8), (8, 7, 3), (4, 1, 1), (1, 64, 1)]
)
def test_the_workers_are_bounded_by_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, gigabytes: int, expected: int
) -> None:
    values = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gigabytes * 2**18}
    monkeypatch.setattr(os, "sysconf", values.__getitem__)
    monkeypatch.setattr(os, "process_cpu_count", lambda: cores)
    assert project.workers() == expected
    assert project.workers(for_each_core=2) == min(2 * cores, max(1, gigabytes // 2))


def test_settings_of_the_user_that_change_the_result_of_a_check_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PYTEST_ADDOPTS", "PYTHONOPTIMIZE", "COVERAGE_RCFILE", "RUFF_CONFIG"):
        monkeypatch.setenv(name, "1")
        assert name in project.settings_of_checks()
    assert {"PATH", "HOME", "UV_DEFAULT_INDEX"} & {*project.settings_of_checks()} == set()
