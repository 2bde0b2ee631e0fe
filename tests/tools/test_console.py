"""Long steps say that they go on, and what a command prints is shown as it comes."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.table import Table

from tools import console
from tools.console import stream, summarize, waiting


def test_a_job_on_github_shows_text_and_tables_as_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def table() -> Table:
        found = Table("Name", "Value", title="Known")
        found.add_row("a", "x" * 300)
        found.add_section()
        found.add_row("b", "2")
        return found

    summarize("Nobody sees this.", table())
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    summarize("### Found :+1:", table())
    summarize("Then")
    lines = (tmp_path / "summary").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    assert cells[0] == ["Name", "Value"]
    assert {*"".join(cells[1])} == {"-"}
    assert cells[2:] == [["a", "x" * 300], ["b", "2"]]
    others = [line for line in lines if line.strip() and "|" not in line]
    assert others == ["### Found :+1:", "Then"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PATIENCE", 0.2)


def test_a_silent_step_says_every_few_seconds_that_it_goes_on(
    impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    del impatient
    with waiting("Thinking"):
        time.sleep(0.3)
    output = capsys.readouterr().out
    assert output.startswith("Thinking …\n")
    assert 1 <= output.count("  … ") <= 2


def test_a_step_that_speaks_is_not_spoken_over(
    impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    del impatient
    code = "for i in 0 1 2 3 4 5; do echo $i; sleep 0.05; done"  # sh starts at once
    status, said = stream("Counting", ["sh", "-c", code], os.environ)
    assert (status, said) == (0, "0\n1\n2\n3\n4\n5\n")
    assert capsys.readouterr().out == "Counting …\n0\n1\n2\n3\n4\n5\n"


def test_on_a_terminal_the_step_is_a_spinner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.console, "_force_terminal", True)
    code = "import os, time; print(os.environ['FORCE_COLOR'], flush=True); time.sleep(0.1)"
    assert stream("Thinking", [sys.executable, "-c", code], os.environ) == (0, "1\n")
    hidden_cursor = "\x1b[?25l"
    assert capsys.readouterr().out == f"{hidden_cursor}1\n\x1b[?25h"


def test_the_status_of_a_failed_command_and_its_errors_are_kept() -> None:
    code = "import sys; print('no', file=sys.stderr); sys.exit(3)"
    assert stream("Failing", [sys.executable, "-c", code], os.environ) == (3, "no\n")


def test_whoever_is_interrupted_ends_the_command_first() -> None:
    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    # A shell may have turned SIGINT off for what it runs in the background.
    before = signal.signal(signal.SIGINT, handle)

    def interrupt() -> None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    code = "import time; print('up', flush=True); time.sleep(60)"
    threading.Thread(target=interrupt).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stream("Sleeping", [sys.executable, "-c", code], os.environ)
    assert time.monotonic() - start < 30
    signal.signal(signal.SIGINT, before)


def test_a_command_is_ended_as_soon_as_it_is_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LOOK", 0.1)
    answers = iter([False, False, True])
    start = time.monotonic()
    status, said = stream("Sleeping", ["sleep", "60"], os.environ, lambda: next(answers))
    assert time.monotonic() - start < 30
    assert (status, said) == (-signal.SIGTERM, "")
