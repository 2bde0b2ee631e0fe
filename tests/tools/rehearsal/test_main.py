"""The session: it compares snapshots, prints the report, and returns the exit status."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.rehearsal.recorded import ENVIRONMENT, Changes, changed, only, recorded
from tools.guard import __main__ as guard
from tools.local_cloud.client import LocalCloud
from tools.rehearsal import __main__ as session

RENAMED: Changes = {"Store.Resources.Bucket.Properties.BucketName": "NAME-other"}


@dataclass(frozen=True)
class Repository:
    """A repository with snapshots of stacks in an account."""

    folder: Path
    account: str

    def record(self, changes: Changes) -> None:
        """Record the environment with changes."""
        templates = changed(ENVIRONMENT, {**only("Bucket"), **changes})
        for path, content in recorded(templates, self.account).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)


@pytest.fixture
def repository(
    tmp_path: Path,
    accounts: Iterator[str],
    empty_cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> Repository:
    """A repository that records an environment, with nothing changed."""
    for module in (guard, session):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(session, "local_cloud", lambda _: nullcontext(empty_cloud))
    monkeypatch.setattr(session, "environments", lambda: ["test", "other"])
    repository = Repository(tmp_path, next(accounts))
    git(tmp_path, "init", "-q", "-b", "main")
    repository.record({})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Record")
    return repository


def test_the_same_snapshots_need_no_rehearsal(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert session.main([]) == 0
    assert capsys.readouterr().out.endswith(
        "Nothing was rehearsed, because the snapshots are the same.\n"
    )
    repository.record(RENAMED)
    assert session.main(["--environment", "other"]) == 0


def test_a_loss_fails(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = repository.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    repository.record(RENAMED)
    assert session.main(["--base", "main"]) == 1
    for text in (capsys.readouterr().out, summary.read_text()):
        assert "8 of 8 object versions are lost" in text
        assert text.strip().endswith(
            "**The rehearsal lost something or failed: test/Store/Bucket.**"
        )


def test_an_acknowledged_loss_passes(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.record(RENAMED)
    acknowledged = repository.folder / guard.ACKNOWLEDGED
    acknowledged.write_text('"test/Store/Bucket" = "Moved"')
    assert session.main(["--base", "main"]) == 0
    assert "**test/Store/Bucket** (acknowledged: Moved)" in capsys.readouterr().out


def test_a_base_without_templates_is_an_error(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository.folder, "rm", "--quiet", "-r", "snapshots")
    git(repository.folder, "commit", "--quiet", "--message=none")
    repository.record({})
    assert session.main(["--base", "HEAD"]) == 1
    assert "records no templates. Choose a later commit as --base." in capsys.readouterr().err


def test_an_unknown_base_is_an_error(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository.folder.exists()
    assert session.main(["--base", "nowhere"]) == 1
    assert "'nowhere'" in capsys.readouterr().err
