"""The npm packages in a lock file are installed once."""

import shutil
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.cdk_cli import node
from tools.errors import UserError


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Replace npm, which removes the old packages."""

    def run(_: object, *, cwd: Path, check: bool) -> Mock:
        assert not check
        shutil.rmtree(cwd / "node_modules", ignore_errors=True)
        (cwd / "node_modules").mkdir()
        return Mock(returncode=0)

    monkeypatch.setattr(subprocess, "run", replaced := Mock(side_effect=run))
    return replaced


def test_packages_are_installed_only_if_they_differ_from_the_lock_file(
    npm: Mock, tmp_path: Path
) -> None:
    for lock, calls in (("a", 1), ("a", 1), ("b", 2)):
        (tmp_path / "package-lock.json").write_text(lock)
        assert node.main(str(tmp_path)) == 0
        assert npm.call_count == calls
    shutil.rmtree(tmp_path / "node_modules")
    node.install(tmp_path)
    assert npm.call_count == 3


def test_a_failed_installation_is_an_error_and_is_tried_again(npm: Mock, tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").touch()
    npm.side_effect = None
    npm.return_value = Mock(returncode=7)
    for _ in range(2):
        with pytest.raises(UserError, match=r"npm ci in .* failed\."):
            node.install(tmp_path)
    assert npm.call_count == 2


def test_a_home_that_cannot_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(UserError, match=r"HOME: .*/file/home'\. Set HOME to a folder"):
        node.check_home()
