"""A copy in an unusual place is synthesized, with a new HOME and any terminal."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.quick_app import quick_app
from tools.project import ROOT


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's code and a quick app, in a path with special characters, behind a link."""
    folder = tmp_path_factory.mktemp("copy")
    path = folder / "a 'path' with $ and ü"
    for name in ("apps", "stacks", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, path / name, ignore=ignored)
    shutil.copy(ROOT / "cdk.json", path)
    (path / "apps/dev/app.py").write_text(quick_app("dev"))
    (folder / "a link").symlink_to(path)
    return folder / "a link"


@pytest.mark.parametrize(
    "terminal",
    [
        {"FORCE_COLOR": "1", "TERM": "xterm"},
        {"NO_COLOR": "1", "TERM": "", "COLUMNS": "10"},  # as without TERM
    ],
)
def test_a_copy_of_the_repository_is_synthesized(
    terminal: dict[str, str], copy: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(copy), "HOME": str(tmp_path / "new/home")}
    done = subprocess.run(
        [sys.executable, "-m", "tools.security", "dev"],
        cwd=copy,
        env=environment | terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    output = done.stdout
    assert (done.returncode, output.splitlines()[-1]) == (0, "dev: One.template.json"), output
    assert (copy / "cdk.out" / "One.template.json").exists()
    for escape in ("\x1b", "\r"):  # no spinner frames in a log
        assert escape not in output
