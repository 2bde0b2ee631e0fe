"""ROWS maps each path to the domains, components, sessions and jobs that CI runs."""

import json
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit, head
from tools.ci import affected
from tools.ci.affected import ROWS, explain, names_for, outputs
from tools.errors import UserError
from tools.project import ROOT, environments

DOMAINS = ["alpha", "beta"]
DEPLOYED = "apps cdk-synth clients deploy e2e guard rehearse"
EVERYTHING = f"{DEPLOYED} domain growth shared src"

PATHS = {
    ".github/CODEOWNERS": "",
    ".github/dependabot.yml": "shared",
    ".github/workflows/ci.yml": EVERYTHING,
    "apps/dev/app.py": f"{DEPLOYED} shared",
    "docs/growing.md": "shared",
    "docs/permissions.md": "e2e shared",
    "new.py": EVERYTHING,
    "snapshots/dev/A.template.json": DEPLOYED,
    "src/modules/prices/fetch.py": f"{DEPLOYED} src",
    "stacks/alpha/exports.py": EVERYTHING,
    "stacks/alpha/stack.py": f"{DEPLOYED} alpha",
    "stacks/core/base.py": EVERYTHING,
    "stacks/deleted/stack.py": EVERYTHING,
    "tests/alpha/exports.txt": "alpha",
    "tests/clients/uv.lock": "clients shared",
    "tests/core/test_base.py": "shared",
    "tests/growth/phases.py": "growth shared",
    "tests/permissions/test_roles.py": "e2e shared",
    "tests/src/prices/test_fetch.py": "src",
    "tests/tools/x/test_y.py": "e2e shared",
    "tools/ci/affected.py": "growth shared",
    "tools/deployment/deploy.py": f"{DEPLOYED} growth shared",
    "tools/project.py": EVERYTHING,
    "tools/security/checkov/uv.lock": "cdk-synth",
    "uv.lock": EVERYTHING,
}


@pytest.mark.parametrize(("path", "expected"), PATHS.items())
def test_a_path_affects_what_checks_it(path: str, expected: str) -> None:
    assert names_for(path, DOMAINS) == {*expected.split()}


def test_each_pattern_is_for_files_of_this_repository_and_each_folder_has_rows() -> None:
    folders = ("apps", "docs", "snapshots", "src", "stacks", "tests", "tools", ".ci", ".github")
    nested = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files = [
        path.relative_to(ROOT)
        for path in (*ROOT.iterdir(), *nested)
        if path.is_file() and "node_modules" not in path.parts
    ]
    patterns = [pattern for patterns, _ in ROWS for pattern in patterns]
    assert [each for each in patterns if not any(file.full_match(each) for file in files)] == []
    in_folders = [file for file in files if file.parent.parts]
    assert [file for file in in_folders if not any(map(file.full_match, patterns))] == []


def test_each_path_is_explained_in_a_line_that_no_file_name_breaks() -> None:
    paths = ("README.md", ".gitignore", "uv.lock", "stacks/alpha/a\n.py", ".github/CODEOWNERS")
    assert explain({path: names_for(path, DOMAINS) for path in paths}).splitlines() == [
        "shared: README.md",
        "shared: .gitignore",
        "everything: uv.lock",
        f"alpha, {', '.join(DEPLOYED.split())}: 'stacks/alpha/a\\n.py'",
        "nothing: .github/CODEOWNERS",
    ]
    assert explain({}) == "Nothing changed."


@pytest.mark.parametrize(
    ("names", "components", "sessions", "jobs"),
    [
        ("", [], [], []),
        ("beta alpha", ["alpha", "beta"], [], ["lint-and-test"]),
        ("apps", ["apps"], [], ["lint-and-test"]),
        ("apps shared", ["shared"], [], ["lint-and-test"]),  # `shared` includes `apps`
        ("domain src", ["alpha", "beta", "src"], [], ["lint-and-test"]),
        ("rehearse guard e2e", [], ["e2e", "guard", "rehearse"], ["session"]),
        ("cdk-synth", [], [], ["cdk-synth"]),
    ],
)
def test_a_job_runs_if_its_matrix_is_not_empty(
    names: str, components: list[str], sessions: list[str], jobs: list[str]
) -> None:
    assert outputs(frozenset(names.split()), [], DOMAINS) == {
        "jobs": jobs,
        "components": components,
        "sessions": sessions,
        "environments": [],
    }


@pytest.mark.parametrize("name", ["$(touch stolen)", "a'b", "a b", "a;b", "a\nb=c", "ü"])
def test_no_output_holds_a_name_that_bash_could_run(name: str) -> None:
    for known, deployed in ((DOMAINS, [name]), ([name], ["dev"])):
        with pytest.raises(UserError, match=r"Rename the folder\."):
            outputs(frozenset(), deployed, known)


def test_a_push_deploys_environments_of_this_repository() -> None:
    names = (ROOT / affected.DEPLOYED_BY_PUSH).read_text().split()
    assert {*names} <= {*environments()}


def run_for_ci(root: Path, github: GitHub) -> dict[str, list[str]]:
    """The outputs that the job `affected` sets."""
    assert affected.main(["--ci"], root) == 0
    return {key: json.loads(value) for key, value in github.outputs().items()}


@pytest.mark.parametrize("event", ["pull_request", "merge_group"])
def test_a_pull_request_is_compared_with_main_and_deploys_nothing(
    event: str,
    root: Path,
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(root, "stacks/alpha/stack.py")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    assert run_for_ci(root, github) == {
        "jobs": ["lint-and-test", "session", "cdk-synth"],
        "components": ["alpha", "apps"],
        "sessions": ["e2e", "clients", "guard", "rehearse"],
        "environments": [],
    }
    why = "alpha, apps, cdk-synth, clients, deploy, e2e, guard, rehearse: stacks/alpha/stack.py\n"
    assert github.summary == f"### Changes since main\n\n```\n{why}```\n\n"
    assert capsys.readouterr().out == f"Changes since main\n{why}"


def test_a_push_is_compared_with_the_recorded_commit_of_each_environment(
    root: Path, github: GitHub
) -> None:
    (root / "apps/deployed_by_push.txt").write_text("two\n\none")
    everything = run_for_ci(root, github)
    assert everything["environments"] == ["two", "one"]
    assert everything["components"] == ["alpha", "beta", "src", "shared"]
    assert "### Changes since the deploy to one\n\n```\neverything: no deploy is" in github.summary

    github.records |= dict.fromkeys(("one", "two"), commit(root))
    assert run_for_ci(root, github)["jobs"] == []  # a repeated run
    commit(root, "docs/growing.md")
    found = run_for_ci(root, github)
    assert (found["jobs"], found["components"]) == (["lint-and-test"], ["shared"])

    # The deploy to `two` failed: the next push repeats it.
    github.records["one"] = commit(root, "stacks/alpha/stack.py")
    commit(root, "docs/growing.md")
    found = run_for_ci(root, github)
    assert (found["components"], found["environments"]) == (["alpha", "shared"], ["two"])


def test_a_push_after_a_rollback_or_force_push_is_compared_with_the_deployed_tree(
    root: Path, github: GitHub
) -> None:
    first = head(root)
    forgotten = commit(root, "stacks/alpha/stack.py")
    git(root, "reset", "--quiet", "--hard", first)
    commit(root, "stacks/beta/stack.py")
    github.records |= {"one": forgotten, "two": forgotten}
    assert run_for_ci(root, github)["components"] == ["alpha", "beta", "apps"]
    github.records["one"] = "1" * 40
    found = run_for_ci(root, github)
    assert found["components"] == ["alpha", "beta", "src", "shared"]
    assert found["environments"] == ["one", "two"]
    assert f"everything: Commit '{'1' * 40}' not found." in github.summary


def test_if_a_push_deploys_no_environment_everything_is_checked(root: Path, github: GitHub) -> None:
    (root / "apps/deployed_by_push.txt").write_text("")
    assert run_for_ci(root, github)["jobs"] == ["lint-and-test", "session", "cdk-synth"]
    assert "everything: a push deploys no environment" in github.summary


def test_the_changes_of_a_developer_are_compared_with_origin_main_or_else_main(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(root, "switch", "--quiet", "--create=feature")
    commit(root, "tests/alpha/test_stack.py")
    assert affected.main([], root) == 0
    assert capsys.readouterr().out == "alpha: tests/alpha/test_stack.py\n"
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert affected.main([], root) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"
    assert affected.main(["--base=main"], root) == 0
    assert capsys.readouterr().out == "alpha: tests/alpha/test_stack.py\n"
