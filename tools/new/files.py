"""Render files from templates, and write them only if all are new."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from tools.ci import git
from tools.errors import UserError
from tools.project import ROOT

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, values: Mapping[str, str]) -> dict[str, str]:
    """The files of a folder in templates/, by path; names and texts may contain `$domain`."""
    folder = TEMPLATES / template
    return {
        Template(str(path.relative_to(folder))).substitute(values).removesuffix(".in"): Template(
            path.read_text()
        ).substitute(values)
        for path in sorted(folder.rglob("*.in"))
    }


def write(files: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """Write new files, and changed files that exist.

    Raises `UserError` before anything is written if a new file exists.
    """
    for path in files:
        if (ROOT / path).exists():
            raise UserError(f"{path} already exists. Nothing was written. Choose another name.")
    for path, text in {**files, **changed}.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    # The order of imports and the length of lines depend on names.
    code = [path for path in (*files, *changed) if path.endswith(".py")]
    for command in (["check", "--select=I", "--fix-only"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet"]
        subprocess.run([*ruff, *code], cwd=ROOT, check=True)
    git.track(ROOT, files)  # a bundle holds only files that git knows
