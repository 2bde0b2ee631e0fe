"""The import rules between domains, as a contract type for import-linter."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

# What every domain may import, and what only wiring may import of another domain.
WIRING, OFFERED = "app", "exports"
CORE = "stacks.core"


class DomainsContract(Contract):
    """A domain (`stacks/<domain>/`) imports no other domain; only its app.py reads others' exports.

    `stacks/core` imports no domain, and no module imports a domain's app.py.
    Domains are found in the import graph, so a new one is held to the rule with no change here.
    """

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 (theirs)
        """List the imports that break the rule."""
        domains = {m for m in graph.find_children("stacks") if graph.find_children(m)} - {CORE}
        broken = sorted(
            f"{importer} -> {imported}"
            for importer in graph.find_descendants("stacks")
            for imported in graph.find_modules_directly_imported_by(importer)
            if not _allowed(importer, imported, domains)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each forbidden import."""
        for line in check.metadata["broken"]:
            output.print_error(f"{line} is not allowed: join domains in app.py, by their exports")


def _allowed(importer: str, imported: str, domains: set[str]) -> bool:
    theirs = _domain_of(imported, domains)
    ours = _domain_of(importer, domains)
    if imported == f"{theirs}.{WIRING}":
        return False  # else what it imports of other domains would be within reach
    if theirs is None or theirs == ours:
        return True
    return importer == f"{ours}.{WIRING}" and imported == f"{theirs}.{OFFERED}"


def _domain_of(module: str, domains: set[str]) -> str | None:
    return next((d for d in domains if module == d or module.startswith(f"{d}.")), None)
