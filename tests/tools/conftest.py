"""The user's AWS configuration file."""

from collections.abc import Callable
from pathlib import Path

import pytest

KEYS = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n"
Configure = Callable[..., None]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Write the user's AWS configuration file, and set variables."""

    def write(text: str, **variables: str) -> None:
        path = tmp_path / "config"
        path.write_text(text)
        for key, value in {"AWS_CONFIG_FILE": str(path), **variables}.items():
            monkeypatch.setenv(key, value)

    return write
