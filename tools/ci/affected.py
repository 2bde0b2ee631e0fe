"""Find what CI runs for a change, from the changed paths: `nox -s affected -- [--base REF]`.

ROWS decides which jobs, components and sessions run. To add a job that runs a nox session, add the
session to SESSIONS, and to each row in ROWS whose paths it checks.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.ci import git, github
from tools.console import say, summarize
from tools.errors import UserError, reports_errors
from tools.project import ROOT, domains, environments

# The environments that CI deploys after a push to main, in this order.
DEPLOYED_BY_PUSH = "apps/deployed_by_push.txt"

# Stands for the domain whose folder holds the path. CI runs the sessions with the domain's tag.
DOMAIN = "domain"
# More tags with a job each. `shared` includes `apps`.
COMPONENTS = ("src", "shared", "apps")
# The sessions with a job each. `e2e` includes `smoke`.
SESSIONS = ("e2e", "clients", "growth", "guard", "rehearse")
# What runs if the deployed stacks may change.
DEPLOYED = frozenset({"apps", "cdk-synth", "clients", "deploy", "e2e", "guard", "rehearse"})
EVERYTHING = DEPLOYED.union({DOMAIN}, COMPONENTS, SESSIONS)

# Path patterns, and what CI runs for them. The first row that matches a path decides. If no row
# matches, everything runs.
ROWS: list[tuple[tuple[str, ...], frozenset[str]]] = [
    # tests/permissions compares this document with the permissions that it tests.
    (("docs/permissions.md",), frozenset({"shared", "e2e"})),
    # tests/apps reads these documents.
    (("*.md", "docs/**"), frozenset({"shared"})),
    ((".editorconfig", ".github/*.md", ".github/CODEOWNERS"), frozenset()),
    # Settings and lock files for every session.
    (("*.toml", "*.json", "uv.lock", ".npmrc", ".python-version", "noxfile.py"), EVERYTHING),
    # Only a run with every job uses every action.
    ((".github/workflows/**", ".github/actions/**"), EVERYTHING),
    ((".ci/**", ".github/**", ".git*", ".pre-commit-config.yaml"), frozenset({"shared"})),
    # Code that all domains and their tests share.
    (("stacks/core/**", "stacks/*.py", "tests/*.py", "tools/project.py"), EVERYTHING),
    # A domain may import only another domain's exports.py (pyproject.toml).
    (("stacks/*/exports.py",), EVERYTHING),
    (("stacks/*/**",), DEPLOYED | {DOMAIN}),
    # Functions in the stacks bundle this code. No snapshot contains it.
    (("src/**",), DEPLOYED | {"src"}),
    (("apps/**",), DEPLOYED | {"shared"}),
    # Changed code for the recorded stacks matches other rows.
    (("snapshots/**",), DEPLOYED),
    (("tests/clients/**",), frozenset({"shared", "clients"})),
    (("tools/security/checkov/**",), frozenset({"cdk-synth"})),
    # Tools that deploys do not run, or only in a job of CI.
    (("tools/ci/**", "tools/new/**"), frozenset({"shared", "growth"})),
    (("tools/**",), DEPLOYED | {"shared", "growth"}),
    (("tests/growth/**",), frozenset({"shared", "growth"})),
    (("tests/permissions/**", "tests/tools/**"), frozenset({"shared", "e2e"})),
    (("tests/apps/**", "tests/core/**", "tests/speed/**"), frozenset({"shared"})),
    (("tests/src/**",), frozenset({"src"})),
    (("tests/*/**",), frozenset({DOMAIN})),
]


@dataclass(frozen=True)
class Affected:
    """The domains, components, sessions and jobs that CI runs, and why, for people."""

    names: frozenset[str]
    why: str


def everything(known: Sequence[str], why: str) -> Affected:
    """All names, with one reason; `known` are the domains."""
    return Affected((EVERYTHING - {DOMAIN}).union(known), f"Everything: {why}")


def since(root: Path, base: str, *, exact: bool = False) -> Affected:
    """What the working tree in `root` changed since it left the branch `base`.

    With `exact`, since the commit `base` itself. If git cannot tell, everything is affected.
    """
    try:
        start = git.commit(root, base) if exact else git.merge_base(root, base, "HEAD")
        return judge(git.changed(root, start), domains(root))
    except UserError as error:
        return everything(domains(root), str(error))


def judge(changed: Iterable[str], known: Sequence[str]) -> Affected:
    """What the paths `changed` affect; `known` are the domains."""
    every: set[str] = set()
    lines = []
    for path in sorted(changed):
        shown = path if path.isprintable() else ascii(path)
        names = _names(PurePosixPath(path), known)
        if names == EVERYTHING:
            return everything(known, f"{shown} may affect every job.")
        every |= names
        lines.append(f"{', '.join(sorted(names)) or 'nothing'}: {shown}")
    return Affected(frozenset(every), "\n".join(lines) or "Nothing changed.")


def _names(path: PurePosixPath, known: Sequence[str]) -> frozenset[str]:
    """The names in the path's row, with its domain in place of DOMAIN."""
    rows = (names for patterns, names in ROWS if any(map(path.full_match, patterns)))
    names = next(rows, EVERYTHING)
    if names == EVERYTHING or DOMAIN not in names:
        return names
    domain = path.parts[1]
    return names - {DOMAIN} | {domain} if domain in known else EVERYTHING


def deployed_by_push(root: Path = ROOT) -> list[str]:
    """The environments in DEPLOYED_BY_PUSH; raises `UserError` for an unknown one."""
    file = root / DEPLOYED_BY_PUSH
    names = file.read_text().split() if file.exists() else []
    for name in names:
        if name not in environments(root):
            raise UserError(
                f"{DEPLOYED_BY_PUSH}: {name!r} is no folder of apps/. Correct the name."
            )
    return names


def outputs(
    names: frozenset[str], environments: Sequence[str], known: Sequence[str]
) -> dict[str, list[str]]:
    """The outputs for ci.yml: the jobs that run, and the matrices for three of them.

    Raises `UserError` for the name of a folder that bash could run.
    """
    for name in (*environments, *known):
        if not re.fullmatch("[a-z0-9_]+", name):
            raise UserError(f"CI accepts no name like {name!r}. Rename the folder.")
    tags = [name for name in (*known, *COMPONENTS) if name in names]
    components = [tag for tag in tags if tag != "apps" or "shared" not in tags]
    sessions = [session for session in SESSIONS if session in names]
    jobs = {
        "lint-and-test": bool(components),
        "session": bool(sessions),
        "cdk-synth": "cdk-synth" in names,
        "deploy": bool(environments),
    }
    return {
        "jobs": [job for job, runs in jobs.items() if runs],
        "components": components,
        "sessions": sessions,
        "environments": [*environments],
    }


def _write_for_ci(root: Path) -> None:
    """Set a job's outputs, and add the reasons to its summary."""
    found: dict[str, Affected] = {}
    deploys: list[str] = []
    if os.environ["GITHUB_EVENT_NAME"] == "push":
        for name in deployed_by_push(root):
            commit = github.recorded(name)
            each = (
                since(root, commit, exact=True)
                if commit
                else everything(domains(root), "no deploy is recorded.")
            )
            found[f"Changes since the deploy to {name}"] = each
            if "deploy" in each.names:
                deploys.append(name)
        if not found:
            found["Changes"] = everything(domains(root), "a push deploys no environment.")
    else:
        found["Changes since main"] = since(root, "origin/main")
    for title, each in found.items():
        say(f"{title}\n{each.why}")
        summarize(f"### {title}", f"```\n{each.why}\n```")
    names = frozenset[str]().union(*(each.names for each in found.values()))
    github.write_outputs(outputs(names, deploys, domains(root)))


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print what CI runs for the changes in the repository `root`; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s affected --", allow_abbrev=False)
    parser.add_argument("--base", metavar="REF", help="default: origin/main, or main")
    parser.add_argument("--ci", action="store_true", help="set the outputs for ci.yml")
    options = parser.parse_args(arguments)
    if options.ci:
        _write_for_ci(root)
    else:
        say(since(root, options.base or git.default_base(root)).why)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
