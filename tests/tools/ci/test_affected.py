"""The table of rules maps each path to the components that the path affects."""

import pytest

from tools.ci.affected import Affected, judge
from tools.project import ROOT, domains

DOMAINS = ["alpha", "beta"]

# Paths by the components that they affect, as `effect` writes them.
PATHS = {
    "alpha deployed": [
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
        *("tools/clients/uv.lock", "tools/security/checkov/uv.lock", "tests/clients/libraries.py"),
        *("stacks/deleted/stack.py", "tests/deleted/test_stack.py"),
    ],
    "shared deployed": [
        *("apps/dev/app.py", "apps/prod/app.py", "tests/cloud/test_local.py"),
        *("tools/deployment/deploy.py", "tools/guard/changes.py", "tools/cdk_cli/preload.cjs"),
        "docs/permissions.md",
    ],
    "deployed": ["snapshots/dev/A.template.json", "snapshots/acknowledged.toml"],
    "shared": [
        *("tools/ci/affected.py", "tests/core/test_base.py", "tests/apps/test_dev.py"),
        *("tests/tools/test_git.py", "tools/ci/actionlint/package.json"),
        *(".github/workflows/ci.yml", ".gitattributes", ".ci/run"),
        *("README.md", "CONTRIBUTING.md", "docs/decisions/0001.md"),
    ],
    "": ["stacks/README.md", "stacks/alpha/README.md", ".github/CODEOWNERS", "LICENSE"],
}


def effect(found: Affected) -> str:
    if found.why.startswith("Everything"):
        assert (found.shared, found.deployable) == (True, True)
        return "everything"
    more = ["shared"] * found.shared + ["deployed"] * found.deployable
    return " ".join([*found.stacks, *more])


@pytest.mark.parametrize(
    ("expected", "path"), [(effect, path) for effect, paths in PATHS.items() for path in paths]
)
def test_a_path_affects_its_components(expected: str, path: str) -> None:
    found = judge({path}, DOMAINS)
    assert effect(found) == expected
    assert expected != "everything" or list(found.stacks) == DOMAINS
    assert path in found.why or found.why == "No component depends on the changed files."


def test_every_component_of_this_repository_has_a_rule() -> None:
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in ("apps", "stacks", "tests", "tools", "docs", "snapshots", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    whys = {path: judge({path}, domains()).why for path in files}
    assert {path: why for path, why in whys.items() if why.startswith("Everything: no ")} == {}
    for domain in domains():
        assert effect(judge({f"stacks/{domain}/stack.py"}, domains())) == f"{domain} deployed"


def test_changes_in_two_domains_affect_both_with_a_line_for_each_component() -> None:
    changed = {"tests/beta/test_app.py", "stacks/alpha/app.py", "stacks/alpha/stack.py"}
    found = judge(changed, DOMAINS)
    assert effect(found) == "alpha beta deployed"
    assert found.why.splitlines() == [
        "deployed system: stacks/alpha/app.py and 1 more",
        "alpha: stacks/alpha/app.py and 1 more",
        "beta: tests/beta/test_app.py",
    ]
