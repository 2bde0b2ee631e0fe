"""A deploy is recorded in the picture and in README."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tools.console import console, say
from tools.docs import picture

BLOCK = "a\n<!-- begin deployed -->\n{}\n<!-- end deployed -->\nb\n"
TABLE = "| A   | B |\n|-----|---|\n| a   | b |"


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], int]:
    """Record a deploy that ends with a status."""
    for name in ("record", "width", "is_interactive"):
        monkeypatch.setattr(console, name, getattr(console, name))  # restored after the test
    monkeypatch.setattr(picture, "README", tmp_path / "README.md")
    monkeypatch.setattr(picture, "PICTURE", tmp_path / "deploy.svg")
    monkeypatch.setattr(picture, "security", lambda _: 0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    (tmp_path / "README.md").write_text(BLOCK.format("old"))

    def run(status: int) -> int:
        def deployment(arguments: Sequence[str]) -> int:
            assert arguments == ["deploy"]
            assert "AWS_ACCESS_KEY_ID" not in os.environ
            assert not Path(os.environ["WEALTH_OPS_CLOUD"]).exists()
            summary = Path(os.environ["GITHUB_STEP_SUMMARY"])
            summary.write_text(f"### Title\n\n{TABLE}\n\nMore\n")
            say("done <&>", style="green")
            return status

        monkeypatch.setattr(picture, "deployment", deployment)
        return picture.main()

    return run


def test_a_deploy_is_recorded_in_the_picture_and_in_readme(
    record: Callable[[int], int], tmp_path: Path
) -> None:
    assert record(0) == 0
    text = (tmp_path / "deploy.svg").read_text().replace("&#160;", " ")
    assert ">$ uv run nox -s synth deploy<" in text
    assert ">done &lt;&amp;&gt;<" in text
    assert (tmp_path / "README.md").read_text() == BLOCK.format(TABLE)


def test_nothing_is_recorded_after_a_failure(record: Callable[[int], int], tmp_path: Path) -> None:
    assert record(7) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == BLOCK.format("old")
