"""Find what CI runs for a change, from the changed paths: `nox -s affected -- [--base REF]`.

ROWS decides which jobs, components and sessions run. To add a job that runs a nox session, add the
session to SESSIONS, and to each row in ROWS whose paths it checks.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tools.ci import git, github
from tools.console import say, summarize
from tools.errors import UserError, reports_errors
from tools.project import ROOT, domains

# The environments that CI deploys after a push to main, in this order.
DEPLOYED_BY_PUSH = "apps/deployed_by_push.txt"

# Stands for the domain whose folder holds the path. CI runs the sessions with the domain's tag.
DOMAIN = "domain"
# More tags with a job each. `shared` includes `apps`.
COMPONENTS = ("src", "shared", "apps")
# The sessions with a job each.
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


# What CI runs, by the reason: a changed path, or why git cannot tell what has changed.
type Reasons = Mapping[str, frozenset[str]]


def since(root: Path, base: str, *, exact: bool = False) -> Reasons:
    """What CI runs for the changes in `root` since it left the branch `base`.

    With `exact`, since the commit `base` itself. If git cannot tell, everything runs.
    """
    try:
        changed = git.changed(root, git.start(root, base, exact=exact))
    except UserError as error:
        return {str(error): EVERYTHING}
    known = domains(root)
    return {path: names_for(path, known) for path in sorted(changed)}


def names_for(changed: str, known: Sequence[str]) -> frozenset[str]:
    """What CI runs for a changed path; `known` are the domains."""
    path = PurePosixPath(changed)
    rows = (names for patterns, names in ROWS if any(map(path.full_match, patterns)))
    names = next(rows, EVERYTHING)
    if names == EVERYTHING or DOMAIN not in names:
        return names
    domain = path.parts[1]
    return names - {DOMAIN} | {domain} if domain in known else EVERYTHING


def joined(reasons: Reasons) -> frozenset[str]:
    """What CI runs for all the reasons."""
    return frozenset[str]().union(*reasons.values())


def explain(reasons: Reasons) -> str:
    """One line for each reason, for people."""
    lines = []
    for reason, names in reasons.items():
        what = ", ".join(sorted(names)) or "nothing"
        shown = reason if reason.isprintable() else ascii(reason)
        lines.append(f"{'everything' if names == EVERYTHING else what}: {shown}")
    return "\n".join(lines) or "Nothing changed."


def outputs(
    names: frozenset[str], environments: Sequence[str], known: Sequence[str]
) -> dict[str, list[str]]:
    """The outputs for ci.yml: the jobs that run, and the matrices for three of them.

    Raises `UserError` for the name of a folder that bash could run.
    """
    for name in (*environments, *known):
        if not re.fullmatch("[a-z0-9_]+", name):
            raise UserError(f"CI accepts no name like {name!r}. Rename the folder.")
    if DOMAIN in names:
        names = names.union(known)
    tags = [name for name in (*known, *COMPONENTS) if name in names]
    components = [tag for tag in tags if tag != "apps" or "shared" not in tags]
    sessions = [session for session in SESSIONS if session in names]
    jobs = {
        "lint-and-test": components,
        "session": sessions,
        "cdk-synth": names & {"cdk-synth"},
        "deploy": environments,
    }
    return {
        "jobs": [job for job, runs in jobs.items() if runs],
        "components": components,
        "sessions": sessions,
        "environments": [*environments],
    }


def _for_ci(root: Path) -> None:
    """Set the outputs for ci.yml, and add the reasons to the job's summary."""
    found: dict[str, Reasons] = {}
    deploys: list[str] = []
    if os.environ["GITHUB_EVENT_NAME"] == "push":
        for name in (root / DEPLOYED_BY_PUSH).read_text().split():
            commit = github.recorded(name)
            unrecorded = {"no deploy is recorded": EVERYTHING}
            reasons = since(root, commit, exact=True) if commit else unrecorded
            found[f"Changes since the deploy to {name}"] = reasons
            if "deploy" in joined(reasons):
                deploys.append(name)
        if not found:
            found["Changes"] = {"a push deploys no environment": EVERYTHING}
    else:
        found["Changes since main"] = since(root, "origin/main")
    for title, reasons in found.items():
        say(f"{title}\n{explain(reasons)}")
        summarize(f"### {title}", f"```\n{explain(reasons)}\n```")
    names = frozenset[str]().union(*map(joined, found.values()))
    github.write_outputs(outputs(names, deploys, domains(root)))


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print what CI runs for the changes in the repository `root`; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s affected --", allow_abbrev=False)
    parser.add_argument("--base", metavar="REF", help="default: origin/main, or main")
    parser.add_argument("--ci", action="store_true", help="set the outputs for ci.yml")
    options = parser.parse_args(arguments)
    if options.ci:
        _for_ci(root)
    else:
        say(explain(since(root, options.base or git.default_base(root))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
