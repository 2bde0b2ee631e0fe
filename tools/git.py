"""What changed since a base, and the code as it is now: read from git.

Paths are as git stores them, relative to the repository, whatever characters they hold; what is
not UTF-8 in them is surrogate-escaped.
"""

import io
import os
import subprocess
from pathlib import Path

from tools.console import UserError


class NoMergeBaseError(Exception):
    """It cannot be told where the history left the base; the message says why."""


def commit(root: Path, ref: str) -> str:
    """The id of the commit that `ref` names; empty if there is none.

    Raises `UserError`, as all of these do, where git does not work.
    """
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False)
    name = os.fsdecode(found).strip()
    if name.isalnum():  # unlike what ranges and exclusions (^ref) give
        return name
    _git(root, "rev-parse", "--git-dir")  # for a better word where git does not work at all
    return ""


def merge_base(root: Path, base: str, head: str) -> str:
    """The id of the commit at which `head` left `base`: what came after it is head's own change.

    Raises `NoMergeBaseError` where that is unknown, ambiguous or not to be trusted.
    """
    if not base.strip("0"):
        raise NoMergeBaseError("there is no base to compare with (the first push of a branch?)")
    there = commit(root, base)
    if not there:
        raise NoMergeBaseError(
            f"the base {base!r} is not here (misspelt, a force push or a shallow clone?)"
        )
    found = os.fsdecode(_git(root, "merge-base", "--all", there, head, check=False)).split()
    if found == [there]:
        return there
    if _git(root, "rev-parse", "--is-shallow-repository") == b"true\n":
        raise NoMergeBaseError(f"a shallow clone may hide where the history left {base!r}")
    if len(found) != 1:
        raise NoMergeBaseError(
            f"the history left the base {base!r} at {len(found) or 'no'} commits, not at one"
        )
    # A branch moves on, and what it gained since is no change of ours; a commit id is a fixed point
    # that was checked before, and a history without it has been rewritten.
    if there.startswith(base.lower()):
        raise NoMergeBaseError(f"the base {base!r} is not in the history (a force push?)")
    return found[0]


def changed(root: Path, start: str, head: str | None) -> set[str]:
    """The paths that differ between two commits, or, without `head`, from the working tree.

    What is neither tracked nor ignored counts as changed in the working tree.
    """
    # --no-renames: a rename is a deletion and an addition, so it counts on both sides, whatever
    # the person's settings call similar.
    options = ("--name-only", "-z", "--no-renames", "--ignore-submodules=none")
    listed = _git(root, "diff", *options, start, *filter(None, [head]), "--")
    if head is None:
        listed += _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return {os.fsdecode(path) for path in listed.split(b"\0") if path}


def read_files(root: Path, head: str | None, below: str, suffix: str) -> dict[str, bytes]:
    """The files of a commit, or, without `head`, of the working tree, by path.

    Those in the folder `below`, however deep, whose names end with `suffix`.
    """
    if head is None:
        others = ("--cached", "--others", "--exclude-standard")
        listed = _git(root, "ls-files", "-z", *others, "--", below)
        paths = {path for path in listed.split(b"\0") if path.endswith(os.fsencode(suffix))}
        files = {os.fsdecode(path): root / os.fsdecode(path) for path in paths}
        return {path: file.read_bytes() for path, file in files.items() if file.is_file()}
    # Each entry is "<mode> <type> <id>\t<path>"; modes 100… are files.
    entries = [
        entry.split(b"\t", 1)
        for entry in _git(root, "ls-tree", "-r", "-z", head, "--", below).split(b"\0")
        if entry.startswith(b"100") and entry.endswith(os.fsencode(suffix))
    ]
    ids = b"".join(b"%s\n" % entry.split()[2] for entry, _ in entries)
    contents = io.BytesIO(_git(root, "cat-file", "--batch", stdin=ids))
    found = {}
    for _, path in entries:
        # Each is "<id> <type> <size>\n<content>\n".
        size = int(contents.readline().split()[2])
        found[os.fsdecode(path)] = contents.read(size)
        contents.readline()
    return found


def _git(root: Path, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        input=stdin,
        capture_output=True,
        check=False,
    )
    if check and done.returncode:
        raise UserError(f"git {arguments[0]}: {os.fsdecode(done.stderr).strip()}", 2)
    return done.stdout
