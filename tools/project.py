"""The layout of this repository: its root, domains, environments and reserved names.

The noxfile imports this module, in the Python of any installed nox: standard library only.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = "core"
# Names of nox sessions' components and tags, and of test folders, that belong to no domain.
RESERVED = {CORE, "apps", "cloud", "environments", "pipeline", "shared", "speed", "tools"}


def domains(root: Path = ROOT) -> list[str]:
    """The folders of `stacks/` except `core`: one domain each."""
    found = {path.parent.name for path in root.glob("stacks/*/*.py")}
    return sorted(found - {CORE})


def environments(root: Path = ROOT) -> list[str]:
    """The folders of `apps/`: one environment each."""
    return sorted(path.parent.name for path in root.glob("apps/*/app.py"))
