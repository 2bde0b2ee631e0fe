"""Decide whether a job deploys, and record what it deployed: `python -m tools.ci.deployed`.

Only the workflows run these commands.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.ci import git, github
from tools.console import say, summarize
from tools.errors import UserError, reports_errors
from tools.project import ROOT, environments

_NO_CREDENTIALS = (
    "Not deployed. This GitHub environment has no AWS credentials. Set its variable "
    "AWS_DEPLOY_ROLE_ARN, or its secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_CHOOSE = "To choose the commit, run the workflow Deploy."


def replaces(root: Path, commit: str, deployed: str) -> bool:
    """Whether `commit` contains the recorded commit `deployed`; if not, it is older.

    Both are commit ids. Raises `UserError` if the history in `root` cannot tell.
    """
    try:
        shared = git.merge_base(root, deployed, commit)
    except UserError as error:
        raise UserError(f"{deployed} is deployed, and may be newer. {error} {_CHOOSE}") from error
    if shared not in (deployed, commit):
        raise UserError(
            f"{deployed} is deployed, and {commit} neither contains nor precedes it. {_CHOOSE}"
        )
    return shared == deployed


def decide(root: Path, environment: str) -> None:
    """Set the outputs `deploys`, and `base` for the guard: the recorded commit, or nothing.

    Raises `UserError` if the job must fail.
    """
    commit = git.commit(root, "HEAD")
    deployed = github.recorded(environment)
    is_chosen = os.environ["GITHUB_EVENT_NAME"] == "workflow_dispatch"
    skipped = None
    if os.environ["HAS_CREDENTIALS"] != "true":
        # A repository that never deployed may have no AWS account yet.
        if is_chosen or deployed:
            raise UserError(f"{environment}: {_NO_CREDENTIALS}")
        skipped = _NO_CREDENTIALS
    elif deployed and not is_chosen and not replaces(root, commit, deployed):
        skipped = f"Superseded: the newer commit {deployed} is deployed. {_CHOOSE}"
    why = skipped or f"{commit} replaces {deployed or 'nothing: no deploy is recorded'}."
    say(f"{'::notice::' if skipped else ''}{environment}: {why}")
    summarize(f"{environment}: {why}")
    github.write_outputs({"deploys": not skipped, "base": deployed or ""})


def check_out(root: Path, name: str) -> None:
    """Check out a commit on main, or for an environment's name, the commit deployed there.

    Raises `UserError` if main does not contain the commit, or if no deploy is recorded.
    """
    if name in environments(root):
        recorded = github.recorded(name)
        if recorded is None:
            raise UserError(f"No deploy to {name!r} is recorded. Choose a commit on main.")
        say(f"{recorded} is deployed to {name}.")
        name = recorded
    commit = git.commit(root, name)
    if git.merge_base(root, commit, "origin/main") != commit:
        raise UserError(f"{name!r} is not a commit on main. Choose another one, or merge it first.")
    git.switch(root, commit)


def list_recorded(root: Path) -> None:
    """Set the output `deployed`: each environment with a record, and its commit."""
    deployed = []
    for name in environments(root):
        commit = github.recorded(name)
        say(f"{name}: {commit or 'no deploy is recorded'}")
        if commit:
            deployed.append({"environment": name, "commit": commit})
    github.write_outputs({"deployed": deployed})


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run one command, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.ci.deployed", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check-out").add_argument("commit")
    for name in ("decide", "record"):
        commands.add_parser(name).add_argument("environment", choices=environments(root))
    commands.add_parser("list")
    options = parser.parse_args(arguments)
    match options.command:
        case "check-out":
            check_out(root, options.commit)
        case "decide":
            decide(root, options.environment)
        case "record":
            github.record(options.environment, git.commit(root, "HEAD"))
        case _:
            list_recorded(root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
