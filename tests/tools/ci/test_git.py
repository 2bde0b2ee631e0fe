"""Changes in real git repositories: merge bases, renames, and the working tree."""

import os
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import commit
from tools.ci.affected import since
from tools.ci.git import read_files

ALPHA, BETA = "tests/alpha/test_stack.py", "tests/beta/test_stack.py"


@pytest.fixture(autouse=True)
def with_tests(root: Path) -> None:
    commit(root, ALPHA, BETA)


def changed(root: Path, base: str, *, exact: bool = False) -> str:
    """The affected domains, or the reason if everything is affected."""
    found = since(root, base, exact=exact)
    return found.why if "Everything" in found.why else " ".join(sorted(found.names))


def test_commits_of_the_base_after_the_merge_base_do_not_count(root: Path) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, ALPHA)
    git(root, "switch", "--quiet", "main")
    main = commit(root, BETA)
    git(root, "switch", "--quiet", "feature")
    assert changed(root, "main") == "alpha"
    assert changed(root, "main", exact=True) == "alpha beta"
    git(root, "merge", "--quiet", "--no-edit", "main")
    assert changed(root, main) == "alpha"  # as GitHub tests a pull request


def test_both_paths_of_a_rename_count_with_any_git_settings(root: Path) -> None:
    for setting in ("diff.renames=copies", "color.ui=always", "core.quotePath=true"):
        git(root, "config", *setting.split("="))
    git(root, "mv", ALPHA, "tests/beta/stäck.py")
    assert changed(root, "HEAD") == "alpha beta"
    commit(root)
    assert changed(root, "HEAD~1") == "alpha beta"


def test_uncommitted_and_untracked_changes_count_unless_they_are_ignored(root: Path) -> None:
    (root / ".gitignore").write_text("build/\n")
    commit(root)
    (root / "build").mkdir()
    (root / "build/new.py").touch()
    assert changed(root, "HEAD") == ""
    (root / ALPHA).unlink()
    (root / "tests/beta/new.py").touch()
    assert changed(root, "HEAD") == "alpha beta"


@pytest.mark.parametrize("ref", ["nowhere", "0" * 40, "", "HEAD..HEAD", "--output=stolen"])
@pytest.mark.parametrize("exact", [False, True])
def test_an_unknown_commit_affects_everything(root: Path, ref: str, exact: bool) -> None:
    why = f"Everything: Commit {ref!r} not found. Check the name. In a shallow clone, run "
    why += "`git fetch --unshallow`. (git rev-parse: fatal: "
    assert changed(root, ref, exact=exact).startswith(why)
    assert not (root / "stolen").exists()


def test_a_base_without_a_common_commit_affects_everything(root: Path) -> None:
    new = git(root, "commit-tree", "HEAD^{tree}", "-m", "unrelated")
    git(root, "branch", "unrelated", new)
    why = "Everything: 'unrelated' and 'HEAD' share no commit. Use another base."
    assert changed(root, "unrelated") == why
    assert changed(root, "unrelated", exact=True) == ""


def test_git_uses_no_other_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = root / "inner"
    inner.mkdir()
    assert "git rev-parse: fatal: not a git repository" in changed(inner, "HEAD")
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    commit(root, ALPHA)
    # Git hooks set such variables.
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(other / ".git"))
    assert changed(root, "HEAD~1") == "alpha"


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
    assert since(root, "HEAD~1").why == "alpha: 'tests/alpha/\\udcff\\n'"
