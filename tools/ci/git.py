"""Read the changes since a base, and a commit's files, from git.

Paths are relative to the repository's root. All functions raise `UserError` when git fails.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tools.errors import UserError


def commit(root: Path, ref: str) -> str:
    """The commit id that `ref` names; raises `UserError` if not found."""
    try:
        name = f"{ref}^{{commit}}"
        return _git(root, "rev-parse", "--verify", name).strip()
    except UserError as error:
        raise UserError(
            f"Commit {ref!r} not found. Check the name. In a shallow clone, run `git fetch "
            f"--unshallow`. ({error})"
        ) from error


def default_base(root: Path) -> str:
    """`origin/main`, or `main` in a repository without that branch."""
    ref = "refs/remotes/origin/main"
    return "origin/main" if _git(root, "for-each-ref", ref) else "main"


def merge_base(root: Path, base: str, head: str) -> str:
    """The id of the newest commit that `base` and `head` share, as in `git diff base...head`."""
    # Without a shared commit, git prints nothing and fails.
    ids = (commit(root, base), commit(root, head))
    found = _git(root, "merge-base", *ids, check=False).strip()
    if not found:
        raise UserError(f"{base!r} and {head!r} share no commit. Use another base.")
    return found


def start(root: Path, base: str, *, exact: bool = False) -> str:
    """The id of the commit with which HEAD is compared: where it left `base`, or `base` itself."""
    return commit(root, base) if exact else merge_base(root, base, "HEAD")


def changed(root: Path, start: str) -> set[str]:
    """The paths that differ between a commit and the working tree; untracked files count too."""
    # --no-renames overrides the user's settings: both paths in a rename count.
    listed = _git(root, "diff", "--name-only", "-z", "--no-renames", start, "--")
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


def switch(root: Path, to: str) -> None:
    """Check out the commit `to`, without a branch."""
    _git(root, "switch", "--quiet", "--detach", to)


def track(root: Path, paths: Iterable[str]) -> None:
    """Let git know new files without staging their content; outside a checkout, do nothing."""
    if (root / ".git").exists():  # not an archive of the files
        _git(root, "add", "--intent-to-add", "--", *paths)


def _git(root: Path, *arguments: str, check: bool = True) -> str:
    """Run git in the repository `root`; bytes that are not UTF-8 are escaped."""
    # In no other repository, which may contain `root` or be set by the variables of a git hook.
    command = ["git", f"--git-dir={root / '.git'}", f"--work-tree={root}", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if check and done.returncode:
        raise UserError(f"git {arguments[0]}: {os.fsdecode(done.stderr).strip()}")
    return os.fsdecode(done.stdout)
