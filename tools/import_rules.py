"""The import rules between domains, as a contract type for import-linter."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

# Only the module `app` of a domain may import another domain, and only its module `exports`.
WIRING, OFFERED = "app", "exports"
CORE = "stacks.core"


class DomainsContract(Contract):
    """A domain (`stacks/<domain>/`) imports no other domain; only its app.py may import exports.py.

    `stacks/core` imports no domain, and no module imports a domain's app.py. The contract finds the
    domains in the import graph, so it also applies to new domains.
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
            output.print_error(
                f"{line} is not allowed. Import the exports.py of another domain in app.py."
            )


def _allowed(importer: str, imported: str, domains: set[str]) -> bool:
    theirs = _domain_of(imported, domains)
    ours = _domain_of(importer, domains)
    if imported == f"{theirs}.{WIRING}":
        return False  # app.py gives access to other domains
    if theirs is None or theirs == ours:
        return True
    return importer == f"{ours}.{WIRING}" and imported == f"{theirs}.{OFFERED}"


def _domain_of(module: str, domains: set[str]) -> str | None:
    return next((d for d in domains if module == d or module.startswith(f"{d}.")), None)
