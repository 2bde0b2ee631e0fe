"""A copy in an unusual place is synthesized, with a new HOME and an unusual terminal."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.quick_app import quick_app
from tools.project import ROOT

CODE = """
from tools.cdk_cli.synth import synthesize_all
from tools.console import say, waiting
with waiting("Synthesizing"):
    say(str(synthesize_all(["dev"])["dev"]))
"""


def test_a_copy_of_the_repository_is_synthesized(tmp_path: Path) -> None:
    path = tmp_path / "a 'path' with $ and ü"
    for name in ("apps", "stacks", "tools"):
        ignored = shutil.ignore_patterns("__pycache__", "*.lock")
        shutil.copytree(ROOT / name, path / name, ignore=ignored)
    shutil.copy(ROOT / "cdk.json", path)
    (path / "apps/dev/app.py").write_text(quick_app("dev"))
    copy = tmp_path / "a link"
    copy.symlink_to(path)

    home = {"HOME": str(tmp_path / "new/home"), "PYTHONPATH": str(copy)}
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=copy,
        env={**os.environ, **home, **terminal},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Neither colors nor spinner frames in a log.
    assembly = path / "build/synth/dev"
    assert done.stdout == f"Synthesizing …\n{assembly}\n"
    assert (assembly / "One.template.json").exists()
