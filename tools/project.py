"""The repository's layout: its root, domains, environments and reserved names.

Any installed nox imports this module through the noxfile: use the standard library only.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = "core"
# Nox sessions, their tags and folders in tests/ use these names. The stack of a domain "domain"
# would have the name of its base class, DomainStack.
RESERVED = {
    CORE,
    "apps",
    "clients",
    "domain",
    "growth",
    "permissions",
    "shared",
    "speed",
    "src",
    "tools",
}
# A parallel session, or an end-to-end test worker, has Python, Node and perhaps a local cloud.
GIGABYTES_OF_A_WORKER = 2


def domains(root: Path = ROOT) -> list[str]:
    """The folders in `stacks/` except `core`: one domain each."""
    found = {path.parent.name for path in root.glob("stacks/*/*.py")}
    return sorted(found - {CORE})


def environments(root: Path = ROOT) -> list[str]:
    """The folders in `apps/`: one environment each."""
    return sorted(path.parent.name for path in root.glob("apps/*/app.py"))


def workers(for_each_core: int = 1) -> int:
    """How many sessions, or test workers, may run side by side on this machine."""
    # Python 3.13 counts fewer in a container.
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return max(1, min(cores * for_each_core, memory // GIGABYTES_OF_A_WORKER))


def settings_of_checks() -> list[str]:
    """The user's environment variables that would change what a check finds, or how long it takes.

    For example PYTEST_ADDOPTS, and PYTHONOPTIMIZE, which removes every assertion.
    """
    names = {"PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE", "PYTHONSAFEPATH", "PYTHONWARNINGS"}
    prefixes = ("COVERAGE_", "MYPY", "PYTEST_", "RUFF_", "ZIZMOR_")
    return [key for key in os.environ if key in names or key.startswith(prefixes)]
