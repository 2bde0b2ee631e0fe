"""The layout of this repository: its root, domains, environments and reserved names.

Any installed nox imports this module through the noxfile: use the standard library only.
"""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = "core"
# Nox sessions, their tags and folders in tests/ use these names. The stack of a domain "domain"
# would have the name of its base class, DomainStack.
RESERVED = {
    *(CORE, "apps", "clients", "cloud", "domain", "environments", "shared", "speed", "tools")
}


def domains(root: Path = ROOT) -> list[str]:
    """The folders of `stacks/` except `core`: one domain each."""
    found = {path.parent.name for path in root.glob("stacks/*/*.py")}
    return sorted(found - {CORE})


def environments(root: Path = ROOT) -> list[str]:
    """The folders of `apps/`: one environment each."""
    return sorted(path.parent.name for path in root.glob("apps/*/app.py"))


def incomplete(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """One sentence for each domain of `names` that lacks files, with the files to create."""
    files = ("stacks/{}/app.py", "tests/{}/test_stack.py", "tests/{}/exports.txt")
    missing = {
        name: [file.format(name) for file in files if not (root / file.format(name)).exists()]
        for name in names
        if name in domains(root)
    }
    return [
        f"The domain {name!r} is incomplete: create {' and '.join(paths)}, as in another domain."
        for name, paths in missing.items()
        if paths
    ]


def deployed_by_push(root: Path = ROOT) -> list[str]:
    """The environments that CI deploys: their app.py has the line `DEPLOYED_BY_PUSH = True`."""
    return [
        name
        for name in environments(root)
        if "DEPLOYED_BY_PUSH = True" in (root / "apps" / name / "app.py").read_text().splitlines()
    ]
