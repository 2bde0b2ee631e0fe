"""Decide whether a job deploys, and record what it deployed: `python -m tools.ci.deployed`.

Only the workflows run these commands.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.ci import git, github
from tools.console import say, summarize
from tools.errors import UserError, reports_errors
from tools.project import ROOT, environments


@dataclass(frozen=True)
class Decision:
    """What the job does, and why: it deploys, skips the deploy and succeeds, or fails."""

    action: Literal["deploy", "skip", "fail"]
    why: str


def decide(root: Path, commit: str, deployed: str | None) -> Decision:
    """Whether a push of `commit` replaces the recorded commit, from the history in `root`.

    Both are commit ids; `deployed` is None without a record.
    """
    if deployed is None:
        return Decision("deploy", "No deploy is recorded yet.")
    choose = "To choose the commit, run the workflow Deploy."
    try:
        shared = git.merge_base(root, deployed, commit)
    except UserError as error:
        return Decision("fail", f"{deployed} is deployed, and may be newer. {error} {choose}")
    if shared == deployed:
        return Decision("deploy", f"{deployed} is deployed, and {commit} contains it.")
    if shared == commit:
        return Decision("skip", f"Superseded: the newer commit {deployed} is deployed. {choose}")
    return Decision(
        "fail", f"{deployed} is deployed, and {commit} neither contains nor precedes it. {choose}"
    )


def decide_job(
    root: Path, commit: str, deployed: str | None, *, has_credentials: bool, is_chosen: bool
) -> Decision:
    """Like `decide`, also for a job without AWS credentials, and for a commit that a user chose."""
    if not has_credentials:
        missing = (
            "This GitHub environment has no AWS credentials. Set its variable AWS_DEPLOY_ROLE_ARN, "
            "or its secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
        # A repository that never deployed may have no AWS account yet.
        expects_credentials = is_chosen or deployed is not None
        return Decision("fail" if expects_credentials else "skip", f"Not deployed. {missing}")
    if is_chosen:
        return Decision("deploy", f"Deployed until now: {deployed or 'nothing is recorded'}.")
    return decide(root, commit, deployed)


def check_out(root: Path, name: str) -> None:
    """Check out a commit on main; raises `UserError` if main does not contain it."""
    commit = git.commit(root, name)
    if git.merge_base(root, commit, "origin/main") != commit:
        raise UserError(f"{name!r} is not a commit on main. Choose another one, or merge it first.")
    git.switch(root, commit)


def _decide_step(root: Path, environment: str) -> int:
    deployed = github.recorded(environment)
    decision = decide_job(
        root,
        git.commit(root, "HEAD"),
        deployed,
        has_credentials=os.environ["HAS_CREDENTIALS"] == "true",
        is_chosen=os.environ["GITHUB_EVENT_NAME"] == "workflow_dispatch",
    )
    if decision.action == "fail":
        raise UserError(f"{environment}: {decision.why}")
    level = "::notice::" if decision.action == "skip" else ""
    say(f"{level}{environment}: {decision.why}")
    summarize(f"{environment}: {decision.why}")
    github.write_outputs({"deploys": decision.action == "deploy", "base": deployed or ""})
    return 0


@reports_errors
def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run one command, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.ci.deployed", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check-out", help="check out a commit on main").add_argument("commit")
    decide_parser = commands.add_parser("decide", help="set the outputs `deploys` and `base`")
    record_parser = commands.add_parser("record", help="record that this commit is deployed")
    for subparser in (decide_parser, record_parser):
        subparser.add_argument("environment", choices=environments(root))
    commands.add_parser("list", help="set the output `deployed`: the record of each environment")
    options = parser.parse_args(arguments)
    if options.command == "decide":
        return _decide_step(root, options.environment)
    if options.command == "check-out":
        check_out(root, options.commit)
    elif options.command == "record":
        github.record(options.environment, git.commit(root, "HEAD"))
    else:
        records = {name: github.recorded(name) for name in environments(root)}
        for name, commit in records.items():
            say(f"{name}: {commit or 'no deploy is recorded'}")
        deployed = [
            {"environment": name, "commit": records[name]} for name in records if records[name]
        ]
        github.write_outputs({"deployed": deployed})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
