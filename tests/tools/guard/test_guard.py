"""The guard as a command, on git histories: what it compares, and its exit status."""

from pathlib import Path

import pytest

from tests.git import git
from tests.tools.guard.conftest import ENABLED, Synthesize
from tests.tools.guard.templates import resource, template
from tools.guard import __main__ as guard
from tools.guard import snapshots

SUSPENDED = template(
    Bucket=resource("S3::Bucket", "Delete", VersioningConfiguration={"Status": "Suspended"})
)
SENTENCE = 'VersioningConfiguration.Status changes from "Enabled" to "Suspended"'


def test_the_working_tree_is_compared_with_the_base(
    repository: Path,
    synthesize: Synthesize,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = repository / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert guard.main([]) == 0
    unchanged = "No change in dev/Data.\n\n### Destructive changes\n\nNone.\n"
    assert summary.read_text().startswith(unchanged)
    synthesize(SUSPENDED)
    snapshots.main()
    assert guard.main([]) == 1
    assert SENTENCE in capsys.readouterr().out
    assert guard.main(["--base", "HEAD"]) == 1


def test_a_difference_from_the_snapshots_is_an_error(
    synthesize: Synthesize, capsys: pytest.CaptureFixture[str]
) -> None:
    synthesize(SUSPENDED)
    assert guard.main([]) == 1
    assert "Data.template.json: different from snapshots/dev." in capsys.readouterr().err


def test_an_older_commit_is_compared_with_the_base_itself(
    repository: Path, synthesize: Synthesize, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (SUSPENDED, ENABLED):
        synthesize(content)
        snapshots.main()
        git(repository, "commit", "-qam", "Record")
    git(repository, "switch", "-q", "--detach", "HEAD~1")
    synthesize(SUSPENDED)
    assert guard.main(["--base", "main"]) == 0
    assert guard.main(["--base", "main", "--exact"]) == 1
    assert SENTENCE in capsys.readouterr().out


def test_only_the_chosen_environment_is_compared(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "environments", lambda: ["dev", "new"])
    assert guard.main(["--environment", "dev"]) == 0
    assert guard.main([]) == 1
    assert "different from snapshots/new" in capsys.readouterr().err
    synthesize(SUSPENDED)
    assert snapshots.main() == 0
    assert guard.main(["--environment", "new"]) == 0
    assert "dev/Data" not in capsys.readouterr().out
    assert guard.main(["--environment", "dev"]) == 1
    assert "dev/Data" in capsys.readouterr().out


def test_every_acknowledgement_since_the_exact_base_counts(
    repository: Path, synthesize: Synthesize
) -> None:
    acknowledged = repository / guard.ACKNOWLEDGED
    synthesize(SUSPENDED)
    snapshots.main()
    acknowledged.write_text("'dev/Data/Bucket' = 'Moved'")
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Suspend the versioning, acknowledged")
    git(repository, "commit", "-qm", "Another change", "--allow-empty")
    assert guard.main(["--base", "HEAD~2", "--exact", "--environment", "dev"]) == 0
    acknowledged.unlink()
    assert guard.main(["--base", "HEAD~2", "--exact", "--environment", "dev"]) == 1


@pytest.mark.usefixtures("repository")
def test_an_unknown_base_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.main(["--base", "nowhere"]) == 1
    captured = capsys.readouterr()
    assert "'nowhere'" in captured.err
    assert "Synthesizing" not in captured.out


def test_a_removed_environment_is_an_error_until_its_snapshots_are_removed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev", "old"])
    assert snapshots.main() == 0
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Record")
    assert guard.main([]) == 0
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev"])
    assert guard.main([]) == 1
    assert "snapshots/old: apps/old/app.py does not exist. Run" in capsys.readouterr().err
    assert snapshots.main() == 0
    assert not (repository / "snapshots/old").exists()
    assert guard.main([]) == 1
    leaves = "- **old/Data/Bucket**\n  - leaves the stack, but is retained\n"
    assert leaves in capsys.readouterr().out
