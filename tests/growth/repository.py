"""A copy of this repository, in which a walk runs commands as a developer does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.project import ROOT

# Settings that a user may have, and that must change nothing.
SETTINGS = {
    "AWS_PROFILE": "nobody",
    "AWS_REGION": "xx-nowhere-1",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
    "COLUMNS": "40",
    "FORCE_COLOR": "1",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "color.ui",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_CONFIG_KEY_1": "commit.gpgsign",
    "GIT_CONFIG_VALUE_1": "true",
    "LC_ALL": "C",
    "NOX_DEFAULT_VENV_BACKEND": "uv",
    "PYTEST_ADDOPTS": "--collect-only",
    "PYTHONOPTIMIZE": "1",
    "TERM": "dumb",
    "TZ": "Pacific/Auckland",
    "npm_config_min_release_age": "9999",
}


def run(folder: Path, *command: str, status: int = 0) -> str:
    """Run a command with the copy's project environment; show and return its output.

    Exits unless the command ends with `status`.
    """
    print(f"\n$ uv run {' '.join(command)}", flush=True)
    output = ""
    with subprocess.Popen(
        ["uv", "run", *command],
        cwd=folder,
        env=clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            output += line
    if process.returncode != status:
        sys.exit(f"Ended with status {process.returncode}: uv run {' '.join(command)}")
    return output


def clean() -> dict[str, str]:
    """The variables of a new shell, with `SETTINGS`."""
    # This repository's project environment is not the copy's.
    dropped = ("UV", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV", "PYTHONPATH", "WEALTH_OPS_CLOUD")
    return {key: value for key, value in os.environ.items() if key not in dropped} | SETTINGS


def git(folder: Path, *command: str) -> str:
    """What git prints in a folder."""
    return subprocess.check_output(["git", *command], cwd=folder, text=True)


def copy_repository(folder: Path) -> Path:
    """A git repository with the files of this one, as they are in its working tree."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():  # not deleted
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Foundation")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit every file."""
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody", "-c", "commit.gpgsign=false")
    git(folder, "add", "--all")
    git(folder, *author, "commit", "--quiet", "--message", message)
