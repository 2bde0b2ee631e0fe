"""README's diagram follows the snapshots; other text stays the same."""

import json
from pathlib import Path

import pytest

from tools.docs.documents import check_diagram, fill, write_diagram
from tools.errors import UserError

BLOCK = "<!-- begin diagram dev -->\nold\n<!-- end diagram dev -->"
OTHER = "<!-- begin deployed -->\nkept\n<!-- end deployed -->"


def test_a_block_is_filled_and_other_text_is_kept() -> None:
    text = f"a\n{BLOCK}\nb\n{OTHER}\n{BLOCK}\n"
    assert fill(text, "deployed", "new\\1") == text.replace("kept", "new\\1")
    assert fill(text, "diagram dev", "new") == text.replace("old", "new")
    assert fill(text, "diagram prod", "new") == text


def test_a_stale_diagram_is_found_and_drawn_again(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots/dev"
    folder.mkdir(parents=True)
    (folder / "AStack.template.json").write_text(json.dumps({"Resources": {}}))
    readme = tmp_path / "README.md"
    readme.write_text(f"a\n{BLOCK}\nb\n")
    with pytest.raises(
        UserError, match=r"README.md: the diagram differs from snapshots/dev\. Draw"
    ):
        check_diagram(folder)
    write_diagram(folder)
    text = readme.read_text()
    assert "subgraph AStack; end\n```\n<!-- end diagram dev -->\nb\n" in text
    readme.write_bytes(text.replace("\n", "\r\n").encode())  # Windows
    check_diagram(folder)
