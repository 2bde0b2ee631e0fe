"""The record of what is deployed decides what a job does, in sequences of pushes and repeats."""

import json
import shutil
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit, head
from tools.ci import deployed
from tools.errors import UserError

type Commits = dict[str, str]
DEPLOYED, SUPERSEDED, UNKNOWN = "deployed", "superseded", "cannot tell"


@pytest.fixture(autouse=True)
def with_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "true")


def job(root: Path, commit: str, github: GitHub, *, breaks: bool = False) -> str:
    """Run the steps in .github/actions/deploy for the environment `one`; return what happened."""
    git(root, "switch", "--quiet", "--detach", commit)
    before = github.records.get("one", "")
    if deployed.main(["decide", "one"], root):
        return UNKNOWN
    outputs = github.outputs()
    assert outputs["base"] == before
    if outputs["deploys"] == "false":
        assert "Superseded: the newer commit" in github.summary.splitlines()[-2]
        return SUPERSEDED
    if breaks:
        return "broken"
    assert deployed.main(["record", "one"], root) == 0
    assert github.records == {"one": commit}
    return DEPLOYED


# Commits in the order in which their jobs run, and what each job does. A is the oldest commit of
# main. `!` marks a deploy that fails, and `:` the workflow Deploy. The branch main was reset to A
# before X was pushed.
STORIES = {
    "the first deploy": "A deployed",
    "each push is newer": "A deployed, B deployed, C deployed",
    "a repeated job deploys the same commit again": "B deployed, B deployed",
    "a repeated older job is superseded": "A deployed, B deployed, A superseded, A superseded",
    "late jobs are superseded in any order": "C deployed, A superseded, B superseded, C deployed",
    "a failed deploy is not recorded": "A deployed, B! broken, A deployed, B deployed",
    "a newer commit includes a failed one": "A deployed, B! broken, C deployed, B superseded",
    "a chosen older commit is recorded": "B deployed, :A deployed, B deployed, A superseded",
    "a chosen newer commit is recorded": "A deployed, :C deployed, B superseded",
    "a failed rollback is not recorded": "C deployed, :A! broken, B superseded, C deployed",
    "after a force push, a person chooses": "B deployed, X cannot tell, :X deployed, X deployed",
    "a force push to an older commit": "C deployed, A superseded, :A deployed, X deployed",
}


@pytest.fixture(scope="module")
def history(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Commits]:
    """A repository with the commits A, B, C and X, and their ids."""
    root = shutil.copytree(repository, tmp_path_factory.mktemp("history") / "repository")
    commits = {name: commit(root, f"stacks/alpha/{name}.py") for name in "ABC"}
    git(root, "switch", "--quiet", "--detach", commits["A"])
    commits["X"] = commit(root, "stacks/alpha/X.py")
    return root, commits


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_job_deploys_only_over_an_older_commit(
    story: str,
    history: tuple[Path, Commits],
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, commits = history
    for step in story.split(", "):
        name, expected = step.split(" ", 1)
        event = "workflow_dispatch" if name.startswith(":") else "push"
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        chosen = commits[name.strip(":!")]
        assert job(root, chosen, github, breaks="!" in name) == expected, step


@pytest.mark.parametrize(
    ("is_recorded", "event", "status"),
    [
        (False, "push", 0),
        (True, "push", 1),
        (False, "workflow_dispatch", 1),
        (True, "workflow_dispatch", 1),
    ],
)
def test_without_credentials_only_a_push_before_the_first_deploy_passes(
    is_recorded: bool,
    event: str,
    status: int,
    root: Path,
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "false")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    if is_recorded:
        github.records["one"] = head(root)
    assert deployed.main(["decide", "one"], root) == status
    printed = capsys.readouterr()
    why = "one: Not deployed. This GitHub environment has no AWS credentials. "
    assert (printed.err if status else printed.out.removeprefix("::notice::")).startswith(why)
    assert github.outputs() == ({} if status else {"deploys": "false", "base": ""})


@pytest.mark.parametrize("sha", ["1" * 40, "--output=stolen"])
def test_a_recorded_commit_that_is_not_in_the_clone_may_be_newer(sha: str, root: Path) -> None:
    with pytest.raises(UserError, match=f"^{sha} is deployed, and may be newer. Commit '{sha}'"):
        deployed.replaces(root, head(root), sha)
    assert not (root / "stolen").exists()


def test_the_list_has_only_environments_with_a_record(
    root: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.records |= {"byhand": "a", "two": "b"}
    assert deployed.main(["list"], root) == 0
    assert json.loads(github.outputs()["deployed"]) == [
        {"environment": "byhand", "commit": "a"},
        {"environment": "two", "commit": "b"},
    ]
    assert "\none: no deploy is recorded\n" in capsys.readouterr().out


def test_deploy_checks_out_only_commits_of_main(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newest = head(root), commit(root, "stacks/alpha/stack.py")
    git(root, "update-ref", "refs/remotes/origin/main", newest)
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "stacks/alpha/stack.py")
    git(root, "tag", "--annotate", "--message=.", "v1", older)
    for name, expected in ((newest, newest), (older[:10], older), ("v1", older)):
        assert deployed.main(["check-out", name], root) == 0
        assert head(root) == expected
    for name in ("feature", "nowhere", "-", "1" * 40, ""):
        assert deployed.main(["check-out", "--", name], root) == 1
        assert repr(name) in capsys.readouterr().err
        assert head(root) == older


def test_deploy_checks_out_what_is_deployed_to_another_environment(
    root: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    older = github.records["one"] = head(root)
    git(root, "update-ref", "refs/remotes/origin/main", commit(root))
    assert deployed.main(["check-out", "two"], root) == 1
    assert capsys.readouterr().err.startswith("No deploy to 'two' is recorded.")
    assert deployed.main(["check-out", "one"], root) == 0
    assert head(root) == older
    # A record is no reason to run code that is not on main.
    github.records["two"] = commit(root, "stacks/alpha/stack.py")
    git(root, "switch", "--quiet", "--detach", older)
    assert deployed.main(["check-out", "two"], root) == 1
    assert "is not a commit on main." in capsys.readouterr().err
    assert head(root) == older
