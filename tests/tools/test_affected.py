"""Which parts a change affects, by the files that changed and the code as it is then."""

from collections.abc import Collection, Mapping

import pytest

from tests.tools.sample import DOMAINS, FILES, NAMES, is_everything, parts
from tools.affected import Affected, judge


def affected_by(
    *changed: str, code: Mapping[str, str] | None = None, gone: Collection[str] = ()
) -> Affected:
    """By a change of these paths, when the code is the sample's, and `code`, without `gone`."""
    files = {**dict.fromkeys(changed, ""), **FILES, **(code or {})}
    after = {path: text.encode() for path, text in files.items() if path.endswith(".py")}
    return judge({*changed}, {path: text for path, text in after.items() if path not in gone})


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_change_in_a_domain_affects_it_alone_and_what_is_deployed(domain: str) -> None:
    assert parts(affected_by(f"stacks/{domain}/stack.py")) == ((domain,), False, True)


def test_a_change_in_the_tests_of_a_domain_affects_it_but_not_what_is_deployed() -> None:
    assert parts(affected_by("tests/alpha/exports.txt")) == (("alpha",), False, False)


def test_changes_in_two_domains_affect_both_in_order() -> None:
    found = affected_by("tests/gamma/test_app.py", "stacks/alpha/app.py")
    assert parts(found) == (("alpha", "gamma"), False, True)


def test_a_change_in_the_app_and_the_stack_of_a_domain_is_none_of_who_imports_the_stack() -> None:
    found = affected_by("stacks/alpha/app.py", "stacks/alpha/stack.py")
    assert parts(found) == (("alpha",), False, True)


def test_a_change_of_exports_affects_the_domain_that_imports_them() -> None:
    found = affected_by("stacks/alpha/exports.py")
    # apps/dev/app.py imports them by way of alpha's stack.
    assert parts(found) == (("alpha", "gamma"), True, True)
    assert found.reasons["gamma"] == ["stacks/gamma/app.py imports stacks/alpha/exports.py"]


def test_a_change_of_exports_affects_who_imports_them_relatively_late_and_by_a_package() -> None:
    found = affected_by("stacks/beta/exports.py")
    assert parts(found) == (("beta", "delta"), True, True)
    assert found.reasons["delta"] == ["stacks/delta/app.py imports stacks/beta/__init__.py"]


def test_a_change_of_exports_that_nobody_imports_affects_their_domain_alone() -> None:
    assert parts(affected_by("stacks/delta/exports.py")) == (("delta",), False, True)


def test_a_change_of_exports_affects_importers_of_importers_and_tests_that_import_them() -> None:
    code = {
        "stacks/gamma/exports.py": "from stacks.alpha.exports import ARN\n",
        "stacks/beta/stack.py": "from ..gamma import exports\n",
        "tests/delta/test_app.py": "from stacks.alpha.exports import ARN\n",
    }
    assert affected_by("stacks/alpha/exports.py", code=code).stacks == DOMAINS


def test_new_exports_that_someone_imports_already_affect_him() -> None:
    code = {"stacks/beta/app.py": "from stacks.gamma.exports import NAME\n"}
    found = affected_by("stacks/gamma/exports.py", code=code)
    assert parts(found) == (("beta", "gamma"), False, True)


def test_exports_that_core_imports_affect_everything() -> None:
    code = {"stacks/core/base.py": "import stacks.delta.exports\n"}
    found = affected_by("stacks/delta/exports.py", code=code)
    assert is_everything(found, "stacks/core/base.py imports stacks/delta/exports.py")


@pytest.mark.parametrize("path", ["stacks/core/base.py", "stacks/new.py", "tests/conftest.py"])
def test_a_change_in_core_affects_everything(path: str) -> None:
    assert is_everything(affected_by(path), f"all stand on {path}")


@pytest.mark.parametrize(
    "path",
    [
        "uv.lock",
        "package-lock.json",
        "package.json",
        "pyproject.toml",
        "noxfile.py",
        "cdk.json",
        ".python-version",
        ".npmrc",
    ],
)
def test_a_change_of_a_lock_file_or_a_setting_affects_everything(path: str) -> None:
    assert is_everything(affected_by(path), f"all depend on {path}")


def test_the_permissions_for_people_are_tested_with_what_is_deployed() -> None:
    assert parts(affected_by("docs/permissions.md")) == ((), False, True)


@pytest.mark.parametrize("path", ["snapshots/dev/A.template.json", "snapshots/acknowledged.toml"])
def test_what_was_recorded_of_the_stacks_affects_what_is_deployed_alone(path: str) -> None:
    found = affected_by(path)
    assert parts(found) == ((), False, True)
    assert found.as_text() == "What is deployed, or how, may change."


@pytest.mark.parametrize("path", ["apps/dev/app.py", "apps/prod/app.py", "tests/cloud/test_it.py"])
def test_an_environment_and_the_tests_in_the_cloud_are_shared_and_deployable(path: str) -> None:
    assert parts(affected_by(path)) == ((), True, True)


@pytest.mark.parametrize(
    "path",
    [
        ".ci/run",
        ".github/workflows/ci.yml",
        ".github/dependabot.yml",
        ".gitignore",
        ".pre-commit-config.yaml",
        "tests/apps/test_dev.py",
        "tests/core/test_base.py",
        "tests/pipeline/node.py",
        "tests/pipeline/package-lock.json",
        "tests/speed/measure.py",
        "tests/tools/test_style.py",
        "tools/scanners/uv.lock",
        "tools/style.py",
    ],
)
def test_what_belongs_to_no_stack_and_is_not_deployed_is_shared_alone(path: str) -> None:
    assert parts(affected_by(path)) == ((), True, False)


@pytest.mark.parametrize(
    "path",
    [
        "tools/__init__.py",
        "tools/deployment/__main__.py",
        "tools/deploy.py",
        "tools/server.py",
        "tools/diff.js",
    ],
)
def test_tools_that_the_deploy_runs_are_deployable_and_so_is_what_is_not_python(path: str) -> None:
    assert parts(affected_by(path)) == ((), True, True)


def test_a_tool_that_only_the_tests_in_the_cloud_use_is_deployable() -> None:
    code = {"tests/cloud/conftest.py": "import tools.style\n"}
    assert parts(affected_by("tools/style.py", code=code)) == ((), True, True)


def test_a_tool_that_the_tests_of_a_domain_use_affects_that_domain_too() -> None:
    code = {
        "tests/helper.py": "from tools.style import rules\n",
        "tests/gamma/test_stack.py": "from tests.helper import rules\n",
    }
    found = affected_by("tools/style.py", code=code)
    assert parts(found) == (("gamma",), True, False)
    assert found.reasons["gamma"] == ["tests/gamma/test_stack.py imports tests/helper.py"]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "docs/other.md",
        "stacks.svg",
        "docs/stacks.bin",
        "docs/how/to.txt",
        "LICENSE",
        "logo.PNG",
        ".editorconfig",
        ".github/CODEOWNERS",
        ".github/pull_request_template.md",
        "stacks/README.md",
        "stacks/alpha/README.md",
    ],
)
def test_a_change_of_a_document_affects_nothing(path: str) -> None:
    assert affected_by(path) == Affected(why="only documents changed")


@pytest.mark.parametrize("path", ["stacks/alpha/site/README.md", "stacks/alpha/logo.png"])
def test_what_may_be_an_asset_of_a_stack_is_no_document(path: str) -> None:
    assert parts(affected_by(path)) == (("alpha",), False, True)


@pytest.mark.parametrize(
    "path",
    ["new.py", "other/app.py", "stacks/half/stack.py", "tests/half/test_it.py"],
)
def test_a_path_that_nothing_claims_affects_everything(path: str) -> None:
    assert is_everything(affected_by("stacks/alpha/app.py", path), f"claims {path}")


def test_code_that_cannot_be_read_affects_everything() -> None:
    code = {"stacks/alpha/stack.py": "<<<<<<< HEAD\n"}
    found = affected_by("stacks/alpha/stack.py", code=code)
    assert is_everything(found, "stacks/alpha/stack.py is not valid Python")


def test_a_new_domain_is_affected_with_no_list_to_edit() -> None:
    found = affected_by("stacks/prices/app.py", "tests/prices/test_stack.py")
    assert parts(found) == (("prices",), False, True)


def test_a_deleted_domain_that_nobody_imports_is_shared_and_deployable() -> None:
    gone = ["stacks/gamma/app.py"]
    assert parts(affected_by(*gone, gone=gone)) == ((), True, True)


def test_a_deleted_domain_affects_who_imports_more_than_its_exports() -> None:
    gone = [*(path for path in FILES if "/beta/" in path), "stacks/beta/layout.py"]
    code = {"tests/gamma/test_app.py": "import stacks.beta.layout\n"}
    assert affected_by(*gone, code=code, gone=gone).stacks == ("delta", "gamma")


def test_a_deleted_file_affects_its_domain() -> None:
    gone = ["stacks/alpha/stack.py"]
    assert parts(affected_by(*gone, gone=gone)) == (("alpha",), False, True)


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_is_shown_on_one_line(name: str) -> None:
    found = affected_by(f"stacks/alpha/{name}.py")
    assert parts(found) == (("alpha",), False, True)
    assert len(found.as_text().splitlines()) == 2
    found.as_text().encode()
    unclaimed = affected_by(name)
    assert is_everything(unclaimed, "nothing claims")
    assert unclaimed.as_json().isprintable()
