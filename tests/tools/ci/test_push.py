"""DEPLOYED_BY_PUSH selects and orders the environments that a push deploys."""

from pathlib import Path

import pytest

from tools.ci.push import deployed_by_push
from tools.errors import UserError
from tools.project import environments


def order(root: Path, **apps: str) -> list[str]:
    """The order for environments with these lines in their app.py."""
    for name, text in apps.items():
        (root / "apps" / name).mkdir(parents=True)
        (root / "apps" / name / "app.py").write_text(text, encoding="utf-8")
    return deployed_by_push(root)


@pytest.mark.parametrize(
    "line",
    [
        "DEPLOYED_BY_PUSH = True",
        "DEPLOYED_BY_PUSH = True  # why",
        "DEPLOYED_BY_PUSH=True",
        "DEPLOYED_BY_PUSH: bool = True",
        "DEPLOYED_BY_PUSH = 1",
        "'''ü'''\nDEPLOYED_BY_PUSH = 1; app = 2",
    ],
)
def test_a_push_deploys_a_marked_environment(line: str, tmp_path: Path) -> None:
    assert order(tmp_path, test=line) == ["test"]


@pytest.mark.parametrize(
    "line",
    ["", "DEPLOYED_BY_PUSH = False", "# DEPLOYED_BY_PUSH = True", "'''DEPLOYED_BY_PUSH = True'''"],
)
def test_a_push_does_not_deploy_another_environment(line: str, tmp_path: Path) -> None:
    assert order(tmp_path, test=line) == []


def test_environments_are_deployed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    number = "DEPLOYED_BY_PUSH = {}".format
    apps = {"prod": number(10), "qa": number(2), "live": number(10), "one": number("True")}
    assert order(tmp_path, **apps, account="") == ["one", "qa", "live", "prod"]


@pytest.mark.parametrize(
    "line",
    [
        'DEPLOYED_BY_PUSH = "yes"',
        "DEPLOYED_BY_PUSH = not False",
        "DEPLOYED_BY_PUSH = -1",
        "DEPLOYED_BY_PUSH = 1.5",
        "DEPLOYED_BY_PUSH: bool",
        "other = DEPLOYED_BY_PUSH = True",
        "DEPLOYED_BY_PUSH = True\nDEPLOYED_BY_PUSH = False",
        "if True:\n    DEPLOYED_BY_PUSH = True",
    ],
)
def test_another_form_or_value_is_an_error(line: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"apps/test/app\.py: set DEPLOYED_BY_PUSH once"):
        order(tmp_path, test=line)


def test_the_environments_of_this_repository_have_valid_values() -> None:
    # CI reads the values only after a push to main.
    assert {*deployed_by_push()} <= {*environments()}
