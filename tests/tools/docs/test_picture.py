"""The picture shows what a terminal shows in the end, and nothing from this machine."""

import sys
import tempfile
from pathlib import Path

import pytest

from tools.docs import picture
from tools.errors import UserError
from tools.project import ROOT

SUMMARY = "### Title\n\n| A   | B |\n|-----|---|\n| a   | b |\n|   c |   |\n\n| other |\n"
TABLE = "| A | B |\n| --- | --- |\n| a | b |\n| c |  |"
SCRIPT = """
import os, sys
print(os.get_terminal_size().columns, sys.stdin.isatty(), os.environ["WEALTH_OPS_CLOUD"])
print(os.environ.get("AWS_ACCESS_KEY_ID"))
"""


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_a_command_runs_on_a_terminal_with_a_new_cloud_and_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("COLUMNS", "40")
    expected = f"{picture.WIDTH} True {tmp_path}/cloud\r\nNone\r\n"
    assert picture.run(python(SCRIPT), tmp_path) == (expected, "")


def test_the_job_summary_of_a_command_is_read(tmp_path: Path) -> None:
    script = "import os; open(os.environ['GITHUB_STEP_SUMMARY'], 'w').write('text')"
    assert picture.run(python(script), tmp_path) == ("", "text")


def test_a_failed_command_is_an_error_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"(?s)no network.* failed; the reason is above\."):
        picture.run(python("exit('no network')"), tmp_path)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("a\r\nb\r\n\r\n", "a\nb"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m"),
        ("\x1b[?25l- Wait\r\x1b[2K\\ Wait\r\x1b[2Kdone\n\x1b[?25h", "done"),
        ("a\n- Wait\n\x1b[1A\x1b[2Kb\nc", "a\nb\nc"),
        ("a\nb\n\x1b[A\x1b[2Kc", "a\nc"),
        ("a\x1b[9A\x1b[0Kb", "b"),
    ],
)
def test_only_the_last_text_of_a_line_is_shown(output: str, text: str) -> None:
    assert picture.shown(output) == text


@pytest.mark.parametrize(
    "text",
    [
        f"in {ROOT}/.cloud",
        f"in {Path.home()}/.aws/config",
        f"in {tempfile.gettempdir()}/x",
        "at https://127.0.0.1:41234",
        "at localhost:80",
    ],
)
def test_a_path_or_port_of_this_machine_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="belongs to this machine"):
        picture.refuse_private(text)


def test_other_output_is_not_refused() -> None:
    picture.refuse_private("arn:aws:iam::000000000000:root of 127.0.0.1 at 12:30:15")


def test_the_picture_holds_the_command_and_its_output_without_web_fonts() -> None:
    found = picture.svg(["nox", "-s", "deploy"], "\x1b[32mdone\x1b[0m <&>")
    text = found.replace("&#160;", " ")
    assert ">$ nox -s deploy<" in text
    assert ">done<" in text
    assert "&lt;&amp;&gt;" in text
    assert "font-face" not in text
    assert "font-family" in text
    assert found == picture.svg(["nox", "-s", "deploy"], "\x1b[32mdone\x1b[0m <&>")


def test_the_first_table_of_the_summary_is_taken_without_padding() -> None:
    assert picture.table(SUMMARY) == TABLE


def test_a_summary_without_a_table_is_an_error() -> None:
    with pytest.raises(UserError, match="no table"):
        picture.table("### Title\n")


def test_a_deploy_is_recorded_in_the_picture_and_in_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(picture, "ROOT", tmp_path)
    monkeypatch.setattr(picture, "README", tmp_path / "README.md")
    monkeypatch.setattr(picture, "PICTURE", tmp_path / "docs/images/deploy.svg")
    monkeypatch.setenv("SUMMARY", SUMMARY)
    block = "a\n<!-- begin deployed -->\n{}\n<!-- end deployed -->\nb\n"
    (tmp_path / "README.md").write_text(block.format("old"))
    script = "import os; open(os.environ['GITHUB_STEP_SUMMARY'], 'w').write(os.environ['SUMMARY'])"
    assert picture.main(python(f"{script}; print('deployed')")) == 0
    assert "Recorded in docs/images/deploy.svg and README.md." in capsys.readouterr().out
    assert (tmp_path / "README.md").read_text() == block.format(TABLE)
    assert ">deployed<" in (tmp_path / "docs/images/deploy.svg").read_text()


def test_nothing_is_recorded_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(picture, "PICTURE", tmp_path / "deploy.svg")
    assert picture.main(python("exit(1)")) == 1
    assert "failed; the reason is above" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []
