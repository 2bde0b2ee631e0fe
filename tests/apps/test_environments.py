"""Each environment wires its stacks by their exports, and matches its snapshots."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from stacks.core import environment, rights
from stacks.core.environment import Environment, construct_id
from tools.cdk_cli.assembly import read_stacks
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT, check_imports
from tools.guard import snapshots
from tools.guard.snapshots import templates
from tools.project import ROOT, domains, environments

each_environment = pytest.mark.parametrize("name", environments())


def texts(assembly: Path) -> dict[str, str]:
    """Each stack's template."""
    return {stack.id: (assembly / stack.template).read_text() for stack in read_stacks(assembly)}


def test_every_domain_is_wired_in_an_environment(assemblies: Mapping[str, Path]) -> None:
    stacks = {stack.id for assembly in assemblies.values() for stack in read_stacks(assembly)}
    missing = {construct_id(domain) for domain in domains()} - stacks
    assert not missing, f"No environment builds {missing}. Add the stacks to an apps/*/app.py."


@each_environment
def test_every_import_of_the_environment_is_exported_by_one_of_its_stacks(
    assemblies: Mapping[str, Path], name: str
) -> None:
    check_imports(assemblies[name], f"apps/{name}/app.py")


@each_environment
def test_the_snapshots_are_up_to_date(assemblies: Mapping[str, Path], name: str) -> None:
    snapshots.check(assemblies[name], snapshots.FOLDER / name)


def test_a_stack_alone_has_the_same_template_as_in_the_default_environment(
    assemblies: Mapping[str, Path], synthesize: Callable[[str], Path]
) -> None:
    wired = templates(assemblies[DEFAULT_ENVIRONMENT])
    for domain in domains():
        ((file, alone),) = templates(synthesize(f"stacks.{domain}.app")).items()
        assert alone == wired.get(file, alone), f"stacks/{domain}/app.py differs from the wired one"


# Matches names that begin with the project, not other names that contain the same word.
PROJECT = rf"(?<![\w-]){Environment.project}(?:-|/{{}}/)"


@each_environment
def test_another_project_name_changes_every_name_export_and_policy(
    synthesize: Callable[[str], Path], name: str
) -> None:
    other = partial(Environment, "acme" if Environment.project != "acme" else "other")
    read = rights.read_rights

    def renamed(environment: str) -> rights.Rights:
        text = json.dumps(read(environment)).replace(Environment.project, other().project)
        found: rights.Rights = json.loads(text)
        return found

    # The rights of an environment are recorded with its names, before those of its account.
    with (
        patch.object(environment, "Environment", other),
        patch.object(rights, "read_rights", renamed),
    ):
        assembly = synthesize(f"apps.{name}.app")
    assert all(stack.name.startswith(f"{other().project}-") for stack in read_stacks(assembly))
    assert re.findall(PROJECT.format(name), "".join(texts(assembly).values())) == []


def test_no_code_contains_the_project_name() -> None:
    # Docstrings may contain the name as an example.
    found = [
        f"{path.relative_to(ROOT)}: {child.value}"
        for folder in ("apps", "src", "stacks", "tools")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if not isinstance(node, ast.Expr)
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.Constant) and isinstance(child.value, str)
        if re.search(PROJECT.format("[a-z0-9]+"), child.value)
    ]
    assert found == []
