"""The record of what is deployed decides what a job does, in sequences of pushes and repeats."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit
from tools.ci import deployed

DEPLOYED, SUPERSEDED, UNKNOWN = "deployed", "superseded", "cannot tell"


def job(
    root: Path, commit: str, patch: pytest.MonkeyPatch, github: GitHub, *, breaks: bool = False
) -> str:
    """Run the steps in .github/actions/deploy for the environment `one`; return what happened."""
    git(root, "switch", "--quiet", "--detach", commit)
    patch.setenv("HAS_CREDENTIALS", "true")
    if deployed.main(["decide", "one"], root):
        return UNKNOWN
    if github.outputs()["deploys"] == "false":
        assert "Superseded: the newer commit" in github.summary.splitlines()[-2]
        return SUPERSEDED
    if breaks:
        return "broken"
    assert deployed.main(["record", "one"], root) == 0
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
        assert job(root, chosen, monkeypatch, github, breaks="!" in name) == expected, step


@pytest.mark.parametrize(
    ("recorded", "is_chosen", "action"),
    [(False, False, "skip"), (True, False, "fail"), (False, True, "fail"), (True, True, "fail")],
)
def test_without_credentials_only_a_repository_that_never_deployed_passes(
    recorded: bool, is_chosen: bool, action: str, root: Path
) -> None:
    head = git(root, "rev-parse", "HEAD")
    decision = deployed.decide_job(
        root, head, head if recorded else None, has_credentials=False, is_chosen=is_chosen
    )
    assert decision.action == action
    assert decision.why.startswith("Not deployed. This GitHub environment has no AWS credentials.")


def test_a_skipped_deploy_is_a_notice_and_a_failed_one_an_error(
    root: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "false")
    assert deployed.main(["decide", "one"], root) == 0
    assert capsys.readouterr().out.startswith("::notice::one: Not deployed. This GitHub")
    assert github.outputs() == {"deploys": "false", "base": ""}
    github.add("one", git(root, "rev-parse", "HEAD"), "deployed")
    assert deployed.main(["decide", "one"], root) == 1
    assert capsys.readouterr().err.startswith("one: Not deployed. This GitHub environment has no")
    assert github.outputs() == {}


@pytest.mark.parametrize("sha", ["1" * 40, "--output=stolen"])
def test_a_recorded_commit_that_is_not_in_the_clone_may_be_newer(sha: str, root: Path) -> None:
    decision = deployed.decide(root, git(root, "rev-parse", "HEAD"), sha)
    assert decision.action == "fail"
    assert decision.why.startswith(f"{sha} is deployed, and may be newer. Commit {sha!r} not found")
    assert not (root / "stolen").exists()


def test_a_shallow_clone_cannot_tell(root: Path, tmp_path: Path) -> None:
    older = git(root, "rev-parse", "HEAD")
    commit(root, "stacks/alpha/stack.py")
    newest = commit(root, "stacks/alpha/stack.py")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    assert deployed.decide(tmp_path / "shallow", newest, older).action == "fail"
    git(tmp_path / "shallow", "fetch", "--quiet", "--depth=1", "origin", older)
    decision = deployed.decide(tmp_path / "shallow", newest, older)
    assert decision.action == "fail"
    assert "share no commit" in decision.why


def test_the_base_of_the_guard_is_the_recorded_commit(
    root: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "true")
    first = git(root, "rev-parse", "HEAD")
    assert deployed.main(["decide", "one"], root) == 0
    assert github.outputs() == {"deploys": "true", "base": ""}
    assert deployed.main(["record", "one"], root) == 0
    commit(root, "stacks/alpha/stack.py")
    for event in ("push", "workflow_dispatch"):
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        assert deployed.main(["decide", "one"], root) == 0
        assert github.outputs() == {"deploys": "true", "base": first}
    assert deployed.main(["decide", "two"], root) == 0
    assert github.outputs() == {"deploys": "true", "base": ""}


def test_a_record_is_one_successful_deployment_of_the_commit(root: Path, github: GitHub) -> None:
    assert deployed.main(["record", "two"], root) == 0
    assert github.deployments == [
        {
            "ref": git(root, "rev-parse", "HEAD"),
            "environment": "two",
            "task": "deployed",
            "auto_merge": False,
            "required_contexts": [],
            "status": {
                "state": "success",
                "log_url": "https://github.example/123/repository/actions/runs/7",
            },
        }
    ]


def listed(root: Path, github: GitHub) -> Sequence[Mapping[str, str]]:
    assert deployed.main(["list"], root) == 0
    found: Sequence[Mapping[str, str]] = json.loads(github.outputs()["deployed"])
    return found


def test_the_list_has_only_environments_with_a_record(
    root: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(root, github) == []
    older = git(root, "rev-parse", "HEAD")
    assert deployed.main(["record", "byhand"], root) == 0
    assert deployed.main(["record", "two"], root) == 0
    newer = commit(root)
    assert deployed.main(["record", "two"], root) == 0
    github.add("one", newer, "deploy")  # from another program, or from a job without a record
    github.add("two", older, "deploy")
    assert listed(root, github) == [
        {"environment": "byhand", "commit": older},
        {"environment": "two", "commit": newer},
    ]
    assert "\none: no deploy is recorded\n" in capsys.readouterr().out


def test_a_failed_request_is_an_error_and_not_a_missing_record(
    root: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAS_CREDENTIALS", "true")
    github.is_down = True
    for command in (["decide", "one"], ["record", "one"], ["list"]):
        assert deployed.main(command, root) == 1
        assert capsys.readouterr().err == "HTTP 502\n"
    assert github.outputs() == {}


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
