"""README's generated blocks, each between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`.

The block `diagram <environment>` holds an environment's diagram: `nox -s snapshots` draws it, and
`nox -s guard` and the tests for apps/ find a stale one.
"""

import re
from pathlib import Path

from tools.docs.diagram import draw
from tools.errors import UserError


def fill(text: str, name: str, content: str) -> str:
    """`text` with `content` in its block called `name`, if it has one."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    block = f"{re.escape(begin)}.*?{re.escape(end)}"
    return re.sub(block, lambda _: f"{begin}{content}\n{end}", text, flags=re.DOTALL)


def write_diagram(snapshots: Path) -> None:
    """Draw an environment's diagram in README from its snapshots."""
    readme = snapshots.parents[1] / "README.md"
    if text := _changed(readme, snapshots):
        readme.write_text(text, encoding="utf-8", newline="\n")


def check_diagram(snapshots: Path) -> None:
    """Raise `UserError` for a diagram in README that differs from its snapshots."""
    readme = snapshots.parents[1] / "README.md"
    if _changed(readme, snapshots):
        raise UserError(
            f"{readme.name}: the diagram differs from {snapshots.parent.name}/{snapshots.name}. "
            "Draw it again with `uv run nox -s snapshots`."
        )


def _changed(readme: Path, snapshots: Path) -> str | None:
    """README's new text; None if its diagram is up to date, or if it has none."""
    old = readme.read_text(encoding="utf-8") if readme.exists() else ""
    text = fill(old, f"diagram {snapshots.name}", draw(snapshots))
    return None if text == old else text
