"""Allow one more action: `nox -s allow -- sqs:CreateQueue --reason "…"`."""

import argparse
import json
import sys
from collections.abc import Sequence

from tools.console import say, waiting
from tools.errors import reports_errors
from tools.execution_policy.compare import how_to_deploy
from tools.execution_policy.table import OWN, Own, check_row
from tools.guard.snapshots import record_all
from tools.project import ROOT, environments


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Add a row to snapshots/execution-rights.toml, and record the policies; return the status."""
    parser = argparse.ArgumentParser(prog="nox -s allow --", allow_abbrev=False)
    parser.add_argument("action", help="as in CloudFormation's AccessDenied: sqs:CreateQueue")
    parser.add_argument("--reason", required=True, help="for the reviewer")
    parser.add_argument(
        "--resource", metavar="ARN", help="default: the service's resources of the environment"
    )
    parser.add_argument("--environment", choices=environments(), help="default: all environments")
    parser.add_argument(
        "--boundary", action="store_true", help="for the environment's roles, not CloudFormation"
    )
    row = Own(**vars(parser.parse_args(arguments)))
    check_row(row)
    values = {key: value for key, value in row._asdict().items() if value}
    # A JSON string or boolean is one in TOML too.
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    with OWN.open("a") as file:
        file.write(f"\n[[allow]]\n{lines}\n")
    with waiting("Synthesizing"):
        record_all([row.environment] if row.environment else environments())
    say(f"Added {row.action} to {OWN.relative_to(ROOT)}, and recorded the policies in snapshots/.")
    for name in [row.environment] if row.environment else environments():
        if row.environment or (OWN.parent / name / "execution-policy.json").exists():
            say(f"After the review, a person deploys them for {name}:\n  {how_to_deploy(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
