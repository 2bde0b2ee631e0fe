"""A git repository, and a GitHub Actions job with a GitHub repository's deployments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.git import git
from tools.ci import github as module
from tools.errors import UserError


@dataclass
class GitHub:
    """GitHub's API for the repository 123/repository, and a job's files."""

    folder: Path
    # The newest is the last.
    deployments: list[dict[str, object]] = field(default_factory=list)
    is_down: bool = False

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Answer the requests that tools/ci/github.py sends, and no others."""
        if self.is_down:
            raise UserError("HTTP 502")
        if path == "graphql":
            variables = body["variables"]
            assert isinstance(variables, dict)
            assert (variables.pop("owner"), variables.pop("name")) == ("123", "repository")
            nodes = [
                {"commitOid": each["ref"], "task": each["task"]}
                for each in reversed(self.deployments)
                if {"environment": each["environment"]} == variables
            ]
            return {"data": {"repository": {"deployments": {"nodes": nodes}}}}
        if path == "repos/123/repository/deployments":
            self.deployments.append(dict(body))
            return {"id": len(self.deployments)}
        assert path == f"repos/123/repository/deployments/{len(self.deployments)}/statuses"
        self.deployments[-1]["status"] = body
        return {}

    def add(self, environment: str, commit: str, task: str) -> None:
        """Add a deployment that this repository's workflows did not make."""
        self.deployments.append({"ref": commit, "environment": environment, "task": task})

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
    """A GitHub Actions job for a push, in a repository without deployments."""
    folder = tmp_path / "github"
    folder.mkdir()
    found = GitHub(folder)
    monkeypatch.setattr(module, "_post", found.post)
    variables = {
        "GITHUB_REPOSITORY": "123/repository",  # an owner whose name is a number
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_RUN_ID": "7",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git repository with two domains and three environments; a push deploys one and two."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    for place, name in enumerate(("by_hand", "one", "two")):
        app = root / "apps" / name.replace("_", "") / "app.py"
        app.parent.mkdir(parents=True)
        app.write_text(f"DEPLOYED_BY_PUSH = {place}\n")
    domains = ("stacks/alpha/app.py", "stacks/alpha/stack.py", "stacks/beta/stack.py")
    commit(root, ".editorconfig", "README.md", "tools/new/__main__.py", *domains)
    return root


def commit(root: Path, *paths: str) -> str:
    """Add a line to files, and commit every change; return the commit's id."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as file:
            file.write("# another line\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=.")
    return git(root, "rev-parse", "HEAD")
