"""Rehearse the upgrade of a base's recorded stacks to this checkout's.

`nox -s rehearse -- [--base REF] [--environment NAME]`
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.ci import git
from tools.console import say, summarize, waiting
from tools.errors import UserError, reports_errors
from tools.guard.__main__ import acknowledgements, read_files
from tools.local_cloud.client import local_cloud
from tools.project import ROOT, environments
from tools.rehearsal import stacks
from tools.rehearsal.rehearse import rehearse
from tools.variables import replaced_variables


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 if something is lost and not acknowledged, otherwise 0."""
    parser = argparse.ArgumentParser(prog="nox -s rehearse --", allow_abbrev=False)
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch or commit that is deployed (default: origin/main, or main without it)",
    )
    parser.add_argument("--environment", choices=environments(), help="default: all environments")
    options = parser.parse_args(arguments)
    ref = options.base or git.default_base(ROOT)
    start = git.start(ROOT, ref)
    here, base = (read_files(commit, options.environment) for commit in (None, start))
    if not stacks.read(read_files(start, None)):
        raise UserError(
            f"{ref} ({start[:9]}) records no templates. Choose a later commit as --base."
        )
    say(f"Upgrade from {ref} ({start[:9]}) to this checkout's snapshots, on a local cloud.")
    if here == base:
        say("Nothing was rehearsed, because the snapshots are the same.")
        return 0
    reasons = dict(acknowledgements(here).items() - acknowledgements(base).items())
    with (
        waiting("Rehearsing the upgrade and the way back"),
        tempfile.TemporaryDirectory() as folder,
        local_cloud(Path(folder)) as cloud,
        replaced_variables(cloud.variables(os.environ)),
    ):
        report = rehearse(stacks.read(base), stacks.read(here))
    text = report.markdown(reasons)
    print(text)
    summarize(text)
    return 1 if report.unacknowledged(reasons) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
