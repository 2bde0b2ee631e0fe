"""Run git in tests."""

import subprocess
from pathlib import Path


def git(folder: Path, *command: str) -> str:
    """Run git in a folder, and return the output. `tests/conftest.py` sets the author."""
    return subprocess.check_output(["git", *command], cwd=folder, text=True).strip()
