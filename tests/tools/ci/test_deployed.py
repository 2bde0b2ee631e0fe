"""The record of what is deployed decides what a job does, in sequences of pushes and repeats."""

import json
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit
from tools.ci import deployed
from tools.errors import UserError

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


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_job_deploys_only_over_an_older_commit(
    story: str, root: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = {name: commit(root, f"stacks/alpha/{name}.py") for name in "ABC"}
    git(root, "switch", "--quiet", "--detach", commits["A"])
    commits["X"] = commit(root, "stacks/alpha/X.py")
    for step in story.split(", "):
        name, expected = step.split(" ", 1)
        event = "workflow_dispatch" if name.startswith(":") else "push"
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        chosen = commits[name.strip(":!")]
        assert job(root, chosen, github, breaks="!" in name) == expected, step


@pytest.mark.parametrize(
    ("is_recorded", "event", "passes"),
    [
        (False, "push", True),
        (True, "push", False),
        (False, "workflow_dispatch", False),
        (True, "workflow_dispatch", False),
    ],
)
def test_without_credentials_only_a_repository_that_never_deployed_passes(
    is_recorded: bool,
    event: str,
    passes: bool,
    root: Path,
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "false")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    if is_recorded:
        github.records["one"] = git(root, "rev-parse", "HEAD")
    why = "one: Not deployed. This GitHub environment has no AWS credentials. "
    if passes:
        assert deployed.main(["decide", "one"], root) == 0
        assert capsys.readouterr().out.startswith(f"::notice::{why}")
        assert github.outputs() == {"deploys": "false", "base": ""}
    else:
        assert deployed.main(["decide", "one"], root) == 1
        assert capsys.readouterr().err.startswith(why)
        assert github.outputs() == {}


@pytest.mark.parametrize("sha", ["1" * 40, "--output=stolen"])
def test_a_recorded_commit_that_is_not_in_the_clone_may_be_newer(sha: str, root: Path) -> None:
    with pytest.raises(UserError, match=f"^{sha} is deployed, and may be newer. Commit '{sha}'"):
        deployed.replaces(root, git(root, "rev-parse", "HEAD"), sha)
    assert not (root / "stolen").exists()


def test_a_shallow_clone_cannot_tell(root: Path, tmp_path: Path) -> None:
    older = git(root, "rev-parse", "HEAD")
    commit(root, "stacks/alpha/stack.py")
    newest = commit(root, "stacks/alpha/stack.py")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    with pytest.raises(UserError, match="not found"):
        deployed.replaces(shallow, newest, older)
    git(shallow, "fetch", "--quiet", "--depth=1", "origin", older)
    with pytest.raises(UserError, match="share no commit"):
        deployed.replaces(shallow, newest, older)


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
    older, newest = git(root, "rev-parse", "HEAD"), commit(root, "stacks/alpha/stack.py")
    git(root, "update-ref", "refs/remotes/origin/main", newest)
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "stacks/alpha/stack.py")
    git(root, "tag", "--annotate", "--message=.", "v1", older)
    for name in (newest, older[:10], "v1"):
        assert deployed.main(["check-out", name], root) == 0
        assert git(root, "rev-parse", "HEAD") == (newest if name == newest else older)
    for name in ("feature", "nowhere", "-", "1" * 40, ""):
        assert deployed.main(["check-out", "--", name], root) == 1
        assert repr(name) in capsys.readouterr().err
        assert git(root, "rev-parse", "HEAD") == older


@pytest.mark.usefixtures("github")
def test_deploy_checks_out_what_is_deployed_to_another_environment(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = git(root, "rev-parse", "HEAD")
    assert deployed.main(["record", "one"], root) == 0
    git(root, "update-ref", "refs/remotes/origin/main", commit(root))
    assert deployed.main(["check-out", "two"], root) == 1
    assert capsys.readouterr().err.startswith("No deploy to 'two' is recorded.")
    assert deployed.main(["check-out", "one"], root) == 0
    assert git(root, "rev-parse", "HEAD") == older
    # A record is no reason to run code that is not on main.
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "stacks/alpha/stack.py")
    assert deployed.main(["record", "two"], root) == 0
    git(root, "switch", "--quiet", "--detach", older)
    assert deployed.main(["check-out", "two"], root) == 1
    assert "is not a commit on main." in capsys.readouterr().err
    assert git(root, "rev-parse", "HEAD") == older
