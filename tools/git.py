"""Read the changes since a base, and the files of a commit, from git.

Paths are relative to the repository's root. All functions raise `UserError` when git fails.
"""

import os
import subprocess
from pathlib import Path

from tools.console import UserError

# Git hooks set these variables, which redirect git to another repository.
REDIRECTS = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
}


class NoMergeBaseError(UserError):
    """The merge base is unknown; the message contains the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, 2)


def commit(root: Path, ref: str) -> str:
    """The id of the commit that `ref` names, or an empty string."""
    if ref.startswith("-"):
        raise UserError(f"{ref!r} is not a git ref: a ref cannot begin with a dash.", 2)
    _git(root, "rev-parse", "--git-dir")  # raises if `root` is not a repository
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False)
    return found.strip() if found.strip().isalnum() else ""  # not for a range or ^ref


def default_base(root: Path) -> str:
    """`origin/main`, or `main` in a repository without that branch."""
    return "origin/main" if commit(root, "origin/main") else "main"


def merge_base(root: Path, base: str, head: str) -> str:
    """The id of the merge base of `base` and `head`; raises `NoMergeBaseError` if unknown."""
    if not base.strip("0"):
        raise NoMergeBaseError("no base was given (the first push of a branch?)")
    start = commit(root, base)
    if not start:
        raise NoMergeBaseError(f"base {base!r} not found (misspelt, a force push, shallow clone?)")
    found = _git(root, "merge-base", "--all", start, head, check=False).split()
    if found == [start]:
        return start
    if _git(root, "rev-parse", "--is-shallow-repository") == "true\n":
        raise NoMergeBaseError(f"a shallow clone may hide the commits shared with base {base!r}")
    if len(found) != 1:
        raise NoMergeBaseError(f"the history has {len(found)} merge bases with {base!r}, not one")
    # A branch may have new commits. But a commit id outside the history indicates a force push.
    if start.startswith(base.lower()):
        raise NoMergeBaseError(f"base {base!r} is not in the history (a force push?)")
    return found[0]


def changed(root: Path, start: str, head: str | None) -> set[str]:
    """The paths that differ between two commits, or between `start` and the working tree.

    Untracked files of the working tree count unless they are ignored.
    """
    # --no-renames overrides the user's settings: both paths of a rename count.
    options = ("--name-only", "-z", "--no-renames", "--ignore-submodules=none")
    listed = _git(root, "diff", *options, start, *filter(None, [head]), "--")
    if head is None:
        listed += _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return set(filter(None, listed.split("\0")))


def read_files(root: Path, head: str | None, below: str) -> dict[str, bytes]:
    """The files below a folder, by path, in the commit `head` or in the working tree."""
    if head is None:
        files = [file for file in (root / below).rglob("*") if file.is_file()]
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", head, "--", below)
    return {
        path: os.fsencode(_git(root, "cat-file", "blob", f"{head}:{path}"))
        for path in listed.split("\0")
        if path
    }


def _git(root: Path, *arguments: str, check: bool = True) -> str:
    """Run git in the repository `root`, and in no other; bytes that are not UTF-8 are escaped."""
    environment = {key: value for key, value in os.environ.items() if key not in REDIRECTS}
    # Otherwise git would use a repository that contains `root` if `root` is not a repository.
    environment["GIT_CEILING_DIRECTORIES"] = str(root.resolve().parent)
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
    if check and done.returncode:
        raise UserError(f"git {arguments[0]}: {os.fsdecode(done.stderr).strip()}", 2)
    return os.fsdecode(done.stdout)
