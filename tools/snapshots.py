"""The reviewed templates of each environment: what was synthesized when they were last recorded.

`python -m tools.snapshots` records them anew; a synthesis is compared with them.
"""

import sys
from pathlib import Path

from tools.console import UserError, console, reports_errors, waiting
from tools.project import ROOT, environments
from tools.synth import synthesize

FOLDER = ROOT / "snapshots"


def templates(folder: Path) -> dict[str, bytes]:
    """The templates of an assembly, or of its snapshots, by file name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.template.json")}


def record(assembly: Path, snapshots: Path) -> None:
    """Make the snapshots those of an assembly."""
    found = templates(assembly)
    for name in templates(snapshots).keys() - found.keys():
        (snapshots / name).unlink()
    snapshots.mkdir(parents=True, exist_ok=True)
    for name, template in found.items():
        (snapshots / name).write_bytes(template)


def check(assembly: Path, snapshots: Path) -> None:
    """Raise `UserError` unless the templates of an assembly are those that were reviewed."""
    found, reviewed = templates(assembly), templates(snapshots)
    names = found.keys() | reviewed.keys()
    if other := sorted(name for name in names if found.get(name) != reviewed.get(name)):
        raise UserError(
            f"{', '.join(other)}: not as in {snapshots.relative_to(ROOT)}. If that is meant, "
            "`uv run nox -s snapshots` records it, for a reviewer to see what will be deployed, "
            "and `uv run nox -s guard` then says whether it is dangerous."
        )


@reports_errors
def main() -> int:
    """Record the templates of all environments; return the exit status."""
    for name in environments():
        with waiting(f"Synthesizing {name}"):
            record(synthesize(name), FOLDER / name)
        console.print(f"Recorded in {(FOLDER / name).relative_to(ROOT)}.", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
