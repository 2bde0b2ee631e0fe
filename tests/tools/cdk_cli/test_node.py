"""The npm packages in a lock file are installed if they are missing or differ."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.cdk_cli import node
from tools.errors import UserError


def write_lock(folder: Path, version: str, root: str = "") -> None:
    """Write a lock file with one package; `root` is the project's own name."""
    package = {"version": version, "resolved": "https://registry.example/p.tgz"}
    packages = {"": {"name": root}, "node_modules/p": package}
    (folder / "package-lock.json").write_text(json.dumps({"packages": packages}))


def install(folder: Path) -> None:
    """Write the files that npm writes."""
    (folder / "node_modules" / "p").mkdir(parents=True, exist_ok=True)
    (folder / "node_modules" / "p" / "package.json").touch()
    lock = (folder / "package-lock.json").read_text()
    # npm with the user's setting `omit-lockfile-registry-resolved` writes no URL.
    lock = lock.replace(', "resolved": "https://registry.example/p.tgz"', "")
    (folder / "node_modules" / ".package-lock.json").write_text(lock)


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Replace npm; return the variables of each `npm ci`."""
    noted: list[dict[str, str]] = []

    def run(_: object, *, cwd: Path, env: dict[str, str], check: bool) -> object:
        del check
        noted.append(env)
        install(cwd)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    return noted


def test_packages_are_installed_only_if_they_differ_from_the_lock_file(
    npm: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    for version, root in (("1", "a"), ("1", "a"), ("1", "b"), ("2", "b")):
        write_lock(tmp_path, version, root)
        node.install(tmp_path)
    assert len(npm) == 2
    (tmp_path / "node_modules" / "p" / "package.json").unlink()
    assert node.main(str(tmp_path)) == 0
    assert len(npm) == 3
    for environment in npm:
        assert "NODE_ENV" not in environment


def test_a_process_that_waited_for_an_installation_does_not_install_again(
    npm: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock(tmp_path, "1")

    @contextmanager
    def after_another(_: object) -> Iterator[None]:
        install(tmp_path)
        yield

    monkeypatch.setattr(node, "FileLock", after_another)
    node.install(tmp_path)
    assert npm == []


@pytest.mark.parametrize(("npm_status", "status"), [(7, 7), (0, 1)])
def test_an_incomplete_installation_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm_status: int, status: int
) -> None:
    write_lock(tmp_path, "1")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=npm_status))
    with pytest.raises(UserError, match="did not install the packages") as error:
        node.install(tmp_path)
    assert error.value.status == status
