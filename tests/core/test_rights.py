"""Recorded rights are read from snapshots/."""

from pathlib import Path

import pytest

from stacks.core import rights


def test_the_rights_of_an_environment_are_read_from_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "SNAPSHOTS", tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / rights.FILE).write_text('{"boundary": []}')
    assert rights.read_rights("dev") == rights.find_rights("dev") == {"boundary": []}
    assert rights.find_rights("other") is None
    with pytest.raises(ValueError, match=r"^snapshots/other/.* `uv run nox -s snapshots -- other`"):
        rights.read_rights("other")
