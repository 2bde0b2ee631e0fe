"""Compare the snapshots with a base's snapshots.

`nox -s guard -- [--base REF] [--exact] [--environment NAME]`
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence

from stacks.core.rights import FILE as RIGHTS
from tools.cdk_cli.assembly import at
from tools.cdk_cli.synth import synthesize_all
from tools.ci import git
from tools.console import say, summarize, waiting
from tools.errors import UserError, reports_errors
from tools.execution_policy.compare import how_to_deploy, missing
from tools.guard import snapshots
from tools.guard.changes import Change, compare
from tools.guard.destructive import destructive_changes
from tools.guard.moves import find_moves
from tools.guard.resources import Resource
from tools.project import ROOT, environments

# Maps each resource with acknowledged destructive changes to the reason.
ACKNOWLEDGED = "snapshots/acknowledged.toml"
NO_RIGHTS = b'{"boundary": [], "drift": [], "execution": []}'
# Data in these types lives for days only, and the CDK or a function's construct deletes it anyway.
SHORT_LIVED = ("AWS::Logs::LogGroup", "AWS::SQS::Queue")


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 if a destructive change is not acknowledged, otherwise 0."""
    parser = argparse.ArgumentParser(prog="nox -s guard --", allow_abbrev=False)
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch or commit to compare with (default: origin/main, or main without it)",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="compare with REF itself, not with the merge base: before a deploy of an older commit",
    )
    parser.add_argument("--environment", choices=environments(), help="default: all environments")
    options = parser.parse_args(arguments)
    names = [options.environment] if options.environment else environments()
    ref = options.base or git.default_base(ROOT)
    start = git.start(ROOT, ref, exact=options.exact)
    with waiting("Synthesizing and comparing"):
        for name, assembly in synthesize_all(names).items():
            snapshots.check(assembly, snapshots.FOLDER / name)
        here, base = (read_files(commit, options.environment) for commit in (None, start))
        text, passes = report(here, base)
    say(f"Compared with {ref} ({start[:9]}).")
    print(text)
    summarize(text)
    return 0 if passes else 1


def read_files(commit: str | None, environment: str | None) -> dict[str, bytes]:
    """The files in snapshots/ by path; with `environment`, only its files and ACKNOWLEDGED."""
    files = git.read_files(ROOT, commit, snapshots.FOLDER.name)
    below = f"{snapshots.FOLDER.name}/{environment}/" if environment else ""
    return {
        path: content
        for path, content in files.items()
        if path.startswith(below) or path == ACKNOWLEDGED
    }


def report(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> tuple[str, bool]:
    """The report in Markdown, and whether all destructive changes are acknowledged.

    Takes the files in snapshots/ by path. An acknowledgement counts unless the base contains it.
    Raises `UserError` for acknowledgements that are not valid.
    """
    reasons = dict(acknowledgements(here).items() - acknowledgements(base).items())
    before, after = snapshots.read(base), snapshots.read(here)
    changes = compare(
        {stack: (before.get(stack, {}), after.get(stack, {})) for stack in sorted(before | after)}
    )
    moves = find_moves(changes)
    found = destructive_changes(changes, moves)
    lines = [
        *_differences(changes),
        *_new_rights(here, base),
        *_verdict(found, reasons),
        *_notes(changes, moves),
    ]
    return "\n".join(lines), found.keys() <= reasons.keys()


def acknowledgements(files: Mapping[str, bytes]) -> dict[str, str]:
    """Each acknowledgement's reason, by resource."""
    try:
        entries = tomllib.loads(files.get(ACKNOWLEDGED, b"").decode())
    except ValueError as error:
        raise UserError(
            f"{ACKNOWLEDGED} is not valid TOML: {error}. Replace an older entry for the same "
            "resource."
        ) from error
    for resource, reason in entries.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(
                f"{ACKNOWLEDGED}: the reason for {resource!r} must be a string with text."
            )
    return entries


def _differences(changes: Sequence[Change]) -> Iterator[str]:
    """What `cdk diff` prints for each stack."""
    for change in changes:
        if change.text:
            yield from (f"### {change.stack}", "", "```", change.text, "```", "")
    if same := [change.stack for change in changes if not change.text]:
        yield from (f"No change in {', '.join(same)}.", "")


def _new_rights(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> Iterator[str]:
    """The rights that CloudFormation and roles need, and that the base's record lacks."""
    for path in sorted(path for path in here if path.endswith(f"/{RIGHTS}")):
        name = path.split("/")[1]
        needed = json.loads(here[path])
        held = json.loads(base.get(path, NO_RIGHTS))
        if lines := missing(needed, held):
            has_new_policy = len(needed["execution"]) > len(held["execution"])
            yield f"### {name} needs {'a new bootstrap' if has_new_policy else 'new rights'}\n"
            yield from (f"- {line}" for line in lines)
            yield f"\nBefore you deploy, an administrator runs:\n\n    {how_to_deploy(name)}"
            if has_new_policy:
                yield f"    uv run nox -s bootstrap -- --to aws --environment {name}"
            yield ""


def _verdict(found: Mapping[str, Sequence[str]], reasons: Mapping[str, str]) -> Iterator[str]:
    """Each resource's destructive changes, and the missing acknowledgements."""
    yield from ("### Destructive changes", "")
    for resource, descriptions in found.items():
        reason = reasons.get(resource)
        yield f"- **{resource}**" + (f" (acknowledged: {reason})" if reason else "")
        yield from (f"  - {description}" for description in descriptions)
    if not found:
        yield "None."
    if missing := [resource for resource in found if resource not in reasons]:
        yield (
            "\nThese changes may lose data, stop events, widen access, or make a deploy fail "
            "halfway. If they are intended, add these lines to "
            f"`{ACKNOWLEDGED}`, each with a reason, in place of an older line for the same "
            "resource:\n\n```toml"
        )
        yield from (f'{json.dumps(resource)} = ""' for resource in missing)
        yield "```"


def _notes(changes: Sequence[Change], moved: Collection[Resource]) -> Iterator[str]:
    """How to delete a removed stack, and which new resources its deletion would take along."""
    environments_here = {change.environment for change in changes if change.new}
    moved_from = {resource.stack for resource in moved}
    for change in changes:
        if not change.new:
            recipe = "rename-a-domain" if change.stack in moved_from else "remove-a-domain"
            if change.environment not in environments_here:
                recipe = "remove-an-environment"
            yield (
                f"\nNote: {change.stack} leaves the code, but stays deployed until you delete it: "
                f"docs/changing.md#{recipe}"
            )
        for resource in change.added:
            is_deleted = at(resource.body, "DeletionPolicy") == "Delete"
            if is_deleted and resource.model["stateful"] and resource.type not in SHORT_LIVED:
                yield (
                    f"\nNote: {resource.name} is new. Its DeletionPolicy deletes it with its data "
                    "when it leaves the stack."
                )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
