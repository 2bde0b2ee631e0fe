"""Each environment's reviewed state: its templates, and its stacks' settings.

`python -m tools.guard.snapshots` records the state. `nox -s guard` and the tests for apps/ compare
it with a new synthesis.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stacks.core.rights import FILE as RIGHTS
from tools.cdk_cli.assembly import ANY_ACCOUNT, read_stacks
from tools.cdk_cli.synth import synthesize_all
from tools.console import say, waiting
from tools.docs import documents
from tools.errors import UserError, reports_errors
from tools.execution_policy import policy
from tools.guard.resources import Template
from tools.project import ROOT, environments

FOLDER = ROOT / "snapshots"
# Stack settings that templates do not contain. The guard compares them.
STACKS = "stacks.json"
_SUB = re.compile(r'\{"Fn::Sub": ("[^"]*")\}')


def read(files: Mapping[str, bytes]) -> dict[str, Template]:
    """Each recorded template, with its settings, by a path such as `dev/StorageStack`.

    Takes the files in snapshots/ by path. Omits the statements of policies that a record of rights
    holds: they follow from the other templates, and the guard reports new rights.
    """
    records = [json.loads(files[path]) for path in files if path.endswith(f"/{RIGHTS}")]
    rights = [
        json.dumps(policy)
        for record in records
        for policy in [record["boundary"], *record["execution"], *record["drift"]]
    ]
    found: dict[str, Template] = {}
    for path in (path for path in files if path.endswith(f"/{STACKS}")):
        folder = path.removesuffix(STACKS)
        for stack, settings in json.loads(files[path]).items():
            template = json.loads(files[f"{folder}{stack}.template.json"])
            for resource in template["Resources"].values():
                document = resource.get("Properties", {}).get("PolicyDocument", {})
                # An ARN in the record is a Fn::Sub in the template.
                if _SUB.sub(r"\1", json.dumps(document.get("Statement"))) in rights:
                    document["Statement"] = []
            found[f"{folder.split('/')[-2]}/{stack}"] = {**template, "Settings": settings}
    return found


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
    if recorded := policy.rights(assembly):
        found[RIGHTS] = policy.text(recorded).encode()
    return {**found, STACKS: text.encode()}


def record(assembly: Path, snapshots: Path) -> None:
    """Replace the snapshots by a cloud assembly's templates and settings.

    Draws the environment's diagram in README again.
    """
    found = _reviewed(assembly)
    snapshots.mkdir(parents=True, exist_ok=True)
    _clear(snapshots)
    for name, content in found.items():
        (snapshots / name).write_bytes(content)
    documents.write_diagram(snapshots)


def _clear(snapshots: Path) -> None:
    """Remove what `record` writes, and no other file."""
    for name in (*templates(snapshots), STACKS, RIGHTS):
        (snapshots / name).unlink(missing_ok=True)


def check(assembly: Path, snapshots: Path) -> None:
    """Raise `UserError` unless the snapshots hold the same JSON as a cloud assembly.

    The bytes may differ, because a git setting can change line endings. Also raises `UserError` for
    snapshots whose environment does not exist: with them, the guard would report no change. And for
    a diagram that differs from the snapshots.
    """
    for folder in _without_app(snapshots.parent):
        raise UserError(
            f"{folder.relative_to(ROOT)}: apps/{folder.name}/app.py does not exist. Run "
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


def _without_app(folder: Path) -> list[Path]:
    """The snapshots of environments that do not exist."""
    recorded = {path.parent for path in folder.glob(f"*/{STACKS}")}
    return sorted(path for path in recorded if path.name not in environments())


def record_all(names: Sequence[str]) -> None:
    """Record environments; if their rights changed, then all, because an account deploys them."""
    before = _recorded_rights()
    for name, assembly in synthesize_all(names).items():
        record(assembly, FOLDER / name)
    if _recorded_rights() != before:
        record_all(environments())


def _recorded_rights() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in FOLDER.glob(f"*/{RIGHTS}")}


@reports_errors
def main(arguments: Sequence[str] = ()) -> int:
    """Record the named or all environments, remove snapshots of others, and return the status."""
    parser = argparse.ArgumentParser(prog="nox -s snapshots --", allow_abbrev=False)
    parser.add_argument(
        "names", nargs="*", choices=environments(), metavar="ENVIRONMENT", help="default: all"
    )
    names = parser.parse_args(arguments).names or environments()
    with waiting("Synthesizing"):
        record_all(names)
    for name in names:
        say(f"Recorded in {(FOLDER / name).relative_to(ROOT)}.")
    for folder in _without_app(FOLDER):
        _clear(folder)
        with suppress(OSError):  # it holds other files
            folder.rmdir()
        say(f"Removed the templates in {folder.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
