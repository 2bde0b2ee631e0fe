"""Record README's picture and table from a real deploy: `python -m tools.docs.picture`.

The deploy runs on a terminal with a fixed width, with a new local cloud and without AWS
credentials.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tools.console import say, waiting
from tools.docs.documents import fill
from tools.errors import UserError, reports_errors
from tools.project import ROOT
from tools.variables import without_aws

COMMAND = ("uv", "run", "nox", "-s", "synth", "deploy")
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "deploy.svg"
TABLE = "deployed"  # README's block with the table
WIDTH = 110


def run(command: Sequence[str], folder: Path) -> tuple[str, str]:
    """A command's output on a terminal, and its job summary. Its local cloud is in `folder`.

    Raises `UserError` with the output if the command fails.
    """
    summary = folder / "summary.md"
    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (50, WIDTH))
    variables = {
        "WEALTH_OPS_CLOUD": str(folder / "cloud"),
        "GITHUB_STEP_SUMMARY": str(summary),
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
    }
    output = b""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=without_aws(os.environ) | variables,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    ) as process:
        os.close(end)
        with suppress(OSError):  # Linux raises EIO when the other end is closed
            while part := os.read(terminal, 4096):
                output += part
    os.close(terminal)
    if process.returncode:
        raise UserError(f"{output.decode()}\n{' '.join(command)} failed; the reason is above.")
    return output.decode(), summary.read_text() if summary.exists() else ""


def shown(output: str) -> str:
    """What a terminal shows in the end: without spinner frames, with colors."""
    lines, row = [""], 0
    for part in re.split(r"(\n|\x1b\[\??[\d;]*[A-Za-z])", output.replace("\r", "")):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part.endswith("K") and part.startswith("\x1b"):  # erase the line
            lines[row] = ""
        elif up := re.fullmatch(r"\x1b\[(\d*)A", part):
            row = max(0, row - int(up[1] or 1))
        elif part.endswith("m") or not part.startswith("\x1b"):
            lines[row] += part
    return "\n".join(lines).rstrip()


def refuse_private(text: str) -> None:
    """Raise `UserError` if the text holds a path on this machine, or a port."""
    private = [str(ROOT), str(Path.home()), tempfile.gettempdir()]
    found = [path for path in private if path in text]
    found += re.findall(r"(?:127\.0\.0\.1|localhost):\d+", text)
    if found:
        raise UserError(
            f"The output holds {found[0]!r}, which belongs to this machine. Change the command "
            "that prints it; the picture would show it."
        )


def svg(command: Sequence[str], text: str) -> str:
    """A picture showing a terminal with a command and its output."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {' '.join(command)}", "bold"))
    console.print(Text.from_ansi(text))
    picture = console.export_svg(title="Wealth-Ops", unique_id="deploy")
    # GitHub loads no web fonts in pictures. Without them, the reader's monospace font is used.
    return re.sub(r" *@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)


def table(summary: str) -> str:
    """The first Markdown table in a job summary, without its padding."""
    found = re.search(r"^\|.*\|\n\|.*\|\n(?:\|.*\|\n)+", summary, re.MULTILINE)
    if found is None:
        raise UserError("The deploy wrote no table to its job summary (GITHUB_STEP_SUMMARY).")
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in found[0].splitlines()]
    rows[1] = ["---"] * len(rows[1])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


@reports_errors
def main(command: Sequence[str] = COMMAND) -> int:
    """Record a deploy in the picture and in README; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        with waiting(f"Running {' '.join(command)} on a new local cloud"):
            output, summary = run(command, Path(folder))
        text, rows = shown(output), table(summary)
    refuse_private(text + rows)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg(command, text), encoding="utf-8", newline="\n")
    readme = fill(README.read_text(encoding="utf-8"), TABLE, rows)
    README.write_text(readme, encoding="utf-8", newline="\n")
    say(f"Recorded in {PICTURE.relative_to(ROOT)} and {README.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
