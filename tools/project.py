"""The layout of this repository: its root, domains, environments and reserved names.

The noxfile imports this module, in the Python of any installed nox: standard library only.
"""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = "core"
# No domain has these names: nox sessions, their tags and folders in tests/ have them, and the stack
# of a domain named "domain" would have the name of its base class, DomainStack.
RESERVED = {CORE, "apps", "cloud", "domain", "environments", "shared", "speed", "tools"}


def domains(root: Path = ROOT) -> list[str]:
    """The folders of `stacks/` except `core`: one domain each."""
    found = {path.parent.name for path in root.glob("stacks/*/*.py")}
    return sorted(found - {CORE})


def environments(root: Path = ROOT) -> list[str]:
    """The folders of `apps/`: one environment each."""
    return sorted(path.parent.name for path in root.glob("apps/*/app.py"))


def incomplete(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """One sentence for each domain of `names` that lacks its app or its tests: what to create."""
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
    """The environments whose app.py has the line `DEPLOYED_BY_PUSH = True`: CI deploys these."""
    return [
        name
        for name in environments(root)
        if "DEPLOYED_BY_PUSH = True" in (root / "apps" / name / "app.py").read_text().splitlines()
    ]
