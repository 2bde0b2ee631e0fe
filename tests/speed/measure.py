"""Time everyday commands in one run on one machine: `uv run nox -s speed`.

The table contains medians and their ratios, because a single run can differ by a tenth from the
others.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from rich.table import Table

from tools.cdk_cli import cdk
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.console import say, waiting
from tools.project import ROOT, domains, environments
from tools.variables import without_aws

RUNS = 7
COMMANDS = {
    "nox -s synth": ("-m", "tools.security", *environments()),
    f"python apps/{DEFAULT_ENVIRONMENT}/app.py": (f"apps/{DEFAULT_ENVIRONMENT}/app.py",),
    "nox --list": ("-m", "nox", "--list"),
    "unit tests of all domains": ("-m", "pytest", "-q", *(f"tests/{name}" for name in domains())),
    "deploy without changes to the local cloud": ("-m", "tools.deployment", "deploy", "--to=local"),
}


def measure(command: tuple[str, ...]) -> float:
    """A Python command's duration in seconds. Exits if the command fails."""
    variables = {**without_aws(os.environ), **cdk.VARIABLES, "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nThis command fails: python {' '.join(command)}")
    return time.monotonic() - start


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder, waiting("Measuring"):
        os.environ["WEALTH_OPS_CLOUD"] = f"{folder}/cloud"
        # The first run fills the caches and deploys. Each run measures every command once.
        _, *runs = [list(map(measure, COMMANDS.values())) for _ in range(RUNS + 1)]
    medians = [statistics.median(seconds) for seconds in zip(*runs, strict=True)]
    table = Table("Command", "Seconds", "Ratio to nox -s synth")
    for name, seconds in zip(COMMANDS, medians, strict=True):
        table.add_row(name, f"{seconds:.2f}", f"{seconds / medians[0]:.2f}")
    say(table)


if __name__ == "__main__":
    main()
