"""Compare the snapshots here with those at a base: `nox -s guard -- [--base REF]`."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from tools import git, snapshots
from tools.console import UserError, reports_errors, summarize, waiting
from tools.guard import acknowledged
from tools.guard.changes import Changes, Template, compare
from tools.guard.hazards import hazards
from tools.guard.report import report
from tools.project import ROOT, environments
from tools.synth import synthesize

SUFFIX = ".template.json"


def judge(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> tuple[str, bool]:
    """A report in Markdown, and whether all may pass, given the files in snapshots/ by path.

    Raises `UserError` for an acknowledgement that is wrong, or fits no change.
    """
    pairs = {_stack(path): (_load(base, path), _load(here, path)) for path in {**base, **here}}
    pairs.pop("", None)
    changes: list[Changes] = compare(dict(sorted(pairs.items())))
    found = [hazard for each in changes for hazard in hazards(each)]
    reasons = acknowledged.new(here, base)
    if unknown := [change for change in reasons if change not in found]:
        raise UserError(
            f"{acknowledged.FILE} acknowledges {unknown[0]!r}, but there is no such change since "
            "the base. Take it out, or copy the sentence from the report.",
            2,
        )
    return report(changes, found, reasons), all(hazard in reasons for hazard in found)


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Print the report and return the exit status: 1 for what nobody has acknowledged."""
    parser = argparse.ArgumentParser(prog="nox -s guard --", allow_abbrev=False)
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch or commit that the change began from; else origin/main, or main",
    )
    options = parser.parse_args(arguments)
    with waiting("Comparing"):
        for name in environments():
            snapshots.check(synthesize(name), snapshots.FOLDER / name)
        try:
            start = git.merge_base(ROOT, _base(options.base), "HEAD")
        except git.NoMergeBaseError as error:
            raise UserError(str(error), 2) from error
        here, base = (
            git.read_files(ROOT, commit, snapshots.FOLDER.name, "") for commit in (None, start)
        )
        text, passes = judge(here, base)
    print(text)
    summarize(text)
    return 0 if passes else 1


def _base(ref: str | None) -> str:
    return ref or ("origin/main" if git.commit(ROOT, "origin/main") else "main")


def _stack(path: str) -> str:
    stack = path.removeprefix(f"{snapshots.FOLDER.name}/")
    return stack.removesuffix(SUFFIX) if stack.endswith(SUFFIX) else ""


def _load(files: Mapping[str, bytes], path: str) -> Template:
    template: Template = json.loads(files.get(path, b"{}")) if path.endswith(SUFFIX) else {}
    return template


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
