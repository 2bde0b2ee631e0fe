"""Compare the snapshots with a base's snapshots.

`nox -s guard -- [--base REF] [--exact] [--environment NAME]`
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stacks.core.rights import FILE as RIGHTS
from tools.cdk_cli.assembly import ANY_ACCOUNT
from tools.cdk_cli.synth import synthesize_all
from tools.ci import git
from tools.console import say, summarize, waiting
from tools.errors import UserError, reports_errors
from tools.execution_policy.compare import how_to_deploy, missing
from tools.guard import snapshots
from tools.guard.changes import Changes, Template, compare
from tools.guard.destructive import deleted_with_data, destructive_changes
from tools.guard.moves import Move, find_moves, override_file
from tools.project import ROOT, environments

SUFFIX = ".template.json"
# Maps each resource with acknowledged destructive changes to the reason.
ACKNOWLEDGED = "snapshots/acknowledged.toml"
NO_RIGHTS = b'{"boundary": [], "drift": [], "execution": []}'
UNRETAINED = "Its DeletionPolicy deletes it with its data when it leaves the stack."


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
    start = git.commit(ROOT, ref) if options.exact else git.merge_base(ROOT, ref, "HEAD")
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
    stacks = sorted(path.removesuffix(SUFFIX) for path in {**base, **here} if SUFFIX in path)
    comparison = compare(
        {path.partition("/")[2]: (_load(base, path), _load(here, path)) for path in stacks}
    )
    moves = find_moves(comparison)
    found = destructive_changes(comparison, moves)
    reported = [move for move in moves if move.old.name in found]
    lines = [
        *_differences(comparison["stacks"]),
        *_new_rights(here, base),
        *_verdict(found, reasons),
        *_mapping(reported),
        *(f"\nNote: {name} is new. {UNRETAINED}" for name in deleted_with_data(comparison)),
    ]
    return "\n".join(lines), found.keys() <= reasons.keys()


def _load(files: Mapping[str, bytes], path: str) -> Template:
    """A stack's template, with the settings that its environment's `stacks.json` holds."""
    if f"{path}{SUFFIX}" not in files:
        return {}
    environment, _, stack = path.rpartition("/")
    settings = json.loads(files.get(f"{environment}/{snapshots.STACKS}", b"{}"))
    template = json.loads(files[f"{path}{SUFFIX}"])
    _leave_out_rights(template, files)
    return {**template, "Settings": settings.get(stack)}


def _leave_out_rights(template: dict[str, Any], files: Mapping[str, bytes]) -> None:
    """Empty the managed policies that hold recorded rights.

    They follow from the other templates, and `_new_rights` reports them.
    """
    recorded = [
        statements
        for path, content in files.items()
        if path.endswith(f"/{RIGHTS}")
        for policies in json.loads(content).values()
        for statements in policies
    ]
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            document = resource["Properties"]["PolicyDocument"]
            if json.loads(json.dumps(document["Statement"]), object_hook=_template) in recorded:
                document["Statement"] = []


def _template(value: dict[str, Any]) -> object:
    """The text of a Fn::Sub, as the record has it."""
    return value["Fn::Sub"] if value.keys() == {"Fn::Sub"} else value


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


def _differences(all_changes: Sequence[Changes]) -> Iterator[str]:
    """What `cdk diff` prints for each stack."""
    for changes in all_changes:
        if changes["text"]:
            yield from (f"### {changes['name']}", "", "```", changes["text"], "```", "")
    if same := [changes["name"] for changes in all_changes if not changes["text"]]:
        yield from (f"No change in {', '.join(same)}.", "")


def _new_rights(here: Mapping[str, bytes], base: Mapping[str, bytes]) -> Iterator[str]:
    """The rights that CloudFormation and roles need, and that the base's record lacks."""
    for path in sorted(path for path in here if path.endswith(f"/{RIGHTS}")):
        name = path.split("/")[1]
        needed = json.loads(here[path])
        held = json.loads(base.get(path, NO_RIGHTS))
        if lines := missing(needed, held):
            has_new_policy = len(needed["execution"]) > len(held["execution"])
            yield (
                f"### {name} needs a new bootstrap\n"
                if has_new_policy
                else (f"### {name} needs new rights\n")
            )
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


def _mapping(moves: Sequence[Move]) -> Iterator[str]:
    """The file with which `cdk refactor` keeps the resources that are renamed or moved."""
    if moves:
        yield (
            "\nOn AWS, `cdk refactor` renames and moves resources without replacing them, between "
            "stacks that are deployed. CloudFormation refuses a refactor that also changes "
            "resources, so deploy other changes before or after it; docs/changing.md says how, "
            "and when it cannot work. Save this as "
            f"`refactor.json`, with your account's number for `{ANY_ACCOUNT}`:\n\n"
            f"```json\n{override_file(moves)}\n```"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
