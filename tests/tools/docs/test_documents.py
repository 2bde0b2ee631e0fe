"""The diagrams in the documents follow the snapshots; other text stays the same."""

import json
from pathlib import Path

import pytest

from tools.docs.documents import check_diagrams, fill, write_diagrams
from tools.errors import UserError

BLOCK = "<!-- begin diagram dev -->\nold\n<!-- end diagram dev -->"
OTHER = "<!-- begin deployed -->\nkept\n<!-- end deployed -->"


@pytest.fixture
def snapshots(tmp_path: Path) -> Path:
    """An environment's snapshots, beside documents."""
    folder = tmp_path / "snapshots"
    (folder / "dev").mkdir(parents=True)
    (folder / "dev/AStack.template.json").write_text(json.dumps({"Resources": {}}))
    (tmp_path / "docs/more").mkdir(parents=True)
    for name in ("README.md", "docs/more/dev.md", "NOTES.md"):
        (tmp_path / name).write_text(f"a\n{BLOCK}\nb\n{OTHER}\n")
    (tmp_path / "docs/plain.md").write_text("no block")
    return folder


def test_the_blocks_of_a_name_are_filled() -> None:
    text = f"a\n{BLOCK}\nb\n{BLOCK}\n{OTHER}\n"
    assert fill(text, "deployed", "new\\1") == text.replace("kept", "new\\1")
    assert fill(text, "diagram dev", "new") == text.replace("old", "new")


@pytest.mark.parametrize("text", [BLOCK.replace("end diagram", "end"), BLOCK.replace("\n", " ")])
def test_a_block_without_its_two_lines_is_text(text: str) -> None:
    assert fill(text, "diagram dev", "new") == text


def test_diagrams_are_written_into_readme_and_docs(snapshots: Path) -> None:
    with pytest.raises(UserError, match=r"^README.md: a diagram differs from snapshots. Draw it"):
        check_diagrams(snapshots)
    write_diagrams(snapshots)
    root = snapshots.parent
    drawn = (root / "README.md").read_text()
    assert drawn == (root / "docs/more/dev.md").read_text()
    assert 'subgraph AStack["AStack"]; end\n```\n<!-- end diagram dev -->\nb\n' in drawn
    assert OTHER in drawn
    assert BLOCK in (root / "NOTES.md").read_text()
    check_diagrams(snapshots)


def test_line_endings_of_windows_are_no_difference(snapshots: Path) -> None:
    write_diagrams(snapshots)
    readme = snapshots.parent / "README.md"
    readme.write_bytes(readme.read_bytes().replace(b"\n", b"\r\n"))
    check_diagrams(snapshots)


def test_a_block_of_an_unknown_environment_is_an_error(snapshots: Path) -> None:
    (snapshots / "dev/AStack.template.json").unlink()
    with pytest.raises(UserError, match=r"README.md: the block 'diagram dev' names an environment"):
        write_diagrams(snapshots)
