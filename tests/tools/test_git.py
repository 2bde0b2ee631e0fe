"""Affected components in real git repositories: merge bases, renames, and the working tree."""

import json
from pathlib import Path

import pytest

from tests.support import git
from tools import affected
from tools.console import UserError
from tools.git import read_files
from tools.synth import DEFAULT_ENVIRONMENT


class Repository:
    """A git repository and the commands of its user."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def commit(self, *paths: str) -> str:
        for path in paths:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            with (self.root / path).open("a") as file:
                file.write("# another line\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=.")
        return self.git("rev-parse", "HEAD")

    def clone(self, *options: str) -> "Repository":
        folder = self.root.parent / "clone"
        self.git("clone", "--quiet", "--no-local", *options, ".", str(folder))
        return Repository(folder)

    def since(self, base: str, head: str | None = "HEAD") -> str:
        """The affected components, or the reason if everything or nothing is affected."""
        found = affected.affected(self.root, base, head)
        parts = [*found.stacks, *["shared"] * found.shared, *["deployed"] * found.deployable]
        return found.why if found.everything or not parts else " ".join(parts)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    new = Repository(tmp_path / "repository")
    new.root.mkdir()
    new.git("init", "--quiet", "--template=", "--initial-branch=main")
    domains = ("stacks/alpha/app.py", "stacks/alpha/stack.py", "stacks/beta/stack.py")
    new.commit("README.md", "tools/new.py", *domains)
    return new


def test_commits_of_the_base_after_the_merge_base_do_not_count(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create=feature")
    repository.commit("stacks/alpha/stack.py")
    repository.git("switch", "--quiet", "main")
    main = repository.commit("stacks/beta/stack.py", "uv.lock")
    assert repository.since("main", "feature") == "alpha deployed"
    repository.git("merge", "--quiet", "--no-edit", "feature")
    assert repository.since(main) == "alpha deployed"  # as GitHub tests a pull request


def test_both_paths_of_a_rename_count_with_any_git_settings(
    repository: Repository,
) -> None:
    for setting in ("diff.renames=copies", "color.ui=always", "core.quotePath=true"):
        repository.git("config", *setting.split("="))
    repository.git("mv", "stacks/alpha/stack.py", "stacks/beta/stäck.py")
    assert repository.since("HEAD", None) == "alpha beta deployed"
    repository.commit()
    assert repository.since("HEAD~1") == "alpha beta deployed"


def test_without_a_head_uncommitted_changes_count(repository: Repository) -> None:
    (repository.root / ".gitignore").write_text("build/\n")
    repository.commit("stacks/alpha/stack.py")
    assert repository.since("HEAD", None) == "Nothing changed."
    (repository.root / "build").mkdir()
    (repository.root / "build/new.py").touch()
    (repository.root / "README.md").touch()
    assert repository.since("HEAD", None) == "Nothing changed."
    (repository.root / "README.md").unlink()
    assert repository.since("HEAD", None) == "Nothing: only documents changed."
    (repository.root / "stacks/beta/new.py").touch()
    assert repository.since("HEAD", None) == "beta deployed"
    assert repository.since("HEAD~1", None) == "alpha beta shared deployed"


@pytest.mark.parametrize(
    ("base", "why"),
    [
        *((base, f"base {base!r} not found") for base in ("nowhere", "1" * 40, "HEAD..HEAD", " ")),
        *((base, "no base was given") for base in ("", "0" * 40)),
    ],
)
def test_an_unknown_base_affects_everything(repository: Repository, base: str, why: str) -> None:
    found = repository.since(base)
    assert found.startswith(f"Everything: {why}")


def test_a_force_push_affects_everything(repository: Repository) -> None:
    before = repository.commit("stacks/alpha/stack.py")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.commit("stacks/beta/stack.py")
    assert "(a force push?)" in repository.since(before)
    assert "a force push" in repository.clone().since(before)


def test_histories_with_no_or_several_merge_bases_affect_everything(repository: Repository) -> None:
    def commit(message: str, *parents: str) -> str:
        options = [word for parent in parents for word in ("-p", parent)]
        return repository.git("commit-tree", "HEAD^{tree}", *options, "-m", message)

    left, right = commit("left", "HEAD"), commit("right", "HEAD")
    repository.git("branch", "crossing", commit("crossing", right, left))
    found = repository.since("crossing", commit("ours", left, right))
    assert "2 merge bases with 'crossing'" in found
    repository.git("branch", "other", commit("other"))
    assert "0 merge bases with 'other'" in repository.since("other")


def test_a_shallow_clone_affects_everything_unless_it_holds_the_base(
    repository: Repository,
) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit("uv.lock")
    repository.commit("stacks/alpha/stack.py")
    shallow = repository.clone("--depth=2")
    assert shallow.since("HEAD~1") == "alpha deployed"
    assert "shallow clone" in shallow.since(before)
    shallow.git("fetch", "--quiet", "--depth=1", "origin", before)
    assert "a shallow clone may hide" in shallow.since(before)


@pytest.mark.parametrize(
    ("base", "head", "message"),
    [
        ("--output=stolen", "HEAD", "'--output=stolen' is not a git ref"),
        ("HEAD", "--output=stolen", "'--output=stolen' is not a git ref"),
        *(
            ("HEAD", head, f"Commit {head!r} (--head) not found")
            for head in ("nowhere", "", "^HEAD")
        ),
    ],
)
def test_a_ref_that_cannot_be_compared_is_refused(
    repository: Repository, base: str, head: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        repository.since(base, head)
    assert str(error.value).startswith(message)
    assert error.value.status == 2
    assert not (repository.root / "stolen").exists()


def test_a_folder_within_a_repository_is_not_a_repository(
    repository: Repository,
) -> None:
    (repository.root / "inner").mkdir()
    with pytest.raises(UserError, match="git rev-parse: fatal: not a git repository"):
        affected.affected(repository.root / "inner", "HEAD")


def test_variables_of_a_git_hook_do_not_redirect_git(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.root.mkdir()
    other.git("init", "--quiet", "--initial-branch=main")
    repository.commit("stacks/alpha/stack.py")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other.root / ".git"))
    assert repository.since("HEAD~1", None) == "alpha deployed"


def test_files_are_read_from_a_commit_or_the_working_tree(repository: Repository) -> None:
    file = repository.root / "stacks/alpha/ü.bin"
    file.write_bytes(b"\xff\r\n")
    repository.commit()
    file.write_bytes(b"new")
    for head, content in (("HEAD", b"\xff\r\n"), (None, b"new")):
        found = read_files(repository.root, head, "stacks/alpha")
        assert found.keys() == {f"stacks/alpha/{name}" for name in ("app.py", "stack.py", "ü.bin")}
        assert found["stacks/alpha/ü.bin"] == content


# The command


def test_json_is_one_line_with_the_keys_that_ci_reads(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit("stacks/alpha/stack.py")
    monkeypatch.setattr(affected, "ROOT", repository.root)
    assert affected.main(["--base=HEAD~1", "--head=HEAD", "--json"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    found = json.loads(line)
    assert found.pop("why").startswith("deployed system: ")
    assert DEFAULT_ENVIRONMENT in found.pop("environments")
    assert found.pop("deploys") == [{"environment": DEFAULT_ENVIRONMENT, "assembly": "cdk.out"}]
    assert found == {"stacks": ["alpha"], "shared": False, "deployable": True, "everything": False}
    assert affected.main(["--base=", "--json"]) == 0  # as in a job without a base
    assert json.loads(capsys.readouterr().out)["everything"] is True


def test_the_default_base_is_origin_main_or_else_main(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(affected, "ROOT", repository.root)
    repository.git("switch", "--quiet", "--create=feature")
    repository.commit("stacks/alpha/stack.py")
    assert affected.main([]) == 0
    assert capsys.readouterr().out.startswith("deployed system: stacks/alpha/stack.py\n")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert affected.main([]) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"
