"""Compare the snapshots with the snapshots of a base: `nox -s guard -- [--base REF]`."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from tools import git, snapshots
from tools.console import UserError, reports_errors, summarize, waiting
from tools.guard.changes import Template, compare
from tools.guard.destructive import destructive_changes
from tools.guard.report import ACKNOWLEDGED, new_acknowledgements, report
from tools.project import ROOT, environments
from tools.synth import synthesize

SUFFIX = ".template.json"


def judge(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> tuple[str, bool]:
    """The report in Markdown, and whether all destructive changes are acknowledged.

    Takes the files in snapshots/ by path. Raises `UserError` for an acknowledgement that is not
    valid or matches no destructive change.
    """
    stacks = sorted(path.removesuffix(SUFFIX) for path in {**base, **here} if SUFFIX in path)
    changes = compare(
        {path.partition("/")[2]: (_load(base, path), _load(here, path)) for path in stacks}
    )
    destructive = [each for stack in changes for each in destructive_changes(stack)]
    reasons, found = new_acknowledgements(here, base), {each.resource for each in destructive}
    for resource in reasons.keys() - found:
        raise UserError(
            f"{ACKNOWLEDGED} acknowledges {resource!r}, which has no destructive change. "
            "Delete or correct the entry. Resources with other destructive changes: "
            f"{', '.join(sorted(found - reasons.keys())) or 'none'}.",
            2,
        )
    return report(changes, destructive, reasons), found <= reasons.keys()


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 if a destructive change is not acknowledged, otherwise 0."""
    parser = argparse.ArgumentParser(prog="nox -s guard --", allow_abbrev=False)
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch or commit to compare with (default: origin/main, or main without it)",
    )
    options = parser.parse_args(arguments)
    with waiting("Synthesizing and comparing"):
        for name in environments():
            snapshots.check(synthesize(name), snapshots.FOLDER / name)
        start = git.merge_base(ROOT, options.base or git.default_base(ROOT), "HEAD")
        here, base = (
            git.read_files(ROOT, commit, snapshots.FOLDER.name) for commit in (None, start)
        )
        text, passes = judge(here, base)
    print(text)
    summarize(text)
    return 0 if passes else 1


def _load(files: Mapping[str, bytes], path: str) -> Template:
    """The template of a stack, with the settings that its environment's `stacks.json` holds."""
    if f"{path}{SUFFIX}" not in files:
        return {}
    environment, _, stack = path.rpartition("/")
    settings = json.loads(files.get(f"{environment}/{snapshots.STACKS}", b"{}"))
    return {**json.loads(files[f"{path}{SUFFIX}"]), "Settings": settings.get(stack)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
