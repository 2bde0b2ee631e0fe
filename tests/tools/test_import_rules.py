"""Allowed and forbidden imports between domains."""

import pytest
from grimp import ImportGraph

from tools.import_rules import DomainsContract

MODULES = [
    "apps.dev.app",
    "stacks",
    "stacks.core.base",
    "stacks.storage",
    *(f"stacks.storage.{module}" for module in ("app", "stack", "exports")),
    "stacks.identity",
    *(f"stacks.identity.{module}" for module in ("app", "stack", "exports", "jobs", "jobs.app")),
    # In no domain, although the name begins with the name of a domain.
    "stacks.storage_names",
]


def broken(importer: str, imported: str) -> list[str]:
    graph = ImportGraph()
    for module in MODULES:
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    contract = DomainsContract("domains", {}, {"name": "Domains", "type": "domains"})
    check = contract.check(graph, verbose=False)
    contract.render_broken_contract(check)
    found: list[str] = check.metadata["broken"]
    assert check.kept is not bool(found)
    return found


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("stacks.storage.stack", "stacks.core.base"),
        ("stacks.identity.stack", "stacks.storage_names"),
        ("stacks.storage.app", "stacks.storage.stack"),
        ("stacks.identity.app", "stacks.storage.exports"),
        ("stacks.identity.jobs.app", "stacks.identity.stack"),
        ("apps.dev.app", "stacks.storage.stack"),
    ],
)
def test_core_the_same_domain_and_exports_in_app_py_are_allowed(
    importer: str, imported: str
) -> None:
    assert broken(importer, imported) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("stacks.identity.stack", "stacks.storage.exports"),
        ("stacks.identity.stack", "stacks.storage.stack"),
        ("stacks.identity.app", "stacks.storage.stack"),
        ("stacks.identity.exports", "stacks.storage"),
        ("stacks.identity.jobs.app", "stacks.storage.exports"),
        ("stacks.core.base", "stacks.storage.exports"),
        ("stacks.storage.stack", "stacks.storage.app"),
    ],
)
def test_every_other_import_of_a_domain_is_listed(
    importer: str, imported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert broken(importer, imported) == [f"{importer} -> {imported}"]
    assert "Import the exports.py of another domain" in " ".join(capsys.readouterr().out.split())
