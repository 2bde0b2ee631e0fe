"""Changes in real git repositories: merge bases, renames, and the working tree."""

import os
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import commit
from tools.ci.affected import affected
from tools.ci.git import read_files

ALPHA, BETA = "tests/alpha/test_stack.py", "tests/beta/test_stack.py"


@pytest.fixture(autouse=True)
def with_tests(root: Path) -> None:
    commit(root, ALPHA, BETA)


def since(root: Path, base: str, head: str | None = "HEAD", *, exact: bool = False) -> str:
    """The affected domains, or the reason if everything or nothing is affected."""
    found = affected(root, base, head, exact=exact)
    names = " ".join(sorted(found.names))
    return found.why if "Everything" in found.why or not names else names


def test_commits_of_the_base_after_the_merge_base_do_not_count(root: Path) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, ALPHA)
    git(root, "switch", "--quiet", "main")
    main = commit(root, BETA)
    assert since(root, "main", "feature") == "alpha"
    assert since(root, main, "feature") == "alpha"  # a branch or an id, with the same result
    assert since(root, "main", "feature", exact=True) == "alpha beta"
    git(root, "merge", "--quiet", "--no-edit", "feature")
    assert since(root, main) == "alpha"  # as GitHub tests a pull request


def test_both_paths_of_a_rename_count_with_any_git_settings(root: Path) -> None:
    for setting in ("diff.renames=copies", "color.ui=always", "core.quotePath=true"):
        git(root, "config", *setting.split("="))
    git(root, "mv", ALPHA, "tests/beta/stäck.py")
    assert since(root, "HEAD", None) == "alpha beta"
    commit(root)
    assert since(root, "HEAD~1") == "alpha beta"


def test_without_a_head_uncommitted_changes_count(root: Path) -> None:
    (root / ".gitignore").write_text("build/\n")
    commit(root, ALPHA)
    (root / "build").mkdir()
    (root / "build/new.py").touch()
    (root / ".editorconfig").touch()
    assert since(root, "HEAD", None) == "Nothing changed."
    (root / ".editorconfig").unlink()
    assert since(root, "HEAD", None) == "No job checks the changed files."
    (root / "tests/beta/new.py").touch()
    assert since(root, "HEAD", None) == "beta"
    assert since(root, "HEAD~1", None) == "alpha beta shared"  # with .gitignore


@pytest.mark.parametrize(
    "ref", ["nowhere", "1" * 40, "0" * 40, "", " ", "HEAD..HEAD", "^HEAD", "--output=stolen"]
)
@pytest.mark.parametrize("exact", [False, True])
def test_an_unknown_commit_affects_everything(root: Path, ref: str, exact: bool) -> None:
    why = f"Everything: Commit {ref!r} not found. Check the name. In a shallow clone, run "
    why += "`git fetch --unshallow`."
    assert since(root, ref, exact=exact) == since(root, "HEAD", ref, exact=exact) == why
    assert not (root / "stolen").exists()


def test_a_base_without_a_common_commit_affects_everything(root: Path) -> None:
    new = git(root, "commit-tree", "HEAD^{tree}", "-m", "unrelated")
    git(root, "branch", "unrelated", new)
    why = "Everything: 'unrelated' and 'HEAD' share no commit. Use another base."
    assert since(root, "unrelated", None) == why
    assert since(root, "unrelated", exact=True) == "Nothing changed."


def test_a_shallow_clone_affects_everything_unless_it_holds_the_base(root: Path) -> None:
    before = git(root, "rev-parse", "HEAD")
    commit(root, BETA)
    commit(root, ALPHA)
    shallow = root.parent / "clone"
    git(root, "clone", "--quiet", "--no-local", "--depth=2", ".", str(shallow))
    assert since(shallow, "HEAD~1") == "alpha"
    assert "not found. Check the name. In a shallow clone, run `git fetch" in since(shallow, before)
    git(shallow, "fetch", "--quiet", "--depth=1", "origin", before)
    assert "share no commit" in since(shallow, before)


def test_git_uses_no_other_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = root / "inner"
    inner.mkdir()
    assert since(inner, "HEAD").startswith("Everything: git rev-parse: fatal: not a git repository")
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    commit(root, ALPHA)
    # Git hooks set such variables.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other / ".git"))
    assert since(root, "HEAD~1", None) == "alpha"


def test_files_are_read_from_a_commit_or_the_working_tree(root: Path) -> None:
    file = root / "stacks/alpha/ü.bin"
    file.write_bytes(b"\xff\r\n")
    commit(root)
    file.write_bytes(b"new")
    for head, content in (("HEAD", b"\xff\r\n"), (None, b"new")):
        found = read_files(root, head, "stacks/alpha")
        assert found.keys() == {f"stacks/alpha/{name}" for name in ("app.py", "stack.py", "ü.bin")}
        assert found["stacks/alpha/ü.bin"] == content


def test_a_file_name_that_is_not_printable_is_shown_with_escapes(root: Path) -> None:
    commit(root, f"tests/alpha/{os.fsdecode(b'\xff')}\n")
    assert affected(root, "HEAD~1", "HEAD").why == "alpha: 'tests/alpha/\\udcff\\n'"
