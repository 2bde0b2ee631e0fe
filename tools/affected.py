"""Which parts of this repository a change affects, from git and the code alone.

`python -m tools.affected --base REF [--head REF] [--json]`; without --head, what is not committed
yet counts, too.
"""

import argparse
import ast
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath

from tools import git
from tools.console import UserError, reports_errors
from tools.project import CORE, ROOT

SHARED = "shared"

# Files at the root that every part depends on.
_EVERYONES = {
    *(".npmrc", ".python-version", "cdk.json", "noxfile.py"),
    *("package-lock.json", "package.json", "pyproject.toml", "uv.lock"),
}
_DOCS = {".editorconfig", "CODEOWNERS", "LICENSE"}
_DOCS_SUFFIXES = {".gif", ".jpeg", ".jpg", ".md", ".png", ".svg", ".webp"}


@dataclass(frozen=True)
class Affected:
    """What must be checked: domains, what belongs to no stack, and the system as deployed.

    `why` is set when it is everything, and when it is nothing. `reasons` maps "shared" and each
    domain to what affects it, unless it is everything.
    """

    stacks: tuple[str, ...] = ()
    shared: bool = False
    deployable: bool = False
    everything: bool = False
    why: str = ""
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def as_json(self) -> str:
        """One line, for a job's output; `stacks` is the matrix."""
        return json.dumps({key: value for key, value in vars(self).items() if key != "reasons"})

    def as_text(self) -> str:
        """A line for each part, and what affects it."""
        if self.why:
            return f"{'Everything' if self.everything else 'Nothing'} is affected: {self.why}."
        lines = []
        for part in (*self.stacks, *[SHARED][: self.shared]):
            first, *more = self.reasons[part]
            lines.append(f"{part}: {first}" + (f" and {len(more)} more" if more else ""))
        return "\n".join([*lines, *["What is deployed, or how, may change."][: self.deployable]])


class _EverythingError(Exception):
    """All is affected, or what is cannot be told; the message says why."""


def affected(root: Path, base: str, head: str | None = None) -> Affected:
    """What the commits since the merge base of `base` and `head` affect in the repository `root`.

    Without `head`: up to the working tree. Where that cannot be told, everything. Raises
    `UserError` for a ref that begins with a dash, an unknown `head`, and when git does not work.
    """
    for option, ref in (("--base", base), ("--head", head or "")):
        if ref.startswith("-"):
            raise UserError(f"{option} is {ref!r}; no git ref begins with a dash.", 2)
    tip = None if head is None else git.commit(root, head)
    if tip == "":
        raise UserError(f"--head is {head!r}, but there is no such commit; fetch it first.", 2)
    code = git.read_files(root, tip, ".", ".py")
    try:
        changed = git.changed(root, git.merge_base(root, base, tip or "HEAD"), tip)
    except git.NoMergeBaseError as error:
        return _everything(code, error)
    return judge(changed, code)


def judge(changed: set[str], code: Mapping[str, bytes]) -> Affected:
    """What a change of the paths `changed` affects, by the Python files as they are after it."""
    try:
        return _judge(changed, _domains(code), {path: _imports(path, code[path]) for path in code})
    except _EverythingError as error:
        return _everything(code, error)


def _everything(code: Iterable[str], why: Exception) -> Affected:
    return Affected(tuple(sorted(_domains(code))), True, True, True, str(why))


def _judge(changed: set[str], domains: set[str], imports: Mapping[str, set[str]]) -> Affected:
    gone = _domains(changed) - domains
    # Others may import what a domain offers; of one that is gone, they may still import anything.
    offered = {
        path
        for path in changed
        if PurePosixPath(path).full_match("stacks/*/exports.py")
        or (path.startswith("stacks/") and path.split("/")[1] in gone)
    }
    causes = {path: _shown(path) for path in sorted(changed)}
    users = _importers(offered, imports)
    # A tool is tested by tests of its own; but those of a domain may use it, too.
    tools = _importers({path for path in changed if path.startswith("tools/")}, imports)
    users |= {
        path: tool
        for path, tool in tools.items()
        if path.startswith("tests/") and path.split("/")[1] in domains
    }
    for path, imported in users.items():
        causes.setdefault(path, f"{_shown(path)} imports {_shown(imported)}")
    reasons: dict[str, list[str]] = {}
    deployable = False
    for path, cause in causes.items():
        match path.split("/"):
            case ["docs", "permissions.md"]:
                # Not only read by people: tests/cloud compares it with what it is made from.
                deployable = True
                continue
            case parts if _is_docs(*parts):
                continue
            case ["stacks" | "tests" as top, domain, _, *_] if domain in domains:
                part, deployed = domain, top == "stacks"
            case ["stacks" | "tests", domain, _, *_] if domain in gone:
                part, deployed = SHARED, True
            case ["stacks" | "tests", _] | ["stacks", "core", *_]:
                raise _EverythingError(f"all stand on {cause}")
            case [name] if name in _EVERYONES:
                raise _EverythingError(f"all depend on {cause}")
            case ["apps", _, *_] | ["tests", "cloud", *_]:
                part, deployed = SHARED, True
            case ["tools", "scanners", *_]:
                part, deployed = SHARED, False
            case ["tools", _, *_]:
                part, deployed = SHARED, _deploys(path, imports)
            case ["snapshots", *_]:
                # They are of the stacks, whose code is affected by itself.
                deployable = True
                continue
            case [".ci" | ".github" | ".gitignore" | ".pre-commit-config.yaml", *_]:
                part, deployed = SHARED, False
            case ["tests", "apps" | "core" | "pipeline" | "speed" | "tools", *_]:
                part, deployed = SHARED, False
            case _:
                raise _EverythingError(f"nothing claims {cause}")
        reasons.setdefault(part, []).append(cause)
        deployable |= deployed
    stacks = tuple(sorted(reasons.keys() - {SHARED}))
    why = "" if reasons or deployable else f"{'only documents' if changed else 'nothing'} changed"
    return Affected(stacks, SHARED in reasons, deployable, why=why, reasons=reasons)


def _domains(paths: Iterable[str]) -> set[str]:
    """The domains whose apps are among the paths."""
    apps = (path for path in paths if PurePosixPath(path).full_match("stacks/*/app.py"))
    return {path.split("/")[1] for path in apps} - {CORE}


def _is_docs(top: str, *below: str) -> bool:
    name = below[-1] if below else top
    if top in ("apps", "stacks", "tests", "tools"):
        # Deeper than a part's own folder, even a README may belong to an asset that is deployed.
        return name.endswith(".md") and len(below) <= 2
    return top == "docs" or name in _DOCS or PurePosixPath(name).suffix.lower() in _DOCS_SUFFIXES


def _deploys(tool: str, imports: Mapping[str, set[str]]) -> bool:
    """Whether a tool takes part in deploying; of a file that is not Python, nobody knows."""
    users = _importers({tool}, imports)
    return not tool.endswith(".py") or any(
        PurePosixPath(user).full_match("tools/**/__main__.py") or user.startswith("tests/cloud/")
        for user in users
    )


def _importers(paths: Iterable[str], imports: Mapping[str, set[str]]) -> dict[str, str]:
    """`paths`, and whatever imports them, directly or not, each with what it imports of them."""
    found = {path: path for path in paths}
    waiting = [*found]
    for path in waiting:
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        new = [user for user, names in imports.items() if module in names and user not in found]
        found |= dict.fromkeys(new, path)
        waiting += new
    return found


def _imports(path: str, source: bytes) -> set[str]:
    # Not grimp, import-linter's library: it reads the installed packages, not a commit's or tests'.
    package = path.split("/")[:-1]
    names = set()
    strings = set()
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise _EverythingError(f"{_shown(path)} is not valid Python") from error
    for node in ast.walk(tree):
        match node:
            case ast.Import(imported):
                names |= {alias.name for alias in imported}
            case ast.ImportFrom(module, imported, level):
                above = package[: len(package) + 1 - level] if level else []
                origin = ".".join([*above, *filter(None, [module])])
                names |= {f"{origin}.{alias.name}" for alias in imported}
            case ast.Constant(str(value)):
                # `python -m tools.local_cloud.server`, started by another tool
                strings.add(value)
    # Importing a module imports the packages that it is in.
    return strings.union(*(accumulate(name.split("."), "{}.{}".format) for name in names))


def _shown(path: str) -> str:
    return path if path.isprintable() else ascii(path)


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Print what is affected and return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s affected --", allow_abbrev=False)
    parser.add_argument("--base", required=True, metavar="REF", help="compare with this commit")
    parser.add_argument("--head", metavar="REF", help="a commit; else the working tree")
    parser.add_argument("--json", action="store_true", help="one line, for a matrix")
    options = parser.parse_args(arguments)
    found = affected(ROOT, options.base, options.head)
    print(found.as_json() if options.json else found.as_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
