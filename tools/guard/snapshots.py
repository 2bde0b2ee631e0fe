"""Each environment's reviewed state: its templates, and its stacks' settings.

`python -m tools.guard.snapshots` records the state. `nox -s guard` and the tests for apps/ compare
it with a new synthesis.
"""

import json
import re
import sys
from pathlib import Path

from tools.cdk_cli.assembly import ANY_ACCOUNT, read_stacks
from tools.cdk_cli.synth import synthesize_all
from tools.console import say, waiting
from tools.docs import documents
from tools.errors import UserError, reports_errors
from tools.project import ROOT, environments

FOLDER = ROOT / "snapshots"
# Stack settings that templates do not contain. The guard compares them.
STACKS = "stacks.json"


def templates(folder: Path) -> dict[str, bytes]:
    """The templates in a cloud assembly, or in its snapshots, by file name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.template.json")}


def _without_code(template: bytes) -> bytes:
    """The template without asset hashes, which change whenever the code does."""
    template = re.sub(rb"\b[0-9a-f]{64}\b", b"ASSET_HASH", template)
    # A function version's logical id ends with a hash of its code.
    return re.sub(rb"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}\b", rb"\1", template)


def _reviewed(assembly: Path) -> dict[str, bytes]:
    """A cloud assembly's templates and its stacks' settings, by file name."""
    settings = {
        stack.template.removesuffix(".template.json"): {
            "environment": f"aws://{stack.account or ANY_ACCOUNT}/{stack.region}",
            "stackName": stack.name,
            "terminationProtection": stack.is_protected,
        }
        for stack in read_stacks(assembly)
    }
    text = f"{json.dumps(settings, indent=1, sort_keys=True)}\n"
    found = {name: _without_code(content) for name, content in templates(assembly).items()}
    return {**found, STACKS: text.encode()}


def record(assembly: Path, snapshots: Path) -> None:
    """Replace the snapshots by a cloud assembly's templates and settings.

    Draws the environment's diagram in README again.
    """
    found = _reviewed(assembly)
    snapshots.mkdir(parents=True, exist_ok=True)
    for name in templates(snapshots):
        (snapshots / name).unlink()
    for name, content in found.items():
        (snapshots / name).write_bytes(content)
    documents.write_diagram(snapshots)


def _removed(snapshots: Path) -> list[Path]:
    """Template and settings files for environments that do not exist."""
    paths = [*snapshots.glob("*/*.template.json"), *snapshots.glob(f"*/{STACKS}")]
    return sorted(path for path in paths if path.parent.name not in environments())


def check(assembly: Path, snapshots: Path) -> None:
    """Raise `UserError` unless the snapshots hold the same JSON as a cloud assembly.

    The bytes may differ, because a git setting can change line endings. Also raises `UserError` for
    snapshots whose environment does not exist: with them, the guard would report no change. And for
    a diagram that differs from the snapshots.
    """
    for path in _removed(snapshots.parent):
        raise UserError(
            f"{path.parent.relative_to(ROOT)}: apps/{path.parent.name}/app.py does not exist. Run "
            "`uv run nox -s snapshots` to remove the folder; `uv run nox -s guard` then reports "
            "the removed stacks."
        )
    found = {name: json.loads(content) for name, content in _reviewed(assembly).items()}
    recorded = {path.name: json.loads(path.read_bytes()) for path in snapshots.glob("*.json")}
    if other := sorted(name for name in found | recorded if found.get(name) != recorded.get(name)):
        raise UserError(
            f"{', '.join(other)}: different from {snapshots.relative_to(ROOT)}. If the difference "
            "is intended, record it for the review with `uv run nox -s snapshots`; `uv run nox -s "
            "guard` then shows whether it is destructive."
        )
    documents.check_diagram(snapshots)


@reports_errors
def main() -> int:
    """Record all environments' snapshots, remove all others, and return the exit status."""
    with waiting("Synthesizing"):
        assemblies = synthesize_all(environments())
    for name, assembly in assemblies.items():
        record(assembly, FOLDER / name)
        say(f"Recorded in {(FOLDER / name).relative_to(ROOT)}.")
    for path in _removed(FOLDER):
        path.unlink()
        say(f"Removed {path.relative_to(ROOT)}.")
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
