"""A git repository, and a GitHub Actions job with the record of what is deployed."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.git import git
from tools.ci import github as module


@dataclass
class GitHub:
    """The recorded commit of each environment, and a job's files."""

    folder: Path
    records: dict[str, str] = field(default_factory=dict)

    def outputs(self) -> dict[str, str]:
        """The outputs since the last call."""
        file = self.folder / "output"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        """The job's summary."""
        return (self.folder / "summary").read_text()


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """A GitHub Actions job for a push, in a repository without a record."""
    found = GitHub(tmp_path / "github")
    found.folder.mkdir()
    monkeypatch.setattr(module, "recorded", found.records.get)
    monkeypatch.setattr(module, "record", found.records.__setitem__)
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    monkeypatch.setenv("GITHUB_OUTPUT", str(found.folder / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(found.folder / "summary"))
    return found


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that each test's `root` is a copy of."""
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    (root / "apps").mkdir()
    (root / "apps/deployed_by_push.txt").write_text("one\ntwo\n")
    domains = ("stacks/alpha/stack.py", "stacks/beta/stack.py")
    commit(root, *domains, *(f"apps/{name}/app.py" for name in ("byhand", "one", "two")))
    return root


@pytest.fixture
def root(repository: Path, tmp_path: Path) -> Path:
    """A git repository with two domains and three environments; a push deploys one and two."""
    return shutil.copytree(repository, tmp_path / "repository")


def commit(root: Path, *paths: str) -> str:
    """Add a line to files, and commit every change; return the commit's id."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as file:
            file.write("# another line\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=.")
    return head(root)


def head(root: Path) -> str:
    """The id of the commit that is checked out."""
    return git(root, "rev-parse", "HEAD")
