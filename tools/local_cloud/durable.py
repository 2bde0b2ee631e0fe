"""Files that are whole even after a power cut."""

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `path` so that at any time it is either as it was or holds all of `content`."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    sync(new)
    new.rename(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the file or folder (its list of names) is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
