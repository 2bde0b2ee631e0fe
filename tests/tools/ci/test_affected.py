"""ROWS maps each path to the domains, components, sessions and jobs that CI runs."""

import json
from pathlib import Path

import pytest

from tests.git import git
from tests.tools.ci.conftest import GitHub, commit
from tools.ci import affected
from tools.ci.affected import ROWS, deployed_by_push, judge, outputs
from tools.errors import UserError
from tools.project import ROOT, environments

DOMAINS = ["alpha", "beta"]
DEPLOYED = "apps cdk-synth clients deploy e2e guard rehearse"
EVERYTHING = f"{DEPLOYED} alpha beta growth shared src"

PATHS = {
    ".github/CODEOWNERS": "",
    ".github/dependabot.yml": "shared",
    ".github/workflows/ci.yml": EVERYTHING,
    "README.md": "shared",
    "apps/deployed_by_push.txt": f"{DEPLOYED} shared",
    "apps/dev/app.py": f"{DEPLOYED} shared",
    "docs/growing.md": "shared",
    "docs/permissions.md": "e2e shared",
    "new.py": EVERYTHING,
    "new/folder/file.py": EVERYTHING,
    "snapshots/dev/A.template.json": DEPLOYED,
    "src/modules/prices/fetch.py": f"{DEPLOYED} src",
    "stacks/alpha/README.md": f"{DEPLOYED} alpha",  # perhaps a deployed asset
    "stacks/alpha/exports.py": EVERYTHING,
    "stacks/alpha/stack.py": f"{DEPLOYED} alpha",
    "stacks/core/base.py": EVERYTHING,
    "stacks/deleted/stack.py": EVERYTHING,
    "tests/alpha/exports.txt": "alpha",
    "tests/clients/uv.lock": "clients shared",
    "tests/conftest.py": EVERYTHING,
    "tests/core/test_base.py": "shared",
    "tests/deleted/test_stack.py": EVERYTHING,
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
    found = judge({path}, DOMAINS)
    assert found.names == {*expected.split()}
    if expected == EVERYTHING:
        assert found.why == f"Everything: {path} may affect every job."
    else:
        assert found.why == f"{', '.join(sorted(found.names)) or 'nothing'}: {path}"


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


def test_the_domains_of_several_paths_are_joined() -> None:
    found = judge({"tests/beta/test_app.py", "tests/alpha/test_app.py"}, DOMAINS)
    assert found.names == {"alpha", "beta"}
    assert found.why == "alpha: tests/alpha/test_app.py\nbeta: tests/beta/test_app.py"
    assert judge(set(), DOMAINS).why == "Nothing changed."


@pytest.mark.parametrize(
    ("names", "components", "sessions", "jobs"),
    [
        ("", [], [], []),
        ("beta alpha", ["alpha", "beta"], [], ["lint-and-test"]),
        ("apps", ["apps"], [], ["lint-and-test"]),
        ("apps shared", ["shared"], [], ["lint-and-test"]),  # `shared` includes `apps`
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


def test_a_push_deploys_the_listed_environments_in_their_order(root: Path) -> None:
    file = root / "apps/deployed_by_push.txt"
    file.write_text("two\n\none")
    assert deployed_by_push(root) == ["two", "one"]
    file.write_text("twp")
    with pytest.raises(UserError, match=r"deployed_by_push\.txt: 'twp' is no folder of apps/"):
        deployed_by_push(root)
    file.unlink()
    assert deployed_by_push(root) == []
    # CI reads the list of this repository only after a push to main.
    assert {*deployed_by_push()} <= {*environments()}


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
    commit(root, "stacks/alpha/$(touch stolen)\n\"'.py")
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    assert run_for_ci(root, github) == {
        "jobs": ["lint-and-test", "session", "cdk-synth"],
        "components": ["alpha", "apps"],
        "sessions": ["e2e", "clients", "guard", "rehearse"],
        "environments": [],
    }
    names = "alpha, apps, cdk-synth, clients, deploy, e2e, guard, rehearse"
    line = f"{names}: 'stacks/alpha/$(touch stolen)\\n"
    assert github.summary.startswith(f"### Changes since main\n\n```\n{line}")
    assert line in capsys.readouterr().out


def test_a_push_is_compared_with_the_recorded_commit_of_each_environment(
    root: Path, github: GitHub
) -> None:
    everything = run_for_ci(root, github)
    assert everything["environments"] == ["one", "two"]
    assert everything["components"] == ["alpha", "beta", "src", "shared"]
    assert "### Changes since the deploy to one\n\n```\nEverything: no deploy is" in github.summary

    github.records |= dict.fromkeys(("one", "two"), git(root, "rev-parse", "HEAD"))
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
    first = git(root, "rev-parse", "HEAD")
    forgotten = commit(root, "stacks/alpha/stack.py")
    git(root, "reset", "--quiet", "--hard", first)
    commit(root, "stacks/beta/stack.py")
    github.records |= {"one": forgotten, "two": forgotten}
    assert run_for_ci(root, github)["components"] == ["alpha", "beta", "apps"]
    github.records["one"] = "1" * 40
    found = run_for_ci(root, github)
    assert found["components"] == ["alpha", "beta", "src", "shared"]
    assert found["environments"] == ["one", "two"]
    assert f"Everything: Commit '{'1' * 40}' not found." in github.summary


def test_if_a_push_deploys_no_environment_everything_is_checked(root: Path, github: GitHub) -> None:
    (root / "apps/deployed_by_push.txt").unlink()
    assert run_for_ci(root, github)["jobs"] == ["lint-and-test", "session", "cdk-synth"]
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
    assert affected.main(["--base=main"], root) == 0
    assert capsys.readouterr().out == "alpha: tests/alpha/test_stack.py\n"
