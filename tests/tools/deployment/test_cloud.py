"""`nox -s cloud` serves until a stop. tests/tools/local_cloud starts real servers."""

import json
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import pytest

from tools.deployment import cloud
from tools.deployment.options import Options
from tools.errors import UserError
from tools.guard import snapshots
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


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("aws://111122223333/eu-west-1", ("111122223333", "eu-west-1")),
        ("aws://unknown-account/eu-west-1", ("000000000000", "eu-west-1")),
        (None, ("000000000000", "us-east-1")),
    ],
)
def test_the_variables_have_the_account_and_region_of_the_environment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    recorded: str | None,
    expected: tuple[str, str],
) -> None:
    if recorded:
        file = tmp_path / "other" / snapshots.STACKS
        file.parent.mkdir()
        file.write_text(json.dumps({"StorageStack": {"environment": recorded}}))
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    monkeypatch.setattr(cloud, "local_cloud", lambda *_, **__: nullcontext(LocalCloud(tmp_path, 1)))
    assert cloud.serve(Options("cloud", environment="other")) == 0
    account, region = expected
    output = capsys.readouterr().out
    assert f"export AWS_ACCESS_KEY_ID={account}\n" in output
    assert f"export AWS_REGION={region}\n" in output
