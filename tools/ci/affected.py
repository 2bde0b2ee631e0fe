"""Find the components that a change affects, from the changed paths. CI runs their jobs.

`python -m tools.ci.affected [--base REF] [--head REF] [--json]`. An unclear change affects
everything. `python -m tools.ci.affected --environments` prints only the environments.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from tools.cdk_cli import synth
from tools.ci import git
from tools.errors import UserError, reports_errors
from tools.project import ROOT, deployed_by_push, domains, environments

EVERYTHING = "everything"
DOMAIN = "domain"  # the domain whose folder holds the path
SHARED = "shared"  # checks that belong to no domain
DEPLOYED = "deployed system"  # the deployed stacks, or the commands that deploy them

# Path patterns, and the components that they affect. The first row that matches a path decides. A
# path without a matching row affects everything.
RULES: list[tuple[tuple[str, ...], set[str]]] = [
    # tests/cloud compares this document with the permissions that it tests.
    (("docs/permissions.md",), {SHARED, DEPLOYED}),
    # tests/apps reads these documents.
    (("*.md", "docs/**"), {SHARED}),
    # Not **/*.md: a Markdown file in a domain may be a deployed asset.
    (("*/README.md", "*/*/README.md", "*.png", "*.svg"), set()),
    (("LICENSE", ".editorconfig", ".github/*.md", ".github/CODEOWNERS"), set()),
    # Settings and lock files of every session.
    (("*.toml", "*.json", "uv.lock", ".npmrc", ".python-version", "noxfile.py"), {EVERYTHING}),
    # Only the sessions `clients` and `security` use these files. CI runs `clients` if certain
    # domains are affected, and `security` if the deployed system is affected.
    (("tests/clients/**", "tools/clients/**", "tools/security/checkov/**"), {EVERYTHING}),
    # Shared code of all domains and their tests.
    (("stacks/core/**", "stacks/*.py", "tests/*.py", "tools/project.py"), {EVERYTHING}),
    # A domain may import only the exports.py of another domain (pyproject.toml).
    (("stacks/*/exports.py",), {EVERYTHING}),
    (("apps/**", "tests/cloud/**"), {SHARED, DEPLOYED}),
    # Changed code of the recorded stacks matches other rows.
    (("snapshots/**",), {DEPLOYED}),
    # Tools that deploys do not run.
    (("tools/ci/**", "tools/new/**"), {SHARED}),
    (("tools/**",), {SHARED, DEPLOYED}),
    ((".ci/**", ".github/**", ".git*", ".pre-commit-config.yaml"), {SHARED}),
    (("tests/apps/**", "tests/core/**", "tests/speed/**", "tests/tools/**"), {SHARED}),
    (("stacks/*/**",), {DOMAIN, DEPLOYED}),
    (("tests/*/**",), {DOMAIN}),
]


@dataclass(frozen=True)
class Affected:
    """The affected components. `why` has a line for each, or a sentence for all or none."""

    stacks: tuple[str, ...]
    shared: bool
    deployable: bool
    why: str


def affected(root: Path, base: str, head: str | None = None) -> Affected:
    """Find the components that the commits since the merge base of `base` and `head` affect.

    Without `head`, changes in the working tree of the repository `root` count too. If git cannot
    find the changes, everything is affected.
    """
    try:
        tip = None if head is None else git.commit(root, head)
        changed = git.changed(root, git.merge_base(root, base, tip or "HEAD"), tip)
    except UserError as error:
        return _everything(domains(root), str(error))
    return judge(changed, domains(root))


def judge(changed: set[str], known: Sequence[str]) -> Affected:
    """Find the components that the paths `changed` affect; `known` are the domains."""
    causes: dict[str, list[str]] = {}
    for path in sorted(changed):
        components = _components(path)
        if components is None:
            return _everything(known, f"no rule in tools/ci/affected.py for {path}.")
        if EVERYTHING in components:
            return _everything(known, f"{path} may affect every component.")
        for component in sorted(components):
            name = path.split("/")[1] if component == DOMAIN else component
            if component == DOMAIN and name not in known:
                return _everything(known, f"no domain contains {path}.")
            causes.setdefault(name, []).append(path)
    lines = [
        f"{name}: {paths[0]}" + (f" and {len(paths) - 1} more" if paths[1:] else "")
        for name, paths in causes.items()
    ]
    why = "\n".join(lines) or (
        "No component depends on the changed files." if changed else "Nothing changed."
    )
    stacks = tuple(domain for domain in known if domain in causes)
    return Affected(stacks, SHARED in causes, DEPLOYED in causes, why)


def _components(path: str) -> set[str] | None:
    name = PurePosixPath(path)
    return next((found for patterns, found in RULES if any(map(name.full_match, patterns))), None)


def _everything(known: Sequence[str], why: str) -> Affected:
    return Affected(tuple(known), True, True, f"Everything: {why}")


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print the affected components of the repository `root`; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s affected --", allow_abbrev=False)
    parser.add_argument("--base", metavar="REF", help="default: origin/main, or main")
    parser.add_argument("--head", metavar="REF", help="default: the working tree")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument(
        "--environments", action="store_true", help="print only the environments, as a JSON list"
    )
    options = parser.parse_args(arguments)
    if options.environments:  # for .github/workflows/drift.yml
        print(json.dumps(environments()))
        return 0
    base = git.default_base(root) if options.base is None else options.base
    found = affected(root, base, options.head)
    if options.json:
        # `nox -t environments` writes these cloud assemblies.
        deploys = [
            {
                "environment": name,
                "assembly": str(synth.assembly_folder(name).relative_to(ROOT)),
            }
            for name in deployed_by_push()
        ]
        print(json.dumps(asdict(found) | {"deploys": deploys}))
    else:
        # The name of a file may be no valid UTF-8.
        print(found.why.encode(errors="backslashreplace").decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
