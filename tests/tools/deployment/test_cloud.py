"""`nox -s cloud` serves until a stop. tests/cloud starts real servers."""

from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.deployment import cloud
from tools.deployment.options import Options
from tools.errors import UserError
from tools.local_cloud.client import LocalCloud


def test_only_an_interrupt_ends_the_command_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wait = Mock(side_effect=[KeyboardInterrupt, -9])
    running = LocalCloud(tmp_path, 1, server=Mock(wait=wait))
    monkeypatch.setattr(cloud, "local_cloud", lambda *_, **__: nullcontext(running))
    assert cloud.serve(Options("cloud")) == 0
    assert capsys.readouterr().out.endswith("saves the state.\nStopping.\n")
    sentence = "has ended with status -9. To start a new server, run `uv run nox -s cloud` again"
    with pytest.raises(UserError, match=sentence):
        cloud.serve(Options("cloud"))
