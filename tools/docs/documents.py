"""The generated blocks in the documents.

Two comments, each on its own line, enclose a block: `<!-- begin NAME -->` and `<!-- end NAME -->`.
The block `diagram <environment>` holds an environment's diagram: `nox -s snapshots` draws it, and
`nox -s guard` and the tests for apps/ find a stale one.
"""

import re
from pathlib import Path

from tools.docs.diagram import draw
from tools.errors import UserError

_BLOCK = re.compile(r"^(<!-- begin (.+) -->\n).*?^(<!-- end \2 -->)$", re.DOTALL | re.MULTILINE)
_DIAGRAM = "diagram "


def fill(text: str, name: str, content: str) -> str:
    """`text` with `content` in its blocks called `name`."""
    return _BLOCK.sub(
        lambda found: f"{found[1]}{content}\n{found[3]}" if found[2] == name else found[0], text
    )


def write_diagrams(snapshots: Path) -> None:
    """Draw the diagrams in the documents beside the folder `snapshots`.

    Raises `UserError` for a diagram whose environment has no templates.
    """
    for path, text in _outdated(snapshots).items():
        path.write_text(text, encoding="utf-8", newline="\n")


def check_diagrams(snapshots: Path) -> None:
    """Raise `UserError` for a diagram that differs from the snapshots, as `write_diagrams` does."""
    for path in _outdated(snapshots):
        raise UserError(
            f"{path.relative_to(snapshots.parent)}: a diagram differs from {snapshots.name}. Draw "
            "it again with `uv run nox -s snapshots`."
        )


def _outdated(snapshots: Path) -> dict[Path, str]:
    """The new text for each document whose diagrams differ from the snapshots."""
    root, found = snapshots.parent, {}
    for path in [*root.glob("README.md"), *sorted(root.glob("docs/**/*.md"))]:
        text = old = path.read_text(encoding="utf-8")
        for _, name, _ in _BLOCK.findall(old):
            if not name.startswith(_DIAGRAM):
                continue
            folder = snapshots / name.removeprefix(_DIAGRAM)
            if not any(folder.glob("*.template.json")):
                raise UserError(
                    f"{path.relative_to(root)}: the block {name!r} names an environment without "
                    f"templates in {snapshots.name}. Remove the block or name another environment."
                )
            text = fill(text, name, draw(folder))
        if text != old:
            found[path] = text
    return found
