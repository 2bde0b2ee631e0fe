"""Affected components in real git repositories: merge bases, renames, and the working tree."""

import json
import os
from pathlib import Path

import pytest

from tests.support import git
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.ci import affected
from tools.ci.git import read_files
from tools.project import environments


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git repository with two domains."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    domains = ("stacks/alpha/app.py", "stacks/alpha/stack.py", "stacks/beta/stack.py")
    commit(root, "LICENSE", "tools/new/__main__.py", *domains)
    return root


def commit(root: Path, *paths: str) -> str:
    """Add a line to files, and commit every change; return the id of the commit."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as file:
            file.write("# another line\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=.")
    return git(root, "rev-parse", "HEAD")


def since(root: Path, base: str, head: str | None = "HEAD") -> str:
    """The affected components, or the reason if everything or nothing is affected."""
    found = affected.affected(root, base, head)
    parts = [*found.stacks, *["shared"] * found.shared, *["deployed"] * found.deployable]
    return found.why if "Everything" in found.why or not parts else " ".join(parts)


def test_commits_of_the_base_after_the_merge_base_do_not_count(root: Path) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "stacks/alpha/stack.py")
    git(root, "switch", "--quiet", "main")
    main = commit(root, "stacks/beta/stack.py", "uv.lock")
    assert since(root, "main", "feature") == "alpha deployed"
    git(root, "merge", "--quiet", "--no-edit", "feature")
    assert since(root, main) == "alpha deployed"  # as GitHub tests a pull request


def test_both_paths_of_a_rename_count_with_any_git_settings(root: Path) -> None:
    for setting in ("diff.renames=copies", "color.ui=always", "core.quotePath=true"):
        git(root, "config", *setting.split("="))
    git(root, "mv", "stacks/alpha/stack.py", "stacks/beta/stäck.py")
    assert since(root, "HEAD", None) == "alpha beta deployed"
    commit(root)
    assert since(root, "HEAD~1") == "alpha beta deployed"


def test_without_a_head_uncommitted_changes_count(root: Path) -> None:
    (root / ".gitignore").write_text("build/\n")
    commit(root, "stacks/alpha/stack.py")
    (root / "build").mkdir()
    (root / "build/new.py").touch()
    (root / "LICENSE").touch()
    assert since(root, "HEAD", None) == "Nothing changed."
    (root / "LICENSE").unlink()
    assert since(root, "HEAD", None) == "No component depends on the changed files."
    (root / "stacks/beta/new.py").touch()
    assert since(root, "HEAD", None) == "beta deployed"
    assert since(root, "HEAD~1", None) == "alpha beta shared deployed"


@pytest.mark.parametrize(
    "ref", ["nowhere", "1" * 40, "0" * 40, "", " ", "HEAD..HEAD", "^HEAD", "--output=stolen"]
)
def test_an_unknown_commit_affects_everything(root: Path, ref: str) -> None:
    why = f"Everything: Commit {ref!r} not found. Check the name. In a shallow clone, run "
    why += "`git fetch --unshallow`."
    assert since(root, ref) == since(root, "HEAD", ref) == why
    assert not (root / "stolen").exists()


def test_an_uncertain_merge_base_affects_everything(root: Path) -> None:
    def branch(name: str, *parents: str) -> None:
        options = [word for parent in parents for word in ("-p", parent)]
        new = git(root, "commit-tree", "HEAD^{tree}", *options, "-m", name)
        git(root, "branch", name, new)

    branch("left", "main")
    branch("right", "main")
    branch("ours", "left", "right")
    branch("crossing", "right", "left")
    branch("unrelated")
    why = "Everything: The merge base with"
    assert since(root, "crossing", "ours").startswith(why)
    assert since(root, "unrelated").startswith(why)
    pushed = commit(root, "stacks/alpha/stack.py")
    git(root, "reset", "--quiet", "--hard", "HEAD~1")
    commit(root, "stacks/beta/stack.py")
    assert since(root, pushed).startswith(f"{why} {pushed!r} is uncertain, for example after a")


def test_a_shallow_clone_affects_everything_unless_it_holds_the_base(root: Path) -> None:
    before = git(root, "rev-parse", "HEAD")
    commit(root, "uv.lock")
    commit(root, "stacks/alpha/stack.py")
    shallow = root.parent / "clone"
    git(root, "clone", "--quiet", "--no-local", "--depth=2", ".", str(shallow))
    assert since(shallow, "HEAD~1") == "alpha deployed"
    assert "not found. Check the name. In a shallow clone, run `git fetch" in since(shallow, before)
    git(shallow, "fetch", "--quiet", "--depth=1", "origin", before)
    assert since(shallow, before).startswith("Everything: A shallow clone may hide the merge base")


def test_git_uses_no_other_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = root / "inner"
    inner.mkdir()
    assert since(inner, "HEAD").startswith("Everything: git rev-parse: fatal: not a git repository")
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    commit(root, "stacks/alpha/stack.py")
    # Git hooks set such variables.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other / ".git"))
    assert since(root, "HEAD~1", None) == "alpha deployed"


def test_files_are_read_from_a_commit_or_the_working_tree(root: Path) -> None:
    file = root / "stacks/alpha/ü.bin"
    file.write_bytes(b"\xff\r\n")
    commit(root)
    file.write_bytes(b"new")
    for head, content in (("HEAD", b"\xff\r\n"), (None, b"new")):
        found = read_files(root, head, "stacks/alpha")
        assert found.keys() == {f"stacks/alpha/{name}" for name in ("app.py", "stack.py", "ü.bin")}
        assert found["stacks/alpha/ü.bin"] == content


def test_json_is_one_line_with_the_keys_that_ci_reads(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(root, "stacks/alpha/stack.py")
    assert affected.main(["--base=HEAD~1", "--head=HEAD", "--json"], root) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    found = json.loads(line)
    assert found.pop("why").startswith("deployed system: ")
    assert found.pop("deploys") == [{"environment": DEFAULT_ENVIRONMENT, "assembly": "cdk.out"}]
    assert found == {"stacks": ["alpha"], "shared": False, "deployable": True}


def test_the_name_of_a_file_that_is_not_utf_8_is_printed_with_an_escape(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(root, f"stacks/alpha/{os.fsdecode(b'\xff')}")
    assert affected.main(["--base=HEAD~1"], root) == 0
    assert "alpha: stacks/alpha/\\udcff\n" in capsys.readouterr().out


def test_the_default_base_is_origin_main_or_else_main(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "stacks/alpha/stack.py")
    assert affected.main([], root) == 0
    assert capsys.readouterr().out.startswith("deployed system: stacks/alpha/stack.py\n")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert affected.main([], root) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"


def test_the_environments_are_a_json_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert affected.main(["--environments"]) == 0
    assert json.loads(capsys.readouterr().out) == environments()
