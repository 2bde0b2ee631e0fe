"""Steps on a terminal and in a log, and summaries on GitHub."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.table import Table

from tools import console
from tools.console import summarize, waiting


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


def test_a_terminal_has_a_spinner_for_a_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.console, "is_interactive", True)
    monkeypatch.setattr(console.console, "_force_terminal", True)
    with waiting("Thinking"):
        pass
    hidden_cursor = "\x1b[?25l"
    assert capsys.readouterr().out.startswith(hidden_cursor)


@pytest.mark.parametrize(("stdin", "stdout"), [(True, False), (False, True), (True, True)])
def test_the_user_can_be_asked_only_if_stdin_and_stdout_are_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, stdin: bool, stdout: bool
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: stdin))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: stdout))
    assert console.is_interactive() is (stdin and stdout)
