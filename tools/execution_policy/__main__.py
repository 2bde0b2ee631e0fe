"""Allow one more action: `nox -s allow -- sqs:CreateQueue --reason "…"`."""

import argparse
import json
import sys
from collections.abc import Sequence

from stacks.core.rights import find_rights
from tools.console import say, waiting
from tools.errors import reports_errors
from tools.execution_policy.compare import how_to_deploy
from tools.execution_policy.table import OWN, Row, check_row
from tools.guard.snapshots import record_all
from tools.project import ROOT, environments


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Add a row to snapshots/execution-rights.toml, and record the policies; return the status."""
    parser = argparse.ArgumentParser(prog="nox -s allow --", allow_abbrev=False)
    parser.add_argument(
        "actions",
        nargs="+",
        metavar="action",
        help="as in CloudFormation's AccessDenied: sqs:CreateQueue",
    )
    parser.add_argument("--reason", required=True, help="for the reviewer")
    parser.add_argument(
        "--resource", metavar="ARN", help="default: the service's resources of the environment"
    )
    parser.add_argument("--environment", choices=environments(), help="default: all environments")
    parser.add_argument(
        "--boundary", action="store_true", help="for the environment's roles, not CloudFormation"
    )
    options = vars(parser.parse_args(arguments))
    row = Row(**options)
    check_row(row)
    # A JSON string, list or boolean is one in TOML too.
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in options.items() if value]
    with OWN.open("a") as file:
        file.writelines(["\n[[allow]]\n", *lines])
    names = [row.environment] if row.environment else environments()
    with waiting("Synthesizing"):
        record_all(names)
    say(f"Added {', '.join(row.actions)} to {OWN.relative_to(ROOT)}, and recorded the policies.")
    say("After the review, a person deploys them:")
    for command in sorted({how_to_deploy(name) for name in names if find_rights(name)}):
        say(f"  {command}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
