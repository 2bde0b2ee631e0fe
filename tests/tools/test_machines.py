"""The tools work in each kind of checkout, HOME and terminal, or print an error message."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import git, quick_app
from tools import cdk
from tools.project import ROOT

SYNTHESIZED = "dev: One.template.json\n"


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
    """A git repository with the code of this repository and a quick app."""
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


def unusual_path(repository: Path, folder: Path) -> Path:
    """A symbolic link to a folder with special characters."""
    (folder / "a link").symlink_to(shutil.copytree(repository, folder / "a 'path' with $ and ü"))
    return folder / "a link"


def worktree(repository: Path, folder: Path) -> Path:
    git(repository, "worktree", "add", "--quiet", "--detach", str(folder / "worktree"))
    return folder / "worktree"


def shallow_clone(repository: Path, folder: Path) -> Path:
    git(folder, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    return folder / "shallow"


def archive(repository: Path, folder: Path) -> Path:
    copied = shutil.copytree(repository, folder / "archive")
    shutil.rmtree(copied / ".git")
    return Path(copied)


@pytest.mark.parametrize(
    ("checkout", "affected"),
    [
        (unusual_path, "Nothing changed."),
        (worktree, "Nothing changed."),
        (shallow_clone, "Everything: base 'HEAD~1' not found"),
        (archive, "git rev-parse: fatal: not a git repository"),
    ],
)
def test_each_kind_of_checkout_is_synthesized(
    checkout: Callable[[Path, Path], Path], affected: str, repository: Path, tmp_path: Path
) -> None:
    folder = checkout(repository, tmp_path)
    assert affected in run(folder, "tools.affected", "--base=HEAD~1")[1]
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    status, output = run(folder, "tools.synth", "dev")
    assert (status, output.endswith(SYNTHESIZED)) == (0, True), output
    assert (folder / "cdk.out" / "One.template.json").exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, SYNTHESIZED),
        # An empty TERM has the same effect as no TERM.
        ({"NO_COLOR": "1", "TERM": "", "COLUMNS": "10", "HOME": "new/home"}, SYNTHESIZED),
        ({"HOME": "file/home"}, "Set HOME to a folder that can be written.\n"),
    ],
    ids=str,
)
def test_each_home_and_terminal_works_or_causes_an_error_message(
    variables: dict[str, str], expected: str, repository: Path, tmp_path: Path
) -> None:
    folder = archive(repository, tmp_path)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "file").touch()
    if "HOME" in variables:
        variables = variables | {"HOME": str(tmp_path / variables["HOME"])}
    status, output = run(folder, "tools.synth", "dev", **variables)
    assert status == (0 if expected == SYNTHESIZED else 1), output
    assert " ".join(expected.split()) in " ".join(output.split())
    for escape in ("\x1b", "\r", "Traceback"):  # no frames of a spinner in a log
        assert escape not in output
