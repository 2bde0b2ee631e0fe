"""What the documents name exists: sessions, files, links; and their examples are valid."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.guard.snapshots import FOLDER
from tools.project import ROOT

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
# A decision record names the files that existed on its day.
CURRENT = [path for path in DOCUMENTS if path.parent.name != "decisions"]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


@cache
def sessions() -> set[str]:
    """All nox session names, without parameters."""
    nox = [sys.executable, "-m", "nox", "--list", "--nocolor"]
    variables = {key: value for key, value in os.environ.items() if not key.startswith("NOX")}
    done = subprocess.run(nox, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return {*re.findall(r"^[*-] (\w+)", done.stdout, re.MULTILINE)}


def blocks(document: Path, language: str) -> list[str]:
    """A document's code blocks in one language."""
    found = FENCE.findall(document.read_text())
    return [dedent(code) for _, kind, code in found if kind == language]


def prose(document: Path) -> str:
    """A document's text without its code blocks."""
    return FENCE.sub("", document.read_text())


def commands(document: Path) -> list[str]:
    """A document's commands: lines in console blocks, and code within the text."""
    console = "".join(blocks(document, "console"))
    return re.findall(r"^\$ (.+)", console, re.MULTILINE) + re.findall(
        r"`([^`]+)`", prose(document)
    )


def named_sessions(command: str) -> list[str]:
    """The sessions that `nox -s` runs in a command, without parameters."""
    found = []
    for part in re.findall(r"nox -s ([^|&;]+)", command):
        names = shlex.split(part.partition(" -- ")[0])
        found += [name.partition("(")[0] for name in names if not name.startswith("-")]
    return found


def test_the_sessions_of_a_command_are_found() -> None:
    assert named_sessions("uv run nox -s synth deploy") == ["synth", "deploy"]
    assert named_sessions('a && nox -s "synth(prod)" && b') == ["synth"]
    assert named_sessions("nox -s deploy -- --to local StorageStack") == ["deploy"]
    assert named_sessions("uv run nox") == named_sessions("nox -t storage") == []


@each_document
def test_every_session_that_a_document_names_exists(document: Path) -> None:
    named = {name for command in commands(document) for name in named_sessions(command)}
    assert named - sessions() == set()


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    folders = "apps|docs|snapshots|src|stacks|tests|tools|\\.github"
    paths = re.findall(rf"`((?:{folders})/[\w./-]+\.\w+)`", prose(document))
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_file_of_the_layout_exists() -> None:
    layout = README.read_text().partition("## Layout")[2].split("```")[1]
    names = [line.split()[0] for line in layout.splitlines() if line]
    patterns = [re.sub(r"<\w+>", "*", name) for name in names]
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading).lower() for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@each_document
def test_every_link_leads_to_a_file_and_heading(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        # ../../actions is a repository page on GitHub.
        if re.match(r"\w+:|\.\./\.\./actions/", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_every_heading_that_a_command_prints_exists() -> None:
    sources = "".join(path.read_text() for path in ROOT.glob("tools/**/*.py"))
    # The formatter may break a link into two texts.
    named = set(re.findall(r'(docs/[\w/-]+\.md)(?:"\s*f?")?#([\w-]+)', sources))
    assert [link for link in named if link[1] not in anchors(ROOT / link[0])] == []


@each_document
def test_every_python_example_compiles(document: Path) -> None:
    for code in blocks(document, "python"):
        compile(code, str(document), "exec")


def test_the_readme_has_the_commands_for_a_deploy_and_for_the_gate() -> None:
    commands = "".join(blocks(README, "console")).splitlines()
    assert "$ pip install uv && uv run nox -s synth deploy" in commands
    assert "$ pip install uv && uv run nox" in commands
    gate = (ROOT / ".ci" / "run").read_text()
    assert gate.endswith("pip install uv\nuv run nox\n")


def test_the_readme_stays_short() -> None:
    # With the foundation's generated blocks, README has 100 lines.
    generated = r"^<!-- begin (.+) -->\n.*?^<!-- end \1 -->\n"
    written = re.sub(generated, "", README.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert written.count("\n") <= 69, "Move details to a document in docs/, and link it."


def test_the_deployed_table_of_the_readme_names_only_resources_of_the_templates() -> None:
    table = README.read_text().partition("<!-- begin deployed -->")[2].partition("<!--")[0]
    stack, rows = "", []
    for cell in re.findall(r"^\| *\**(\w[^|]*?)\** *\|", table, re.MULTILINE)[1:]:
        if cell.startswith("AWS::"):
            rows.append((stack, cell))
        else:
            stack = cell.split()[0]
    folder = FOLDER / DEFAULT_ENVIRONMENT
    templates = {path.name.partition(".")[0]: path.read_text() for path in folder.iterdir()}
    assert rows
    missing = [row for row in rows if f'"{row[1]}"' not in templates.get(row[0], "")]
    assert missing == [], "Record the table again: uv run python -m tools.docs.picture"


def test_the_picture_shows_nothing_of_the_machine_that_recorded_it() -> None:
    picture = (ROOT / "docs" / "images" / "deploy.svg").read_text()
    assert re.findall(r"/home/|/Users/|/tmp/|127\.0\.0\.1:\d+|localhost:\d+", picture) == []
