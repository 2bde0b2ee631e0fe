"""The tools work in each kind of checkout, HOME and terminal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.quick_app import quick_app
from tools.cdk_cli import cdk
from tools.project import ROOT


def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a Python command in a checkout; return the exit status and the output."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with this repository's code and a quick app."""
    cdk.command()  # installs the CLI
    folder = tmp_path_factory.mktemp("repository")
    skipped = shutil.ignore_patterns("node_modules", "__pycache__")
    for name in ("apps", "stacks", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    for name in ("cdk.json", "package.json", "package-lock.json", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    (folder / "apps/dev/app.py").write_text(quick_app("dev"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=All")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Nothing")
    return folder


def worktree(repository: Path, folder: Path) -> Path:
    """A worktree in a path with special characters, behind a symbolic link."""
    path = folder / "a 'path' with $ and ü"
    git(repository, "worktree", "add", "--quiet", "--detach", str(path))
    (folder / "a link").symlink_to(path)
    return folder / "a link"


def shallow_clone(repository: Path, folder: Path) -> Path:
    git(folder, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    return folder / "shallow"


def archive(repository: Path, folder: Path) -> Path:
    return Path(shutil.copytree(repository, folder / "a", ignore=shutil.ignore_patterns(".git")))


@pytest.mark.parametrize(
    ("checkout", "variables", "affected"),
    [
        (worktree, {"FORCE_COLOR": "1", "TERM": "xterm"}, "Nothing changed."),
        # An empty TERM has the same effect as no TERM.
        (shallow_clone, {"NO_COLOR": "1", "TERM": "", "COLUMNS": "10"}, "Everything: "),
        (archive, {}, "git rev-parse: fatal: not a git repository"),
    ],
)
def test_each_kind_of_checkout_is_synthesized(
    checkout: Callable[[Path, Path], Path],
    variables: dict[str, str],
    affected: str,
    repository: Path,
    tmp_path: Path,
) -> None:
    folder = checkout(repository, tmp_path)
    assert affected in run(folder, "tools.ci.affected", "--base=HEAD~1")[1]
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    home = str(tmp_path / "new" / "home")
    status, output = run(folder, "tools.security", "dev", HOME=home, **variables)
    assert (status, output.splitlines()[-1]) == (0, "dev: One.template.json"), output
    assert (folder / "cdk.out" / "One.template.json").exists()
    for escape in ("\x1b", "\r"):  # no spinner frames in a log
        assert escape not in output
