"""A disk that is full: a small one of the round's own, on which all that is free is taken."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random

from tests.faults.moments import ANY, reach
from tests.faults.round import SERVER, FaultError, Round

DISK = "size=32m,nr_inodes=3000"
FILLER = "filler"
# How many bytes are left, or room for no further file.
LEFT = {"0 bytes": 0, "4 KiB": 2**12, "16 KiB": 2**14, "64 KiB": 2**16, "no file": None}
# What a deploy may say that could not do all of it, or not save it.
CLEAR = ("could not be saved", "is the disk full?", "No space left", "The deploy failed", "lost")


def full_disk(round_: Round, random: Random, assembly: str) -> str:
    """No room from a random moment on: what cannot be saved must be said, and nothing else lost."""
    left = random.choice(sorted(LEFT))
    with small_disk(round_.cloud) as mounted:
        if early := mounted and random.random() < 0.2:
            fill(round_.cloud, LEFT[left])
        deploy = round_.start("deploy", assembly)
        moment = "from the start" if early else reach(deploy, random, ANY)
        if not mounted:
            limit(round_, LEFT[left] or 0)
        elif not early:
            fill(round_.cloud, LEFT[left])
        status, said = deploy.wait(), deploy.said()
        shutil.rmtree(round_.cloud / FILLER, ignore_errors=True)
    if "Traceback" in said or (status and not any(words in said for words in CLEAR)):
        raise FaultError(f"the deploy ended with {status}, and does not say why:\n{said}")
    if not status:
        round_.check_done(assembly)
    how = "" if mounted else " by RLIMIT_FSIZE (no disk can be mounted here)"
    return f"{left} left{how} {moment}, status {status}"


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Keep `folder` on a disk of its own; yields whether there is one, for which it takes root."""
    kept = folder.rename(folder.with_name("kept"))
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(folder))
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield mounted
        shutil.rmtree(kept)
        shutil.copytree(folder, kept)
    finally:
        if mounted:
            # Lazily: after a failure, a process may still be at work there.
            subprocess.run(("umount", "--lazy", str(folder)), check=True)
    shutil.rmtree(folder)
    kept.rename(folder)


def fill(folder: Path, left: int | None) -> None:
    """Take what is free on the disk of `folder` but for `left` bytes, or else all its files."""
    filler, number = folder / FILLER, count()
    with suppress(OSError):
        filler.mkdir()
        while left is None:
            (filler / str(next(number))).touch()
        with (filler / "bytes").open("wb") as file:
            disk = os.statvfs(folder)
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left)


def limit(round_: Round, size: int) -> None:
    """Let no file of the server's grow beyond `size` any more: nearly what a full disk does."""
    for process in round_.processes(SERVER):
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
