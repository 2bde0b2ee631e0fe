"""Output for the user: steps, and the job summary on GitHub Actions."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# With FORCE_COLOR, rich assumes a terminal and would write spinner frames to a log. A log's width
# leaves names and ARNs on one line, so that they can be copied.
_IS_TERMINAL = sys.stdout.isatty()
console = Console(
    highlight=False, force_interactive=_IS_TERMINAL, width=None if _IS_TERMINAL else 200
)
_stderr = Console(highlight=False, stderr=True)


def is_interactive() -> bool:
    """Whether stdin and stdout are a terminal, so that the user can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(what: str | Text | Table, style: str | None = None, *, stderr: bool = False) -> None:
    """Print a table, or text without markup and line breaks, so that commands can be copied."""
    chosen = _stderr if stderr else console
    chosen.print(what, style=style, markup=False, soft_wrap=not isinstance(what, Table))


@contextmanager
def waiting(step: str) -> Iterator[None]:
    """Show that `step` is in progress: a spinner on a terminal, otherwise one line."""
    if console.is_interactive:
        with console.status(step):
            yield
    else:
        say(f"{step} …")
        yield


def summarize(*parts: str | Table) -> None:
    """Add text and tables, as Markdown, to the GitHub Actions job summary.

    Does nothing outside a job. Changes the tables' style.
    """
    if "GITHUB_STEP_SUMMARY" not in os.environ:
        return
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a") as file:
        summary = Console(file=file, width=10_000, color_system=None)
        for part in parts:
            if isinstance(part, Table):
                part.box = box.MARKDOWN
                part.title = None
                for row in part.rows:
                    row.end_section = False
            summary.print(part, "", sep="\n", markup=False, highlight=False, emoji=False)
