"""The sessions and files in the documents exist, and README names the limits of the local cloud."""

import re
import subprocess
import sys

from tests.support import NOT_APPLIED_SENTENCE
from tools.project import ROOT

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]


def test_every_session_that_a_document_names_exists() -> None:
    nox = [sys.executable, "-m", "nox", "--list"]
    listed = subprocess.run(nox, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sessions = re.findall(r"^[*-] (\w+)", listed, re.MULTILINE)
    commands = re.findall("nox -s ([^`\n]+)", "\n".join(path.read_text() for path in DOCUMENTS))
    named = [re.sub(r'"|\(.*?\)', "", command.partition(" --")[0]) for command in commands]
    assert set(" ".join(named).split()) - set(sessions) == set()


def test_every_file_of_the_layout_exists() -> None:
    layout = README.read_text().partition("## Layout")[2].split("```")[1]
    paths = [line.split()[0].replace("<domain>", "*") for line in layout.splitlines() if line]
    assert [path for path in paths if not any(ROOT.glob(path))] == []


def test_the_readme_names_the_properties_that_the_local_cloud_does_not_apply() -> None:
    assert NOT_APPLIED_SENTENCE in " ".join(README.read_text().split())
