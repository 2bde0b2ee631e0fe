"""Changes in real git repositories: merge bases, renames, and the working tree."""

import os
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import commit
from tools.ci.affected import EVERYTHING, since
from tools.ci.git import read_files, track

ALPHA, BETA = "stacks/alpha/stack.py", "stacks/beta/stack.py"


def changed(root: Path, base: str, *, exact: bool = False) -> set[str]:
    return {*since(root, base, exact=exact)}


def test_commits_of_the_base_after_the_merge_base_do_not_count(root: Path) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, ALPHA)
    git(root, "switch", "--quiet", "main")
    main = commit(root, BETA)
    git(root, "switch", "--quiet", "feature")
    assert changed(root, "main") == {ALPHA}
    assert changed(root, "main", exact=True) == {ALPHA, BETA}
    git(root, "merge", "--quiet", "--no-edit", "main")
    assert changed(root, main) == {ALPHA}  # as GitHub tests a pull request


def test_both_paths_of_a_rename_count_with_any_git_settings(root: Path) -> None:
    for setting in ("diff.renames=copies", "color.ui=always", "core.quotePath=true"):
        git(root, "config", *setting.split("="))
    new = os.fsdecode(b"stacks/beta/\xc3\xa4\xff\n.py")  # any bytes
    git(root, "mv", ALPHA, new)
    assert changed(root, "HEAD") == {ALPHA, new}
    commit(root)
    assert changed(root, "HEAD~1") == {ALPHA, new}


def test_uncommitted_and_untracked_changes_count_unless_they_are_ignored(root: Path) -> None:
    (root / ".gitignore").write_text("build/\n")
    commit(root)
    (root / "build").mkdir()
    (root / "build/new.py").touch()
    assert changed(root, "HEAD") == set()
    (root / ALPHA).unlink()
    (root / "stacks/beta/new.py").touch()
    assert changed(root, "HEAD") == {ALPHA, "stacks/beta/new.py"}


@pytest.mark.parametrize("ref", ["nowhere", "0" * 40, "", "HEAD..HEAD", "--output=stolen"])
def test_an_unknown_commit_affects_everything(root: Path, ref: str) -> None:
    for exact in (False, True):
        ((why, names),) = since(root, ref, exact=exact).items()
        assert why.startswith(f"Commit {ref!r} not found. ")
        assert names == EVERYTHING
    assert not (root / "stolen").exists()


def test_a_base_without_a_common_commit_affects_everything(root: Path) -> None:
    new = git(root, "commit-tree", "HEAD^{tree}", "-m", "unrelated")
    git(root, "branch", "unrelated", new)
    why = "'unrelated' and 'HEAD' share no commit. Use another base."
    assert since(root, "unrelated") == {why: EVERYTHING}
    assert since(root, "unrelated", exact=True) == {}


def test_git_uses_no_other_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = root / "inner"
    inner.mkdir()
    (why,) = changed(inner, "HEAD")
    assert "git rev-parse: fatal: not a git repository" in why
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    commit(root, ALPHA)
    # Git hooks set such variables.
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(other / ".git"))
    assert changed(root, "HEAD~1") == {ALPHA}


def test_files_are_read_from_a_commit_or_the_working_tree(root: Path) -> None:
    file = root / "stacks/alpha/ü.bin"
    file.write_bytes(b"\xff\r\n")
    commit(root)
    file.write_bytes(b"new")
    for commit_id, content in (("HEAD", b"\xff\r\n"), (None, b"new")):
        found = read_files(root, commit_id, "stacks/alpha")
        assert found.keys() == {ALPHA, "stacks/alpha/ü.bin"}
        assert found["stacks/alpha/ü.bin"] == content


def test_new_files_are_tracked_without_their_content(root: Path, tmp_path: Path) -> None:
    (root / "new.py").write_text("content")
    track(root, ["new.py"])
    assert git(root, "diff", "--name-only") == "new.py"
    track(tmp_path, ["new.py"])  # a folder without git
