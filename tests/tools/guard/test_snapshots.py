"""The records of templates, settings and rights, which a check compares with the code."""

import json
from pathlib import Path

import pytest

from stacks.core.rights import FILE as RIGHTS
from stacks.core.rights import Rights
from tests.tools.guard.conftest import Synthesize
from tools.errors import UserError
from tools.execution_policy import policy
from tools.guard import snapshots


def check(repository: Path) -> None:
    snapshots.check(repository / "cdk.out", repository / "snapshots/dev")


def test_only_the_stacks_of_the_app_are_recorded(repository: Path) -> None:
    folder = repository / "snapshots/dev"
    (folder / "Gone.template.json").write_text("{}")
    with pytest.raises(UserError, match=r"Gone.template.json: different from snapshots/dev"):
        check(repository)
    assert snapshots.main() == 0
    assert {path.name for path in folder.iterdir()} == {"Data.template.json", "stacks.json"}


@pytest.mark.usefixtures("repository")
def test_only_environments_are_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--base", "HEAD"], ["prod"]):
        with pytest.raises(SystemExit):
            snapshots.main(arguments)
        assert "invalid choice" in capsys.readouterr().err


def test_other_line_endings_are_no_difference(repository: Path) -> None:
    """With core.autocrlf, git writes such line endings."""
    for path in (repository / "snapshots/dev").iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    check(repository)


def test_other_files_in_the_folder_of_a_removed_environment_remain(repository: Path) -> None:
    folder = repository / "snapshots/old"
    folder.mkdir()
    for name in ("Stack.template.json", "stacks.json", "note.json"):
        (folder / name).touch()
    assert snapshots.main() == 0
    assert [path.name for path in folder.iterdir()] == ["note.json"]
    check(repository)


def test_a_change_of_code_changes_no_snapshot(repository: Path, synthesize: Synthesize) -> None:
    def function(code: str, bucket: str = "assets") -> object:
        properties = {
            "Code": {"S3Bucket": bucket, "S3Key": f"{64 * code}.zip"},
            "Version": {"Ref": f"LoadCurrentVersion0A1B2C3D{32 * code}"},
        }
        metadata = {"aws:asset:path": f"asset.{64 * code}"}
        return {"Resources": {"Load": {"Properties": properties, "Metadata": metadata}}}

    synthesize(function("a"))
    assert snapshots.main() == 0
    synthesize(function("b"))
    check(repository)
    synthesize(function("b", bucket="other"))
    with pytest.raises(UserError, match="different from snapshots/dev"):
        check(repository)


def test_the_rights_are_recorded_beside_the_templates(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = Rights(boundary=[], drift=[], execution=[])
    monkeypatch.setattr(policy, "rights", lambda _: rights)
    file = repository / "snapshots" / "dev" / RIGHTS
    with pytest.raises(UserError, match=f"{RIGHTS}: different from snapshots/dev"):
        check(repository)
    assert snapshots.main(["dev"]) == 0
    assert json.loads(file.read_text()) == rights
    monkeypatch.setattr(policy, "rights", lambda _: None)
    assert snapshots.main() == 0
    assert not file.exists()


def test_an_account_is_recorded_again_with_the_new_rights_of_its_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's app reads what the first pass records."""
    recorded = tmp_path / "snapshots" / "dev" / RIGHTS
    recorded.parent.mkdir(parents=True)
    passes: list[list[str]] = []

    def synthesize_all(names: list[str]) -> dict[str, Path]:
        passes.append([*names])
        return dict.fromkeys(names, tmp_path)

    monkeypatch.setattr(snapshots, "FOLDER", tmp_path / "snapshots")
    monkeypatch.setattr(snapshots, "environments", lambda: ["account", "dev"])
    monkeypatch.setattr(snapshots, "synthesize_all", synthesize_all)
    monkeypatch.setattr(snapshots, "record", lambda *_: recorded.write_text("{}"))
    snapshots.record_all(["dev"])
    assert passes == [["dev"], ["account", "dev"]]
    snapshots.record_all(["dev"])
    assert passes[2:] == [["dev"]]
