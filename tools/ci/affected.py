"""Find what CI runs for a change, from the changed paths: `nox -s affected -- [--base REF]`.

RULES decides which jobs, components and sessions run. To add a job that runs a nox session, add the
session to SESSIONS, and to the rows in RULES whose paths it checks.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stacks.core.environment import DOMAIN as DOMAIN_NAME
from stacks.core.environment import ENVIRONMENT as ENVIRONMENT_NAME
from tools.ci import git, github
from tools.ci.push import deployed_by_push
from tools.console import say, summarize
from tools.errors import UserError, reports_errors
from tools.project import ROOT, domains

# Stands for the domain whose folder holds the path. CI runs the sessions with the domain's tag.
DOMAIN = "domain"
# More tags with a job each. `shared` includes `apps`.
COMPONENTS = ("src", "shared", "apps")
# The sessions with a job each. `e2e` includes `smoke`.
SESSIONS = ("e2e", "clients", "growth", "guard")
# What runs if the deployed stacks may change.
DEPLOYED = frozenset({"apps", "cdk-synth", "clients", "deploy", "e2e", "guard"})
EVERYTHING = DEPLOYED.union({DOMAIN}, COMPONENTS, SESSIONS)

# Path patterns, and what CI runs for them. The first row that matches a path decides. If no row
# matches, everything runs.
RULES: list[tuple[tuple[str, ...], frozenset[str]]] = [
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
    """The domains, components, sessions and jobs that CI runs.

    `why` has a line for each, or a sentence for all or none.
    """

    names: frozenset[str]
    why: str


def affected(root: Path, base: str, head: str | None = None, *, exact: bool = False) -> Affected:
    """Find what changed since `base` and `head` diverged, and what that affects.

    With `exact`, since `base` itself. Without `head`, changes in the working tree of `root` count
    too. If git cannot find the changes, everything is affected.
    """
    known = domains(root)
    try:
        tip = None if head is None else git.commit(root, head)
        start = git.commit(root, base) if exact else git.merge_base(root, base, tip or "HEAD")
        return judge(git.changed(root, start, tip), known)
    except UserError as error:
        return _everything(known, str(error))


def since_deployed(root: Path) -> dict[str, Affected]:
    """For each environment that a push deploys, what changed since its recorded commit."""
    found = {}
    for name in deployed_by_push(root):
        commit = github.recorded(name)
        found[name] = (
            affected(root, commit, "HEAD", exact=True)
            if commit
            else _everything(domains(root), "no deploy is recorded.")
        )
    return found


def judge(changed: Iterable[str], known: Sequence[str]) -> Affected:
    """Find what the paths `changed` affect; `known` are the domains."""
    causes: dict[str, list[str]] = {}
    for path in sorted(changed):
        shown = path if path.isprintable() else ascii(path)
        found = _find_rule(path)
        if found is None:
            return _everything(known, f"no rule in tools/ci/affected.py for {shown}.")
        if found == EVERYTHING:
            return _everything(known, f"{shown} may affect every job.")
        for name in sorted(found):
            if name == DOMAIN and path.split("/")[1] not in known:
                return _everything(known, f"no domain contains {shown}.")
            causes.setdefault(path.split("/")[1] if name == DOMAIN else name, []).append(shown)
    lines = [
        f"{name}: {paths[0]}" + (f" and {len(paths) - 1} more" if paths[1:] else "")
        for name, paths in causes.items()
    ]
    nothing = "No job checks the changed files." if changed else "Nothing changed."
    return Affected(frozenset(causes), "\n".join(lines) or nothing)


def _find_rule(path: str) -> frozenset[str] | None:
    name = PurePosixPath(path)
    return next((found for patterns, found in RULES if any(map(name.full_match, patterns))), None)


def _everything(known: Sequence[str], why: str) -> Affected:
    return Affected((EVERYTHING - {DOMAIN}).union(known), f"Everything: {why}")


def outputs(
    names: frozenset[str], environments: Sequence[str], known: Sequence[str]
) -> dict[str, list[str]]:
    """The outputs for ci.yml: the jobs that run, and the matrices for three of them.

    Workflows insert outputs into scripts, so these hold only names that follow a rule. Raises
    `UserError` for a domain or environment with another name.
    """
    try:
        for domain in known:
            DOMAIN_NAME.check(domain)
        for environment in environments:
            ENVIRONMENT_NAME.check(environment)
    except ValueError as error:
        raise UserError(f"{error}. Rename the folder.") from error
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
    environments: list[str] = []
    if os.environ["GITHUB_EVENT_NAME"] == "push":
        deployed = since_deployed(root)
        environments = [name for name, each in deployed.items() if "deploy" in each.names]
        found = {f"Changes since the deploy to {name}": deployed[name] for name in deployed}
        if not found:
            found["Changes"] = _everything(domains(root), "a push deploys no environment.")
    else:
        found = {"Changes since main": affected(root, "origin/main", "HEAD")}
    for title, each in found.items():
        say(f"{title}\n{each.why}")
        summarize(f"### {title}", f"```\n{each.why}\n```")
    names = frozenset[str]().union(*(each.names for each in found.values()))
    github.write_outputs(outputs(names, environments, domains(root)))


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print what CI runs for the changes in the repository `root`; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s affected --", allow_abbrev=False)
    parser.add_argument("--base", metavar="REF", help="default: origin/main, or main")
    parser.add_argument("--head", metavar="REF", help="default: the working tree")
    parser.add_argument("--ci", action="store_true", help="set the outputs for ci.yml")
    options = parser.parse_args(arguments)
    if options.ci:
        _write_for_ci(root)
    else:
        base = git.default_base(root) if options.base is None else options.base
        say(affected(root, base, options.head).why)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
