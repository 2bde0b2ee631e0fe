"""The guard as a command, on git histories: what it compares, and its exit status."""

from collections.abc import Mapping
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
FILE = "snapshots/dev/Data.template.json"
SENTENCE = 'VersioningConfiguration.Status changes from "Enabled" to "Suspended"'


type Files = Mapping[str, bytes]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Files, Files]]:
    """The files that each run compares, in the working tree and in the base; Node does not start.

    A difference makes the run fail.
    """
    found: list[tuple[Files, Files]] = []

    def report(here: Files, base: Files) -> tuple[str, bool]:
        found.append((here, base))
        return "Reported", here == base

    monkeypatch.setattr(guard, "report", report)
    return found


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


def test_a_difference_from_the_snapshots_is_an_error(
    synthesize: Synthesize, capsys: pytest.CaptureFixture[str]
) -> None:
    synthesize(SUSPENDED)
    assert guard.main([]) == 1
    assert "Data.template.json: different from snapshots/dev." in capsys.readouterr().err


def test_an_older_commit_is_compared_with_the_base_itself(
    repository: Path, synthesize: Synthesize, compared: list[tuple[Files, Files]]
) -> None:
    for content in (SUSPENDED, ENABLED):
        synthesize(content)
        snapshots.main()
        git(repository, "commit", "-qam", "Record")
    git(repository, "switch", "-q", "--detach", "HEAD~1")
    synthesize(SUSPENDED)
    assert guard.main(["--base", "main"]) == 0
    assert guard.main(["--base", "main", "--exact"]) == 1
    (here, merge_base), (_, main) = compared
    assert b"Suspended" in here[FILE]
    assert b"Suspended" in merge_base[FILE]
    assert b"Enabled" in main[FILE]


def test_only_the_chosen_environment_and_all_acknowledgements_are_compared(
    repository: Path, compared: list[tuple[Files, Files]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (guard, snapshots):
        monkeypatch.setattr(module, "environments", lambda: ["dev", "new"])
    assert snapshots.main() == 0
    (repository / guard.ACKNOWLEDGED).write_text("'dev/Data/Bucket' = 'Moved'")
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Record")
    assert guard.main(["--base", "HEAD", "--environment", "dev"]) == 0
    assert guard.main(["--base", "HEAD"]) == 0
    of_dev = {FILE, "snapshots/dev/stacks.json", guard.ACKNOWLEDGED}
    of_new = {path.replace("/dev/", "/new/") for path in of_dev}
    assert [here.keys() for here, _ in compared] == [of_dev, of_dev | of_new]


@pytest.mark.usefixtures("repository")
def test_an_unknown_base_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.main(["--base", "nowhere"]) == 1
    captured = capsys.readouterr()
    assert "'nowhere'" in captured.err
    assert "Synthesizing" not in captured.out


def test_a_removed_environment_is_an_error_until_its_snapshots_are_removed(
    repository: Path,
    compared: list[tuple[Files, Files]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev", "old"])
    assert snapshots.main() == 0
    git(repository, "add", "snapshots")
    git(repository, "commit", "-qm", "Record")
    monkeypatch.setattr(snapshots, "environments", lambda: ["dev"])
    assert guard.main([]) == 1
    assert "snapshots/old: apps/old/app.py does not exist. Run" in capsys.readouterr().err
    assert snapshots.main() == 0
    assert not (repository / "snapshots/old").exists()
    assert guard.main([]) == 1
    ((here, base),) = compared
    assert {path.split("/")[1] for path in base.keys() - here.keys()} == {"old"}
