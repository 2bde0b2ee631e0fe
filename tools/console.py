"""What the tools say to a person: progress, and errors that say what to do."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Longer than this without a word, and a person wonders whether it still works.
PATIENCE = 3.0
# The seconds after which it is asked again whether a command is in vain.
LOOK = 0.5

# A log has no width to keep to: names and ARNs are for copying.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
errors = Console(highlight=False, stderr=True)


class UserError(Exception):
    """Something that the person can put right: what is wrong, why, and what to do."""

    def __init__(self, message: str, status: int = 1) -> None:
        """Exit with `status` after printing `message`."""
        super().__init__(message)
        self.status = status


def reports_errors[**P](main: Callable[P, int]) -> Callable[P, int]:
    """Make `main`, which returns an exit status, print a `UserError` and return its status."""

    @wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except UserError as error:
            # Not wrapped, so that a command in the message can be copied.
            errors.print(str(error), style="red", markup=False, soft_wrap=True)
            return error.status

    return wrapped


class Pulse:
    """Knows when something was last said."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def beat(self) -> None:
        """Something was said just now."""
        self.last = time.monotonic()


def summarize(*parts: str | Table) -> None:
    """Add text and tables, as Markdown, to the summary that a job of GitHub Actions shows.

    Does nothing elsewhere. A table is changed by it.
    """
    if "GITHUB_STEP_SUMMARY" not in os.environ:
        return
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a") as file:
        summary = Console(file=file, width=10_000, color_system=None)
        for part in parts:
            if isinstance(part, Table):
                part.box, part.title = box.MARKDOWN, None
                for row in part.rows:
                    row.end_section = False
            summary.print(part, "", sep="\n", markup=False, highlight=False, emoji=False)


@contextmanager
def waiting(what: str) -> Iterator[Pulse]:
    """Show that `what` is under way: a spinner on a terminal, else a line every few seconds."""
    pulse = Pulse()
    if console.is_terminal:
        with console.status(what):
            yield pulse
        return
    console.print(f"{what} …", markup=False)
    done = threading.Event()
    start = time.monotonic()

    def tick() -> None:
        while not done.wait(max(0, pulse.last + PATIENCE - time.monotonic())):
            if time.monotonic() >= pulse.last + PATIENCE:
                console.print(f"  … {time.monotonic() - start:.0f} s")
                pulse.beat()

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield pulse
    finally:
        done.set()
        ticker.join()


def stream(
    what: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    in_vain: Callable[[], bool] = lambda: False,
) -> tuple[int, str]:
    """Run `command` with its output shown as it comes; return its exit status and that output.

    The command is in this process's group, so a Ctrl-C reaches it too; whatever else ends this
    process early ends the command first. The command is ended, too, as soon as it is `in_vain`.
    """
    colour = {"FORCE_COLOR": "1"} if console.is_terminal else {}
    lines = []
    with (
        waiting(what) as pulse,
        Popen(
            command, env={**environment, **colour}, stdout=PIPE, stderr=STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        over = threading.Event()

        def watch() -> None:
            while not in_vain():
                if over.wait(LOOK):
                    return
            process.terminate()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            for line in process.stdout:
                console.print(Text.from_ansi(line.rstrip("\n")), soft_wrap=True)
                pulse.beat()
                lines.append(Text.from_ansi(line).plain)
        except BaseException:
            process.terminate()
            raise
        finally:
            over.set()
            watcher.join()
    return process.returncode, "".join(lines)
